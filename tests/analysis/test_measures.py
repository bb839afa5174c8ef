"""Measures of data against direct computations on small planted sets."""

from __future__ import annotations

from itertools import combinations
from math import exp, log

import numpy as np
import pandas as pd
import pytest

from s3.analysis import diversity, extrapolations, quality, similarity
from s3.analysis.errors import mending, reached
from s3.analysis.extrapolations import compared
from s3.analysis.maps import plane
from s3.errors import UserError

TEXTS = [text.split() for text in ("a b c d e", "a b c d f g", "h i j k", "a b c d e", "b a")]


def unit(number: int, width: int = 8, seed: int = 0) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(number, width)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_nearest_is_the_same_in_blocks_as_in_one_piece(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(similarity, "ROWS", 7)
    monkeypatch.setattr(similarity, "COLUMNS", 11)
    points, others = unit(40), unit(60, seed=1)
    cosines = points @ others.T
    assert similarity.nearest(points, others, 5) == pytest.approx(-np.sort(-cosines)[:, :5])
    assert (similarity.nearest_place(points, others) == cosines.argmax(1)).all()
    own = points @ points.T - 3 * np.eye(40)
    assert similarity.nearest(points, points, 2, own=np.arange(40)) == pytest.approx(
        -np.sort(-own)[:, :2], abs=1e-6
    )
    assert similarity.nearest(points[:2], points[:2], 5, own=np.arange(2)).shape == (2, 1)


def test_similarity_and_coverage_are_those_of_their_definitions():
    gold, synthetic = unit(30), unit(50, seed=1)
    distances = np.linalg.norm(gold[:, None] - synthetic[None], axis=2)
    for radius in (0.4, 0.6, 1.0):
        direct = (distances.min(axis=1) <= radius).mean()
        assert similarity.coverage(gold, synthetic, radius) == pytest.approx(direct)
    five = np.sort(gold @ synthetic.T, axis=1)[:, -5:].mean()
    assert similarity.similarity_to_gold(gold, synthetic) == pytest.approx(five)
    assert similarity.coverage(gold, gold, 0.0) == 1


def test_a_mean_over_many_rows_is_taken_over_some_that_look_among_all(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(similarity, "MOST", 300)
    points = unit(2000)
    least = (1 - (points @ points.T - 3 * np.eye(2000))).min(axis=1)
    error = least.std() / 300**0.5
    assert diversity.chamfer(points) == pytest.approx(least.mean(), abs=3 * error)


def test_diversity_of_points_is_that_of_all_pairs():
    points = unit(25)
    cosines = points.astype(float) @ points.T
    pairs = [1 - cosines[i, j] for i, j in combinations(range(25), 2)]
    assert diversity.remote_clique(points) == pytest.approx(np.mean(pairs), abs=1e-5)
    assert diversity.chamfer(points[:1]) == 0
    least = (1 - (cosines - 3 * np.eye(25))).min(axis=1)
    assert diversity.chamfer(points) == pytest.approx(least.mean(), abs=1e-5)
    values = np.linalg.eigvalsh(cosines / 25)
    values = values[values > 1e-9]
    assert diversity.vendi(points) == pytest.approx(np.exp(-(values * np.log(values)).sum()), 1e-4)
    assert diversity.vendi(np.eye(8, dtype=np.float32)) == pytest.approx(8)
    assert diversity.vendi(np.repeat(points[:1], 9, axis=0)) == pytest.approx(1)


def test_distinct_n_and_self_bleu_are_those_of_their_formulas():
    grams = [tuple(text[i : i + 2]) for text in TEXTS for i in range(len(text) - 1)]
    assert diversity.distinct_n(TEXTS, 2) == len(set(grams)) / len(grams)
    direct = [bleu(text, TEXTS[:i] + TEXTS[i + 1 :]) for i, text in enumerate(TEXTS)]
    assert diversity.self_bleu(TEXTS) == pytest.approx(np.mean(direct))
    assert diversity.self_bleu([["a", "b", "c", "d"]] * 3) == pytest.approx(1)


def bleu(text: list[str], references: list[list[str]]) -> float:
    """BLEU-4 straight from Papineni et al., with 0.1 matches where there are none."""
    logs = 0.0
    for n in range(1, 5):
        mine = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
        matches = 0
        for gram in set(mine):
            most = max(
                sum(tuple(one[i : i + n]) == gram for i in range(len(one))) for one in references
            )
            matches += min(mine.count(gram), most)
        logs += log((matches or 0.1) / (len(mine) or 1)) / 4
    near = min(map(len, references), key=lambda length: (abs(length - len(text)), length))
    return min(1.0, exp(1 - near / len(text))) * exp(logs)


def test_purity_finds_the_labels_that_were_planted_wrong():
    rng = np.random.default_rng(0)
    labels = np.array(["a", "b"] * 200)
    points = unit(400)
    points[:, 0] += np.where(labels == "a", 3, -3)
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    wrong = rng.random(200) < 0.2
    asked = np.where(wrong, np.where(labels[200:] == "a", "b", "a"), labels[200:])
    found = quality.label_purity(points[:200], list(labels[:200]), points[200:], list(asked))
    assert found == pytest.approx(1 - wrong.mean(), abs=0.01)
    assert quality.cross_fitted(points, list(labels)) > 0.99
    assert quality.cross_fitted(unit(400, seed=3), list(labels)) == pytest.approx(0.5, abs=0.08)
    assert np.isnan(quality.cross_fitted(points[:6], list(labels[:6])))


def test_words_of_the_given_text_are_counted_once():
    assert quality.contained("The cat sat.", "the CAT cat ran") == pytest.approx(2 / 3)


def test_an_error_and_its_extrapolation_are_compared_in_tokens():
    frame = compared(["The film was fine.", "Rain"], ["The film was really fine!", "Rain"])
    assert list(frame["edit_distance"]) == [2, 0]  # "really" and the mark
    assert list(frame["error_length"]) == [7, 3]  # with [CLS] and [SEP]
    assert list(frame["new_length"]) == [8, 3]
    assert frame["cosine"][1] == pytest.approx(1, abs=1e-5)
    assert 0.7 < frame["cosine"][0] < 1


def test_pairs_are_compared_in_blocks_as_at_once(monkeypatch: pytest.MonkeyPatch):
    errors, news = ["The film was fine.", "Rain", "A plot"], ["Rain", "It rains", "A dull plot"]
    at_once = compared(errors, news)
    monkeypatch.setattr(extrapolations, "BLOCK", 2)
    pd.testing.assert_frame_equal(compared(errors, news), at_once, atol=1e-5)
    assert compared([], []).shape == (0, 4)


def test_what_stands_near_a_mended_error_is_told():
    errors, new = np.eye(3, 4, dtype=np.float32), np.eye(4, dtype=np.float32)[[1, 1, 3]]
    fates = {"g:0": "stayed", "g:1": "mended", "g:2": "stayed"}
    frame = mending(["g:0", "g:1", "g:2"], errors, fates, ["g:0", "g:1", "g:9"], new)
    assert list(frame["fate"]) == ["stayed", "mended", "right"]
    assert list(frame["nearest"])[:2] == ["g:1", "g:1"]
    assert list(frame["nearest_fate"])[:2] == ["mended", "mended"]
    assert reached(errors, list(fates.values()), new) == {"near_mended": 1, "near_stayed": 0}


def test_maps_keep_apart_what_is_apart():
    points = np.concatenate([unit(20), unit(20) + 9 * np.eye(8, dtype=np.float32)[0]])
    for method in ("tsne", "pca"):
        flat = plane(points, method)
        centres = flat[:20].mean(0), flat[20:].mean(0)
        between = np.linalg.norm(centres[0] - centres[1])
        assert between > 2 * np.linalg.norm(flat[:20] - centres[0], axis=1).mean()
    with pytest.raises(UserError, match="no map by umap; there are tsne, pca"):
        plane(points, "umap")
