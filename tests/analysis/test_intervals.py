"""Intervals: against scipy directly, and by how often they hold the truth in simulations."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from scipy import stats

from s3 import metrics
from s3.analysis.intervals import contributions, estimate, mcnemar, rank_correlation
from tests.analysis.simulation import expected, scored

DRAWS = 2000  # of 500, whose share scatters by two points, one test in ten would miss by chance


def test_one_seeds_interval_is_students_over_rows():
    scores = np.random.default_rng(0).integers(0, 2, (1, 50)).astype(float)
    low, high = stats.t.interval(0.95, 49, scores.mean(), stats.sem(scores[0]))
    found = estimate(scores)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert np.isnan(found.deviation)


def test_where_rows_are_alike_the_interval_is_students_over_seeds():
    by_seed = np.array([0.6, 0.7, 0.65, 0.62])
    found = estimate(np.repeat(by_seed[:, None], 30, axis=1))
    low, high = stats.t.interval(0.95, 3, by_seed.mean(), stats.sem(by_seed))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.deviation == pytest.approx(by_seed.std(ddof=1))
    assert found.p_value == pytest.approx(stats.ttest_1samp(by_seed, 0).pvalue)


def test_where_seeds_are_alike_the_interval_is_students_over_rows():
    row = np.random.default_rng(1).integers(0, 2, 80) - 0.3
    found = estimate(np.repeat(row[None], 3, axis=0))
    low, high = stats.t.interval(0.95, 79, row.mean(), stats.sem(row))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.p_value == pytest.approx(stats.ttest_1samp(row, 0).pvalue)
    assert found.above_zero == pytest.approx(1 - found.p_value / 2)


def test_both_errors_are_those_of_a_two_way_analysis_of_variance():
    scores, _ = scored(np.random.default_rng(2), 4, 60, 0.4)
    seeds, rows = scores.shape
    of_seeds = rows * np.var(scores.mean(1), ddof=1)
    of_rows = seeds * np.var(scores.mean(0), ddof=1)
    total = ((scores - scores.mean()) ** 2).sum()
    rest = total - (seeds - 1) * of_seeds - (rows - 1) * of_rows
    rest /= (seeds - 1) * (rows - 1)
    found = estimate(scores)
    assert found.seed_error == pytest.approx(sqrt(of_seeds / scores.size))
    assert found.row_error == pytest.approx(sqrt(of_rows / scores.size))
    t, z = stats.t.ppf(0.975, 3) ** 2, stats.t.ppf(0.975, 59) ** 2
    square = (t * of_seeds - (t + z) / 2 * rest + z * of_rows) / scores.size
    assert found.high - found.mean == pytest.approx(sqrt(square))


@pytest.mark.parametrize(("seeds", "spread"), [(5, 0.1), (5, 0.2)])
def test_the_interval_of_a_mean_holds_it_19_times_in_20(seeds: int, spread: float):
    rng = np.random.default_rng(0)
    found = [estimate(scored(rng, seeds, 200, spread)[0]) for _ in range(DRAWS)]
    held = np.mean([one.low <= expected(spread) <= one.high for one in found])
    assert 0.93 <= held <= 0.97


@pytest.mark.parametrize(("seeds", "spread"), [(3, 0.1), (5, 0.2)])
def test_no_difference_is_found_where_there_is_none(seeds: int, spread: float):
    rng = np.random.default_rng(0)
    found = [estimate(np.subtract(*scored(rng, seeds, 200, spread))) for _ in range(DRAWS)]
    held = np.array([one.low <= 0 <= one.high for one in found])
    assert 0.93 <= held.mean() <= 0.97
    assert [one.p_value >= 0.05 for one in found[:50]] == held[:50].tolist()


def test_a_planted_difference_is_found():
    rng = np.random.default_rng(4)
    found = [estimate(np.subtract(*scored(rng, 5, 300, 0.1, better=0.6))) for _ in range(100)]
    assert np.mean([one.low > 0 for one in found]) > 0.9
    assert np.median([one.above_zero for one in found]) > 0.99


def test_macro_f1s_contributions_have_it_as_their_mean():
    gold, said = list("aabbbcaab"), list("ababbcaaa")
    rows = [{"target": one, "predicted": other} for one, other in zip(gold, said, strict=True)]
    found = contributions("macro_f1", rows)
    assert found.mean() == pytest.approx(metrics.macro_f1(said, gold))
    without = metrics.macro_f1(said[1:], gold[1:])
    pseudo = 9 * metrics.macro_f1(said, gold) - 8 * without
    assert found[0] - found[4] == pytest.approx(
        pseudo - 9 * metrics.macro_f1(said, gold)
        + 8 * metrics.macro_f1(said[:4] + said[5:], gold[:4] + gold[5:])
    )  # fmt: skip


def test_macro_f1s_error_is_that_of_drawing_rows_anew():
    rng = np.random.default_rng(5)

    def drawn() -> list[dict[str, str]]:
        gold = rng.choice(["a", "b", "c"], 300, p=[0.6, 0.3, 0.1])
        wrong = rng.choice(["a", "b", "c"], 300)
        said = np.where(rng.random(300) < 0.7, gold, wrong)
        return [{"target": str(g), "predicted": str(s)} for g, s in zip(gold, said, strict=True)]

    scores = [contributions("macro_f1", drawn()) for _ in range(200)]
    errors = [estimate(one[None]).row_error for one in scores]
    assert np.mean(errors) == pytest.approx(np.std([one.mean() for one in scores]), rel=0.15)


def test_mcnemar_counts_the_rows_that_one_alone_has_right():
    first, second = np.array([1, 1, 1, 1, 0, 1, 1.0]), np.array([1, 0, 0, 0, 1, 0, 0.0])
    assert mcnemar(first, second) == pytest.approx(stats.binomtest(5, 6).pvalue)
    assert mcnemar(first, first) == 1


def test_a_rank_correlation_is_spearmans_and_its_interval_holds_the_truth_as_often_as_it_says() -> (
    None
):
    order = np.arange(1.0, 7)
    assert rank_correlation(order, -(order**3)) == pytest.approx((-1, -1, -1))
    rng = np.random.default_rng(0)
    truth = 6 / np.pi * np.arcsin(0.6 / 2)  # of two normal variables that correlate by 0.6
    held = []
    for _ in range(40):
        one, other = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=60).T
        rho, low, high = rank_correlation(one.round(1), other.round(1))
        assert rho == pytest.approx(stats.spearmanr(one.round(1), other.round(1)).statistic)
        held.append(low < truth < high)
    assert np.mean(held) > 0.8
