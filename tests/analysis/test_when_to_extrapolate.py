"""The worlds of section 2.6: the swing where it must be, none where the student sees enough."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.when_to_extrapolate.discrete import Kinds, course
from experiments.when_to_extrapolate.gaussian import RULE, World, accuracy, played
from experiments.when_to_extrapolate.settings import LEFT_OUT, STRONG, TURNED, WEAK

DRAWS = 40


def mean(world: World, share: float | None) -> np.ndarray:
    return played(world, share, DRAWS, 0).accuracy.mean(axis=0)


def test_errors_alone_turn_a_student_round_that_sees_little():
    s3, rule, goldgen = (mean(WEAK, share) for share in (1.0, RULE, 0.0))
    assert s3[0] > 0.6 > 0.5 > s3[1]  # as on RTE: 63.9, then 45.8
    assert s3[2] > s3[1] + 0.1  # 64.6
    assert min(*rule, *goldgen) > 0.6


def test_errors_turn_a_student_back_that_learnt_the_labels_the_other_way_round():
    s3, rule, goldgen = (mean(TURNED, share) for share in (1.0, RULE, 0.0))
    assert s3[0] == rule[0] == goldgen[0] < 0.3  # as on QNLI with 80 seeds
    assert min(s3[2], rule[2]) > goldgen[2] + 0.1
    assert rule[3] > max(s3[3], goldgen[3]) + 0.03  # S3's errors turn it round again


def test_nothing_swings_where_the_student_sees_enough():
    assert np.ptp(mean(STRONG, 1.0)) < 0.02


def test_errors_are_better_than_random_gold_where_the_llm_leaves_something_out():
    found, random = (played(LEFT_OUT, share, DRAWS, 0) for share in (1.0, 0.0))
    assert (found.accuracy[:, 1] - random.accuracy[:, 1]).mean() > 0.02
    assert found.distance[:, 1].mean() < random.distance[:, 1].mean() < found.distance[:, 0].mean()
    unreachable = replace(LEFT_OUT, reach=0.0)
    assert abs(mean(unreachable, 1.0)[-1] - mean(unreachable, 0.0)[-1]) < 0.02


def test_the_exact_accuracy_is_that_of_many_rows():
    rng, weights = np.random.default_rng(0), np.array([[1.0, 0.5, 0.2]])
    label = rng.choice([-1.0, 1.0], 200_000)
    rows = rng.normal(size=(len(label), 3))
    rows[np.arange(len(label)), (rng.random(len(label)) < LEFT_OUT.rare) * 1] += 2 * label
    right = np.sign(rows @ weights[0] - 0.3) == label
    assert abs(accuracy(LEFT_OUT, weights, np.array([0.3]))[0] - right.mean()) < 0.005


def test_a_large_dose_of_errors_leads_away_from_gold():
    small, large = (
        course(Kinds(dose=dose), 1.0, DRAWS, 0).variation.mean(axis=0) for dose in (0.25, 2.0)
    )
    assert small[1] < small[0]
    assert large[1] > small[1] + 0.1


def test_the_page_has_the_figures_and_asks_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from experiments.when_to_extrapolate import __main__ as study
    from experiments.when_to_extrapolate import page

    results, maps = (pd.read_csv(study.HERE / name) for name in ("results.csv", "map.csv"))
    monkeypatch.setattr(page, "PAGE", tmp_path / "page.html")
    text = page.write_study(results, maps).read_text(encoding="utf-8")
    assert text.count("<svg") == 6
    assert "default-src 'none'" in text
    assert '<td class="number"><bdi>+2.0</bdi></td>' in text
