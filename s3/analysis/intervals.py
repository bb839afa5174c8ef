"""How sure a mean over seeds and test rows is: its 95 % interval, and that of a paired difference.

Seeds and test rows are both samples: another seed writes other data and trains another model,
other test rows would have been easier or harder; and every seed is scored on the same rows. So the
scores of a group of runs are a table, a row a seed and a column a test row, with a variance in both
directions, which the two-way analysis of variance estimates, as in studies in which several readers
judge the same cases. The two errors are joined, each with its own quantile of Student's t (the
method of variance estimates recovery: Zou and Donner, Statistics in Medicine 27, 2008). How often
the interval holds the truth, and how often others do, is in `docs/compare.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3 import metrics
from s3.runs.significance import ROW_SCORES

Floats = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]

CONFIDENCE = 0.95
DRAWS = 2000  # of a bootstrap


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and test rows, or a mean difference, and how sure it is.

    `deviation` is the standard deviation over seeds. The errors are standard errors of the mean:
    by the seeds, by the rows, by the rest, which is in both. With one seed nothing is known of
    other seeds: its deviation is not a number, and the interval is over test rows alone.
    """

    mean: float
    deviation: float
    row_error: float
    rest_error: float
    seeds: int
    rows: int

    @property
    def seed_error(self) -> float:
        """The standard error by the seeds."""
        return self.deviation / float(np.sqrt(self.seeds))

    def half(self, confidence: float = CONFIDENCE) -> float:
        """Return half the width of the interval.

        The rest is taken off the error by the seeds, half of it before it is scaled by the quantile
        for so few seeds and half after: either alone is too narrow or too wide in simulations.
        """
        from scipy.special import stdtrit  # the quantile of Student's t

        tail = (1 + confidence) / 2
        of_rows = stdtrit(self.rows - 1, tail) ** 2
        square = of_rows * self.row_error**2
        if self.seeds > 1:
            of_seeds = stdtrit(self.seeds - 1, tail) ** 2
            rest = (of_seeds + of_rows) / 2 * self.rest_error**2
            square += max(of_seeds * self.seed_error**2 - rest, 0)
        return float(np.sqrt(square))

    @property
    def low(self) -> float:
        """The lower end of the 95 % interval."""
        return self.mean - self.half()

    @property
    def high(self) -> float:
        """The upper end of the 95 % interval."""
        return self.mean + self.half()

    @property
    def p_value(self) -> float:
        """The two-sided p-value of zero: 1 less the confidence of the interval that ends there."""
        from scipy.optimize import brentq

        reach, sure = abs(self.mean), 1 - 1e-9
        if not reach or self.half(sure) <= reach:
            return 0.0 if reach else 1.0
        return 1 - float(brentq(lambda confidence: self.half(confidence) - reach, 0, sure))

    @property
    def above_zero(self) -> float:
        """The probability that the true value lies above zero, by the intervals' confidence."""
        return self.p_value / 2 if self.mean < 0 else 1 - self.p_value / 2


def estimate(scores: Floats) -> Estimate:
    """Return the mean of scores [seeds, test rows], and how sure it is.

    For a difference, pass the differences of two models' scores with the same seed on the same row.
    """
    seeds, rows = scores.shape
    mean, by_seed, by_row = scores.mean(), scores.mean(axis=1), scores.mean(axis=0)
    if seeds == 1:
        error = float(by_row.std(ddof=1) / np.sqrt(rows))
        return Estimate(float(mean), np.nan, error, 0.0, seeds, rows)
    rest = ((scores - by_seed[:, None] - by_row + mean) ** 2).sum() / ((seeds - 1) * (rows - 1))
    of_rows = max(seeds * by_row.var(ddof=1), rest)  # a mean square, as the rest
    errors = np.sqrt(np.array([of_rows, rest]) / scores.size)
    deviation = float(by_seed.std(ddof=1))
    return Estimate(float(mean), deviation, float(errors[0]), float(errors[1]), seeds, rows)


def rank_correlation(one: Floats, other: Floats, seed: int = 0) -> tuple[float, float, float]:
    """Return Spearman's rank correlation of paired values and its 95 % interval.

    The ends are percentiles of a bootstrap over the pairs; draws in which all values of a side are
    equal have no correlation, and are left out.
    """
    from scipy.stats import rankdata, spearmanr

    draws = np.random.default_rng(seed).integers(len(one), size=(DRAWS, len(one)))
    ranks = (rankdata(side[draws], axis=1) for side in (one, other))
    first, second = (some - some.mean(axis=1, keepdims=True) for some in ranks)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    told = spread > 0
    found = (first * second).sum(axis=1)[told] / spread[told]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(found, [tail, 100 - tail])
    return float(spearmanr(one, other).statistic), float(low), float(high)


def mcnemar(scores: Floats, others: Floats) -> float:
    """Return the exact p-value of McNemar's test: two models, right (1) or wrong on each row."""
    from scipy import stats

    better, worse = int((scores > others).sum()), int((scores < others).sum())
    return float(stats.binomtest(better, better + worse).pvalue) if better + worse else 1.0


def contributions(metric: str, answers: Rows) -> Floats:
    """Return what each test row contributes to a metric, so that the mean is the metric.

    Accuracy, EM and F1 are means over rows. Macro-F1 is not; its contributions are the jackknife's
    pseudo-values (n times the score, less n - 1 times the score without the row).
    """
    if metric != "macro_f1":
        of = ROW_SCORES[metric]
        return np.array([of(row["predicted"], row["target"]) for row in answers])
    cells = [(row["predicted"], row["target"]) for row in answers]
    score, number = _macro_f1(cells), len(cells)
    first = {cell: place for place, cell in reversed(list(enumerate(cells)))}
    without = {cell: _macro_f1(cells[:i] + cells[i + 1 :]) for cell, i in first.items()}
    pseudo = np.array([number * score - (number - 1) * without[cell] for cell in cells])
    return np.asarray(pseudo + score - pseudo.mean())


def rights(answers: Rows) -> Floats:
    """Return which answers are right: 1 or 0 a row, of answers that are texts by exact match."""
    spans = bool(answers) and isinstance(answers[0]["target"], dict)
    return contributions("em" if spans else "accuracy", answers)


def _macro_f1(cells: Sequence[tuple[str, str]]) -> float:
    said, gold = zip(*cells, strict=True)
    return metrics.macro_f1(said, gold)
