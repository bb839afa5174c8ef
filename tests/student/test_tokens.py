"""Tokens in memory and the batches made of them."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from s3.data.example import Example
from s3.errors import UserError
from s3.student import Classifier
from s3.student.batches import Loader, evaluation_plan, padding, training_plan


def test_rows_are_what_the_tokenizer_says(student, head, train):
    first = student.tokens(head).select(train[100:150], targets=True)  # an earlier round's
    chosen = student.tokens(head).select(train, targets=True)
    assert list(chosen.numbers[100:150]) == list(first.numbers)
    rows = np.split(chosen.rows.ids, chosen.rows.starts[1:-1])
    for i, example in enumerate(train):
        wanted = student.tokenizer(example.fields["text"], truncation=True, max_length=32)
        assert list(rows[chosen.numbers[i]]) == wanted["input_ids"]
        assert head.labels[chosen.targets[i, 0]] == example.target


def test_pairs_are_read_in_the_order_of_the_fields(student):
    head = Classifier(("a",), ("second", "first", "third"))
    example = Example({"first": "good film", "second": "bad", "third": "end"}, "a")
    chosen = student.tokens(head).select([example], targets=True)
    wanted = student.tokenizer("bad", "good film [SEP] end")
    assert list(chosen.rows.ids) == wanted["input_ids"]
    assert list(chosen.rows.segments) == wanted["token_type_ids"]


def test_a_text_is_tokenised_once(student, head, train, monkeypatch):
    asked, tokenize = [], Classifier.tokenize

    def counted(self, tokenizer, texts, *sizes):
        asked.extend(texts)
        return tokenize(self, tokenizer, texts, *sizes)

    monkeypatch.setattr(Classifier, "tokenize", counted)
    student.tokens(head).select(train[:100], targets=True)
    again = student.tokens(head).select([*train, *train[:50]], targets=True)
    texts = {head.texts(example) for example in train}
    assert len(asked) == len(set(asked)) == len(texts)
    assert len(again.numbers) == len(train) + 50
    assert list(again.numbers[-50:]) == list(again.numbers[:50])
    assert len(student.tokens(head).select([], targets=True).numbers) == 0


def test_a_head_that_loses_a_text_is_found_out(student, head, train, monkeypatch):
    tokenize = Classifier.tokenize
    monkeypatch.setattr(Classifier, "tokenize", lambda *given: tokenize(*given)[1:])
    with pytest.raises(ValueError, match="shorter"):
        student.tokens(head).select(train, targets=True)
    monkeypatch.undo()
    assert len(student.tokens(head).select(train, targets=True).numbers) == len(train)


def test_an_unknown_label_is_the_users(student, head):
    with pytest.raises(UserError, match="'other' is none of negative, positive"):
        student.tokens(head).select([Example({"text": "good"}, "other")], targets=True)


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
    selection = student.tokens(head).select(train, targets=True)
    plan = training_plan(selection.lengths, 8, seed=0, epoch=0, least=2)
    loaders = [Loader.of(student.tokenizer, selection, plan, rank, 2) for rank in (0, 1)]
    for batch, *parts in zip(plan, *loaders, strict=True):
        assert sorted(batch) == sorted(int(row) for part in parts for row in part.rows)


@pytest.mark.slow
def test_200_000_rows_are_held_as_arrays_only(student):
    """Beside the caller's examples: the arrays and, for each text, a few numbers in arrays."""
    head = Classifier(("a", "b"), ("text",))
    words = student.tokenizer.get_vocab()
    chance = np.random.default_rng(0)
    vocabulary = np.array([word for word in words if word.isalpha()])
    texts = [" ".join(row) for row in chance.choice(vocabulary, (200_000, 24))]
    examples = [Example({"text": f"{i} {text}"}, "a") for i, text in enumerate(texts)]
    tracemalloc.start()
    chosen = student.tokens(head).select(examples, targets=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    arrays = chosen.rows.ids.nbytes + chosen.rows.segments.nbytes + chosen.rows.starts.nbytes
    assert held < arrays + 200_000 * 64
    assert len(training_plan(chosen.lengths, 32, seed=0, epoch=0)) == 6250
