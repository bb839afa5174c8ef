"""Standard errors: those of formulas, and the resampled ones against what many samples show."""

from __future__ import annotations

import random
import statistics
from typing import Any

import pytest

from s3 import metrics
from s3.runs.significance import chance, difference, score

LABELS = ("ham", "spam")


def rows(pairs: list[tuple[Any, str]]) -> list[dict[str, Any]]:
    return [{"id": str(i), "target": t, "predicted": p} for i, (t, p) in enumerate(pairs)]


def sample(size: int, right: float, rng: random.Random, spam: float = 0.2) -> list[tuple[str, str]]:
    """Rows of which a fifth are spam, answered rightly with that probability."""
    gold = [LABELS[rng.random() < spam] for _ in range(size)]
    return [(one, one if rng.random() < right else LABELS[one == "ham"]) for one in gold]


def test_an_accuracy_has_the_binomial_error():
    found = score("accuracy", rows([("ham", "ham")] * 64 + [("ham", "spam")] * 36))
    assert (found.value, found.error) == (0.64, pytest.approx(0.048))


def test_spans_are_scored_row_by_row():
    target = {"texts": ["the red house", "a house"], "starts": [0, 0]}
    answers = rows([(target, "House"), (target, "red")])  # F1 1 and 2/3
    assert score("em", answers).value == 0.5
    found = score("f1", answers)
    assert found.value == pytest.approx(5 / 6)
    assert found.error == pytest.approx(1 / 6 / 2**0.5)


def test_a_macro_f1s_error_is_what_other_samples_vary_by():
    rng = random.Random(0)
    samples = [sample(200, 0.8, rng) for _ in range(300)]
    scores = [metrics.macro_f1([p for _, p in one], [t for t, _ in one]) for one in samples]
    errors = [score("macro_f1", rows(one)).error for one in samples[:10]]
    assert statistics.mean(errors) == pytest.approx(statistics.stdev(scores), rel=0.15)
    assert score("macro_f1", rows(samples[0])).value == pytest.approx(scores[0])


def test_the_same_rows_give_the_same_error():
    one = rows(sample(100, 0.8, random.Random(1)))
    assert score("macro_f1", one) == score("macro_f1", one)


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1"])
def test_a_difference_is_paired(metric: str):
    """Two models that err on the same rows but for a few differ more surely than by their own."""
    gold = [LABELS[i % 2] for i in range(200)]
    first = [one if i % 4 else LABELS[one == "ham"] for i, one in enumerate(gold)]  # 3 of 4 right
    second = [one if i % 4 or i < 40 else LABELS[one == "ham"] for i, one in enumerate(gold)]
    before, after = (rows(list(zip(gold, said, strict=True))) for said in (first, second))
    gained = difference(metric, after, before)
    assert gained.beyond_chance
    assert gained.error < score(metric, after).error / 1.5
    assert gained.value == pytest.approx(score(metric, after).value - score(metric, before).value)
    assert difference(metric, before, after).value == pytest.approx(-gained.value)
    level = difference(metric, after, after)
    assert (level.value, level.error, level.beyond_chance) == (0, 0, False)


def test_answers_to_other_examples_are_not_compared():
    one = rows([("ham", "ham"), ("spam", "ham")])
    with pytest.raises(ValueError, match="different examples"):
        difference("accuracy", one, one[::-1])


def test_chance_is_the_commonest_label_or_what_unrelated_answers_score():
    rng = random.Random(2)
    answers = sample(4000, 0.7, rng)
    assert chance("accuracy", rows(answers)) == pytest.approx(0.8, abs=0.02)
    gold, said = [t for t, _ in answers], [p for _, p in answers]
    rng.shuffle(said)
    shuffled = metrics.macro_f1(said, gold)
    assert chance("macro_f1", rows(answers)) == pytest.approx(shuffled, abs=0.02)
