"""A run's model as ONNX: the same answers, without torch and without this project."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from transformers import BertConfig, BertModel
from typer.testing import CliRunner

import s3
from s3.commands.app import app
from s3.errors import UserError
from s3.prediction.export import FP32, INT8, answers, export
from s3.student.probe import ProbeForSequenceClassification
from tests.runs.helpers import ROOT

Train = Callable[..., Path]
FILMS, PAIRS, STATIC = ("task=imdb",), ("task=rte",), ("task=imdb", "model.static=true")
TUNED = ("task=imdb", "model.training=finetune", "model.learning_rate=1e-3")
CROSSED = ("task=rte", "model.training=finetune")
LONG = "a film with a story of its own and an end that nobody has seen coming " * 12
PAGE = (ROOT / "docs" / "prediction.md").read_text(encoding="utf-8")


def texts(model: Any) -> list[tuple[str, ...]]:
    """Texts of all lengths, one longer than the model reads."""
    words = [
        "the",
        "film",
        "was",
        "good",
        "and",
        "an",
        "actor",
        "is",
        "fine",
        "but",
        "the",
        "plot",
        "has",
        "no",
        "end",
    ]
    some = [" ".join(words[: 1 + i % 13]) for i in range(33)]
    return [(one, f"{one} too")[: len(model.fields)] for one in [*some, LONG]]


@pytest.mark.parametrize(
    "options",
    [
        PAIRS,
        *(pytest.param(one, marks=pytest.mark.slow) for one in (FILMS, STATIC, TUNED, CROSSED)),
    ],
)
def test_an_exported_model_answers_as_the_torch_one(
    trained: Train, tmp_path: Path, options: tuple[str, ...]
) -> None:
    model = s3.load(trained(*options))
    export(model, tmp_path)
    wanted = model.predict_proba(texts(model))
    np.testing.assert_allclose(answers(tmp_path, FP32, texts(model)), wanted, atol=1e-4)
    coarse = answers(tmp_path, INT8, texts(model))
    np.testing.assert_allclose(coarse, wanted, atol=0.15)
    assert (tmp_path / INT8).stat().st_size < (tmp_path / FP32).stat().st_size


def test_the_weights_that_both_texts_share_are_of_eight_bits(
    trained: Train, tmp_path: Path
) -> None:
    model = s3.load(trained(*PAIRS))
    predictor = model.predictor
    tokenizer = predictor.encoder.tokenizer
    wide = BertConfig(
        vocab_size=len(tokenizer), hidden_size=384, num_hidden_layers=1, intermediate_size=1536
    )  # smaller weights are turned when the graph is written
    predictor.model = ProbeForSequenceClassification.over(
        BertModel(wide), tokenizer, model.task.label_names, pairs=True
    )
    export(model, tmp_path)
    kept = onnx.load(tmp_path / INT8).graph.initializer
    assert not [
        one
        for one in kept
        if one.data_type == one.FLOAT and 1536 in one.dims[:2] and len(one.dims) > 1
    ]
    assert (tmp_path / INT8).stat().st_size < 0.4 * (tmp_path / FP32).stat().st_size


def test_the_command_says_how_alike_the_files_are_and_the_page_runs_without_torch(
    trained: Train, tmp_path: Path
) -> None:
    run = trained(*FILMS)
    done = CliRunner().invoke(app, ["export", str(run), "-o", str(tmp_path / "onnx")])
    assert done.exit_code == 0, done.stderr
    right = re.search(r"^torch +\d+\.\d +(\d+\.\d%) +100.0%", done.stdout, re.MULTILINE)
    assert right
    assert re.search(rf"^model.onnx +\d+\.\d +{right[1]} +100.0%", done.stdout, re.MULTILINE)
    code = re.search(r"```python\n(import json\n.*?)```", PAGE, re.DOTALL)
    assert code
    says = code[1].replace("RUN", str(tmp_path)) + "\nimport sys\nprint('torch' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True)
    first, loaded = ran.stdout.splitlines()
    assert loaded == "False"
    likely = s3.load(run).predict(["A fine film.", "An awful film."])
    assert first.startswith(str(likely.tolist()))


def test_a_model_of_questions_is_refused(trained: Train, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="questions"):
        export(s3.load(trained("task=adversarial_qa")), tmp_path)


def test_what_is_missing_to_export_is_said(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3.prediction.export.NEEDED", ("onnx", "no_such_package"))
    with pytest.raises(UserError, match=r"no_such_package: not installed. pip install"):
        export(s3.load(trained(*FILMS)), tmp_path)


@pytest.mark.parametrize("options", [FILMS, PAIRS, ("task=adversarial_qa",)])
def test_a_model_names_no_folder_of_its_makers_machine(
    trained: Train, tiny: Path, options: tuple[str, ...]
) -> None:
    for file in (trained(*options) / "model").rglob("*.json"):
        assert str(tiny) not in file.read_text(encoding="utf-8"), file


def test_safetensors_are_copied_and_nothing_is_written_over(trained: Train, tmp_path: Path) -> None:
    command = ["export", str(trained(*FILMS)), "--to", "safetensors", "-o", str(tmp_path / "copy")]
    assert CliRunner().invoke(app, command).exit_code == 0
    assert (tmp_path / "copy" / "model.safetensors").is_file()
    again = CliRunner().invoke(app, command)
    assert isinstance(again.exception, UserError)
