"""Texts as points: encoded once, kept beside the run, the same as the encoder alone says."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf

from s3.analysis import encodings
from s3.analysis.encodings import WEIGHTS, WIDTH, encode
from s3.student.encoding import arrays

TEXTS = ["A fine film.", "A dreadful film, from its first scene to its last.", "The rain", ""]


def test_points_are_the_normalised_mean_of_the_last_states():
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = WEIGHTS.folder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    for text, point in zip(TEXTS, encode(TEXTS), strict=True):
        with torch.inference_mode():
            mean = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0].mean(0)
        assert point == pytest.approx((mean / mean.norm()).numpy(), abs=1e-5)


def test_what_a_folder_keeps_is_encoded_only_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    real = encodings._encoded

    def listened(texts):
        asked.extend(texts)
        return real(texts)

    monkeypatch.setattr(encodings, "_encoded", listened)
    monkeypatch.setattr(encodings, "BLOCK", 2)
    first = encode([*TEXTS, *TEXTS], tmp_path)
    assert sorted(asked) == sorted(TEXTS)
    assert np.array_equal(first[:4], first[4:])
    assert first.shape == (8, 384)
    assert first.dtype == np.float32
    asked.clear()
    again = encode([*reversed(TEXTS), "One more."], tmp_path)
    assert asked == ["One more."]
    assert np.array_equal(again[:4], first[3::-1])
    next(tmp_path.rglob("*.npy")).write_bytes(b"cut")
    assert np.allclose(encode(TEXTS, tmp_path), first[:4], atol=1e-5)  # damaged: encoded again
    assert asked[1:]


def test_of_many_texts_a_block_is_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def numbered(texts):
        return np.array([texts], np.float32).T * np.ones(WIDTH, np.float32)

    monkeypatch.setattr(encodings, "_encoded", numbered)
    monkeypatch.setattr(encodings, "BLOCK", 500)
    monkeypatch.setattr(arrays, "LARGE", 1 << 20)
    texts = [str(number) for number in range(10_000)]
    for kept in (False, True):
        tracemalloc.start()
        points = encode(texts, tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert points[:, 0].tolist() == list(range(10_000))
        assert peak < points.nbytes / 3, kept


def test_no_texts_are_no_points(tmp_path: Path):
    assert encode([], tmp_path).shape == (0, 384)


def test_the_weights_are_those_of_the_default_student():
    conf = OmegaConf.load(Path(__file__).parents[2] / "s3" / "conf" / "model" / "minilm.yaml")
    assert conf.package == vars(WEIGHTS)
