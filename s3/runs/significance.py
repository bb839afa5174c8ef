"""How sure a score is: standard errors of a model's score, and of one model's gain over another.

Rows are those of `FinishedRound.predictions`: each has `id`, `target` and `predicted`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3 import metrics
from s3.metrics import NORMAL_95

Rows = Sequence[Mapping[str, Any]]
Floats = NDArray[np.float64]

DRAWS = 1000  # resamples of the rows, where a standard error has no formula
# What one row counts, of the scores that are means over rows.
ROW_SCORES: Mapping[str, Callable[[str, Any], float]] = {
    "accuracy": lambda said, target: float(said == target),
    "em": lambda said, target: metrics.exact_match(said, target["texts"]),
    "f1": lambda said, target: metrics.f1(said, target["texts"]),
}


@dataclass(frozen=True)
class Estimate:
    """A score in 0..1, or a difference of two, and its standard error over the rows."""

    value: float
    error: float

    @property
    def beyond_chance(self) -> bool:
        """Whether zero lies outside the 95 % interval."""
        return abs(self.value) > NORMAL_95 * self.error


def score(metric: str, rows: Rows) -> Estimate:
    """Return a metric of a model's answers: sqrt(p (1 - p) / n) is the error of an accuracy p."""
    if metric == "macro_f1":
        return _macro_f1(rows, [_said(rows)])
    return _mean(_row_scores(metric, rows))


def interval(metric: str, rows: Rows) -> tuple[float, float]:
    """Return the 95 % interval of a metric of a model's answers.

    Of a share of right answers it is Wilson's, which holds for few rows, too; else the normal one.
    """
    from scipy.stats import binomtest

    found = score(metric, rows)
    if metric in ("accuracy", "em"):
        right = round(found.value * len(rows))
        low, high = binomtest(right, len(rows)).proportion_ci(method="wilson")
        return float(low), float(high)
    half = NORMAL_95 * found.error
    return max(found.value - half, 0.0), min(found.value + half, 1.0)


def difference(metric: str, rows: Rows, before: Rows) -> Estimate:
    """Return how much better `rows` are than `before`, two models' answers to the same examples.

    It is paired: the error is the standard deviation of the rows' differences over sqrt(n).
    Raises ValueError where the examples are not the same.
    """
    if [row["id"] for row in rows] != [row["id"] for row in before]:
        raise ValueError("the two models answered different examples")
    if metric == "macro_f1":
        return _macro_f1(rows, [_said(rows), _said(before)])
    return _mean(_row_scores(metric, rows) - _row_scores(metric, before))


def chance(metric: str, rows: Rows) -> float:
    """Return what a classifier that has learnt nothing would score by accuracy or macro-F1.

    For accuracy that is the share of the most frequent label; for macro-F1 what the same answers
    would score if they had nothing to do with the examples.
    """
    gold = Counter(row["target"] for row in rows)
    if metric == "accuracy":
        return max(gold.values()) / len(rows)
    said, labels = Counter(_said(rows)), gold | Counter(_said(rows))
    scores = [2 * said[one] * gold[one] / (said[one] + gold[one]) for one in labels]
    return sum(scores) / len(scores) / len(rows)


def _said(rows: Rows) -> list[str]:
    return [row["predicted"] for row in rows]


def _row_scores(metric: str, rows: Rows) -> Floats:
    of = ROW_SCORES[metric]
    return np.array([of(row["predicted"], row["target"]) for row in rows])


def _mean(values: Floats) -> Estimate:
    return Estimate(float(values.mean()), float(values.std() / np.sqrt(len(values))))


def _macro_f1(rows: Rows, said: Sequence[Sequence[str]]) -> Estimate:
    """Return macro-F1 of one model's answers, or of the first's less the second's; bootstrapped."""
    gold = [row["target"] for row in rows]
    value = metrics.macro_f1(said[0], gold)
    if len(said) > 1:
        value -= metrics.macro_f1(said[1], gold)
    cells = Counter(zip(gold, *said, strict=True))  # equal rows are drawn together: far fewer
    shares = np.array(list(cells.values())) / len(rows)
    drawn = np.random.default_rng(0).multinomial(len(rows), shares, size=DRAWS)
    columns = list(zip(*cells, strict=True))  # each cell's gold label, then each model's answer
    scores = [_drawn_macro_f1(drawn, columns[0], column) for column in columns[1:]]
    return Estimate(value, float((scores[0] - sum(scores[1:])).std()))


def _drawn_macro_f1(drawn: NDArray[Any], gold: Sequence[str], said: Sequence[str]) -> Floats:
    """Return macro-F1 for each draw [draws, cells] of cells with these labels and answers."""
    total, occurring = np.zeros(len(drawn)), np.zeros(len(drawn))
    for label in sorted({*gold, *said}):
        is_gold, is_said = (np.array([one == label for one in column]) for column in (gold, said))
        occurs = drawn @ is_gold.astype(int) + drawn @ is_said.astype(int)
        total += 2 * (drawn @ (is_gold & is_said).astype(int)) / np.maximum(occurs, 1)
        occurring += occurs > 0
    return np.asarray(total / occurring)
