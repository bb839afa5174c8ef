"""Which rows share a batch, and the batches as tensors."""

from itertools import pairwise

import numpy as np
import pytest

from s3.student.encoding import Loader, evaluation_plan, padding, training_plan


@pytest.fixture
def lengths():
    return np.random.default_rng(0).lognormal(4, 0.6, 2500).astype(np.int64).clip(8, 290)


def test_an_epoch_takes_every_row_once_in_steps_of_equal_cost(lengths):
    plan = training_plan(lengths, 16, seed=0, epoch=0)
    assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
    assert len(plan) == pytest.approx(len(lengths) / 16, abs=2)
    cost = np.array([len(batch) * lengths[batch].max() for batch in plan])
    assert cost.std() < 0.2 * cost.mean()


def test_batches_hold_like_lengths_and_still_shuffle(lengths):
    plans = [training_plan(lengths, 16, seed=0, epoch=epoch) for epoch in (0, 1)]
    assert all(padding(plan, lengths) < 0.06 for plan in plans)
    mates = [{frozenset(pair) for b in plan for pair in pairwise(b)} for plan in plans]
    assert len(mates[0] & mates[1]) < 0.03 * len(lengths)
    means = np.array([lengths[batch].mean() for batch in plans[0]])
    assert abs(np.corrcoef(means[1:], means[:-1])[0, 1]) < 0.25  # no order of lengths
    again = training_plan(lengths, 16, seed=0, epoch=1)
    assert all(np.array_equal(a, b) for a, b in zip(plans[1], again, strict=True))


@pytest.mark.parametrize("count", [1, 3, 7, 40, 200])
def test_each_batch_has_a_row_for_every_process(count):
    lengths = np.arange(count) % 50 + 3
    plan = training_plan(lengths, 4, seed=0, epoch=0, least=3)
    assert sorted(np.concatenate(plan)) == list(range(count))
    assert count < 3 or min(map(len, plan)) >= 3


def test_evaluation_batches_stay_within_their_tokens(lengths):
    plan = evaluation_plan(lengths, 1000)
    assert sorted(np.concatenate(plan)) == list(range(len(lengths)))
    assert all(len(batch) * lengths[batch].max() <= 1000 for batch in plan)
    assert padding(plan, lengths) < 0.05
    assert [len(batch) for batch in evaluation_plan(lengths[:5], 1)] == [1] * 5


def test_processes_share_each_batch(student, head, train):
    selection = student.encoder.tokens(head).select(train, targets=True)
    plan = training_plan(selection.lengths, 8, seed=0, epoch=0, least=2)
    loaders = [Loader.of(student.encoder.tokenizer, selection, plan, rank, 2) for rank in (0, 1)]
    for batch, *parts in zip(plan, *loaders, strict=True):
        assert sorted(batch) == sorted(int(row) for part in parts for row in part.rows)
