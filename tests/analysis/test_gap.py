"""Distances from gold: a planted difference is found, none where there is none, siblings apart."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from s3.analysis import gap as module
from s3.analysis.distances import Points, Sample, distances, draw, frechet
from s3.analysis.gap import gap
from s3.data.example import Example, Origin
from s3.errors import UserError


def sample(rng: np.random.Generator, number: int, shift: float = 0.0, width: int = 16) -> Sample:
    points = rng.normal(size=(number, width)) / np.sqrt(width)
    points[:, 0] += shift / np.sqrt(width)
    strata, shared = np.zeros(number, np.int64), [frozenset({str(i)}) for i in range(number)]
    return Sample(points.astype(np.float32), strata, shared)


def apart(one: Sample, name: str) -> Sample:
    return Sample(one.points, one.strata, [frozenset({f"{name} {i}"}) for i in range(len(one))])


def test_a_planted_difference_is_found_by_each_measure():
    rng = np.random.default_rng(0)
    gold, far = sample(rng, 120), apart(sample(rng, 120, shift=3), "far")
    found, floor = (distances(rows, gold, 60, draws=15) for rows in (far, gold))
    assert found["auc"].low > 0.7
    assert found["mmd"].low > 0
    assert found["frechet"].low > floor["frechet"].high


def test_intervals_hold_no_difference_in_nearly_all_of_many_samples():
    rng, held = np.random.default_rng(1), []
    for seed in range(30):
        rows, gold = apart(sample(rng, 80), "other"), sample(rng, 80)
        found = distances(rows, gold, 40, seed, draws=12)
        held.append([found["auc"].low <= 0.5 <= found["auc"].high, found["mmd"].low <= 0])
    assert np.mean(held) > 0.9


def test_rows_that_grew_from_a_gold_row_never_stand_beside_it():
    rng = np.random.default_rng(2)
    gold = sample(rng, 60)
    for _ in range(20):
        taken, beside = draw(gold, gold, 30, rng)
        assert not set(taken) & set(beside)


def test_each_round_of_additions_keeps_its_share():
    rng = np.random.default_rng(3)
    rows = sample(rng, 100)
    mixed = Sample(rows.points, np.repeat([0, 1], [80, 20]), [frozenset()] * 100)
    taken, _ = draw(mixed, sample(rng, 60), 30, rng)
    assert np.bincount(mixed.strata[taken]).tolist() == [24, 6]


def test_the_frechet_distance_is_that_of_two_gaussians():
    from scipy.linalg import sqrtm

    rng = np.random.default_rng(4)
    one, other = rng.normal(size=(50, 5)), rng.normal(1, 2, size=(50, 5))
    covariances = np.cov(one.T), np.cov(other.T)
    root = sqrtm(covariances[0] @ covariances[1]).real
    wanted = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(sum(covariances) - 2 * root)
    found = frechet(one.astype(np.float32), other.astype(np.float32))
    assert found == pytest.approx(wanted, rel=1e-4)


def encoded(texts: list[str], folder: object) -> Points:
    seeds = [zlib.crc32(one.encode()) for one in texts]
    points = np.array([1 + 0.5 * np.random.default_rng(one).normal(size=8) for one in seeds])
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def rows_of(number: int, name: str, label: str = "") -> list[Example]:
    return [
        Example({"text": f"{name} {i}"}, label or "ab"[i % 2], Origin("gold", source=f"{name}:{i}"))
        for i in range(number)
    ]


def test_other_shares_of_labels_are_a_distance(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "encode", encoded)
    sets = {"even": rows_of(60, "even"), "one label": rows_of(60, "one", "a")}
    frame = gap(sets, rows_of(60, "gold"), ("text",)).set_index("set")
    assert list(frame.index) == ["even", "one label", "gold"]
    assert frame.mmd_low["even"] <= 0 < frame.mmd_low["one label"]


def test_gold_stands_never_beside_itself_whether_or_not_it_names_its_place(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(module, "encode", encoded)
    rows = [Example(one.fields, one.target) for one in rows_of(80, "gold")]
    floor = gap({}, rows, ("text",)).iloc[0]
    assert floor.auc_low < 0.5 < floor.auc_high
    assert floor.auc > 0.4  # of rows that stand beside themselves it is far below


def test_too_few_rows_are_said():
    with pytest.raises(UserError, match="need 20 rows of each set, the least has 5"):
        gap({"round 0": rows_of(5, "a")}, rows_of(60, "gold"), ("text",))
