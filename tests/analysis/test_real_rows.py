"""How many real rows alone are worth a synthetic set: the curve, where it crosses, and how sure."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import s3
from s3.analysis.comparison import Comparison, compare
from s3.analysis.formats import legend
from s3.analysis.real_rows import reaching_zero, worths
from s3.report.comparison import blocks
from tests.analysis.made import made_run

ROWS = 400
CURVE = {25: 0.6, 50: 0.7, 100: 0.8, 200: 0.85}  # the true accuracy of real rows alone


def runs(root: Path, seeds: int = 4, curve: dict[int, float] = CURVE, **sets: float) -> Comparison:
    """Runs of real rows alone, and of sets of some true accuracy; each row has its ease."""
    rng = np.random.default_rng(3)
    ease = rng.permutation(ROWS) / ROWS

    def right(accuracy: float) -> list[bool]:
        luck = accuracy + rng.normal(0, 0.01)
        return [bool(one) for one in ease + rng.normal(0, 0.05, ROWS) < luck]

    for seed in range(seeds):
        for number, accuracy in curve.items():
            decides = {"method": {"class": "GoldOnly", "real": number}}
            sizes = {"data/size": float(number)}
            made_run(root, right(accuracy), seed=seed, method="gold", identity=decides, row=sizes)
        for method, accuracy in sets.items():
            made_run(root, right(accuracy), seed=seed, method=method)
    return compare([root])


def test_a_set_is_worth_the_rows_at_which_the_curve_has_its_score(tmp_path: Path) -> None:
    found = runs(tmp_path, zeroshot=0.75)
    numbers = [one.settings.get("method.real") for one in found.groups]
    assert numbers == [25, 50, 100, 200, None]  # by size, not as texts
    (one,) = worths(found.groups)
    assert one.group.settings["method"] == "zeroshot"
    assert one.sizes == [25, 50, 100, 200]
    assert one.rows == pytest.approx(50 * math.sqrt(2), rel=0.15)  # half way in the logarithm
    assert 50 < one.low < one.rows < one.high < 100
    (line,) = [line for line in legend(found) if "real rows alone" in line]
    said = f"worth {one.rows:.0f} real rows alone (95 %: {one.low:.0f} to {one.high:.0f}; "
    assert said + "measured at 25, 50, 100, 200)" in line
    assert "zeroshot" in line


def test_what_lies_off_the_curve_is_said_and_not_guessed(tmp_path: Path) -> None:
    found = runs(tmp_path, zeroshot=0.4, fewshot=0.99)
    worth = {one.group.settings["method"]: one for one in worths(found.groups)}
    assert (worth["zeroshot"].rows, worth["zeroshot"].high) == (0, 0)
    assert (worth["fewshot"].low, worth["fewshot"].rows) == (math.inf, math.inf)
    lines = " ".join(legend(found))
    assert "worth at most 25 real rows alone (95 %: at most 25 to at most 25" in lines
    assert "worth more than 200 real rows alone" in lines


def test_one_number_is_no_curve_and_other_small_models_are_another(tmp_path: Path) -> None:
    assert not list(worths(runs(tmp_path / "one", 2, {25: 0.6}, zeroshot=0.5).groups))
    runs(tmp_path / "two", 2, zeroshot=0.75)
    made_run(tmp_path / "two", [True] * ROWS, method="fewshot", identity={"student": {"epochs": 9}})
    found = compare([tmp_path / "two"])
    assert [one.group.settings["method"] for one in worths(found.groups)] == ["zeroshot"]


def test_where_a_line_between_two_numbers_reaches_zero() -> None:
    sizes = [25.0, 50.0, 100.0]
    assert reaching_zero(sizes, [-0.1, 0.1, 0.2]) == pytest.approx(25 * math.sqrt(2))
    assert reaching_zero(sizes, [0.0, 0.1, 0.2]) == 0
    assert reaching_zero(sizes, [-0.3, -0.2, -0.1]) == math.inf
    assert reaching_zero(sizes, [-0.1, 0.0, -0.1]) == 50  # the first of several


def test_frame_and_figure_show_the_same(tmp_path: Path) -> None:
    found = runs(tmp_path, 2, zeroshot=0.75)
    (row,) = s3.real_rows_df(tmp_path).to_dict("records")
    (one,) = worths(found.groups)
    assert (row["method"], row["least"], row["most"]) == ("zeroshot", 25, 200)
    assert (row["rows"], row["rows_low"], row["rows_high"]) == (one.rows, one.low, one.high)
    (block,) = blocks(found)
    curve, level = block.charts["real-rows"].series
    assert [point.x for point in curve.points] == [25, 50, 100, 200]
    assert curve.name == "small, real rows alone"
    assert level.level
    assert level.points[0].y == pytest.approx(100 * one.group.test.mean)
    assert "real-rows" not in next(blocks(runs(tmp_path / "none", 1, {25: 0.6}))).charts
