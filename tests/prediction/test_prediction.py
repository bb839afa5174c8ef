"""A run's model answers new texts as it answered the run's own test rows: in Python, over files."""

from __future__ import annotations

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import s3
from s3.commands.app import app
from s3.data.gold import BUNDLE
from s3.errors import UserError
from s3.prediction import files
from s3.runs.reading import Run
from s3.storage import read_jsonl, write_jsonl
from tests.runs.helpers import ROOT

Train = Callable[..., Path]
FILMS, PAIRS = ("task=imdb",), ("task=rte",)
TUNED = (
    "task=imdb",
    "model.training=finetune",
    "model.learning_rate=1e-3",
    'model.prefix="a film "',
)
QUESTIONS = ("task=adversarial_qa",)


def scored_rows(run: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the gold rows that a run has tested, and what it has written of them."""
    opened = Run.open(run)
    said = opened.best.predictions("test")
    rows = list(read_jsonl(BUNDLE / opened.config["task"]["name"] / "test.jsonl"))
    return [rows[int(one["source"].rpartition(":")[2]) - 1] for one in said], said


def predict(*arguments: object, stdin: str | bytes = "") -> tuple[int, str, str]:
    """The exit status, what is printed, and what is said on stderr."""
    done = CliRunner().invoke(app, ["predict", *map(str, arguments)], input=stdin)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("options", [FILMS, PAIRS, TUNED])
def test_a_loaded_model_answers_as_the_run_did(trained: Train, options: tuple[str, ...]) -> None:
    run = trained(*options)
    rows, said = scored_rows(run)
    model = s3.load(run / "model")
    wanted = [[one["probabilities"][label] for label in model.classes_] for one in said]
    texts = [tuple(row[name] for name in model.fields) for row in rows]
    given = texts if len(model.fields) > 1 else [one for (one,) in texts]
    assert model.predict(given).tolist() == [one["predicted"] for one in said]
    np.testing.assert_allclose(model.predict_proba(given), wanted, atol=1e-4)
    np.testing.assert_allclose(s3.load(run).predict_proba(rows), wanted, atol=1e-4)  # by name
    assert len(set(map(tuple, wanted))) > 2  # else any order of rows would do


def test_questions_are_answered_with_texts_of_their_contexts(trained: Train) -> None:
    run = trained(*QUESTIONS)
    rows, said = scored_rows(run)
    model = s3.load(run)
    given = [(row["question"], row["context"]) for row in rows]
    assert model.predict(given).tolist() == [one["predicted"] for one in said]
    likely = model.predict_proba(given)
    assert likely[:, 0] == pytest.approx([one["probability"] for one in said], abs=1e-4)
    assert not hasattr(model, "classes_")


def test_what_is_no_list_of_texts_is_refused_by_its_place(trained: Train) -> None:
    films, pairs = s3.load(trained(*FILMS)), s3.load(trained(*PAIRS))
    assert films.predict([]).shape == (0,)
    assert films.predict_proba([]).shape == (0, 2)
    with pytest.raises(TypeError, match=r"predict\(\[text\]\)"):
        films.predict("a lone text")
    with pytest.raises(ValueError, match=r"texts\[1\]: text is empty"):
        films.predict(["good", " \u200b"])
    with pytest.raises(TypeError, match=r"texts\[0\]: float is no text"):
        films.predict([(float("nan"),)])
    with pytest.raises(ValueError, match=r"\(hypothesis, premise\), found 1"):
        pairs.predict(["one"])


def test_a_folder_that_is_no_run_and_a_model_that_is_gone_are_said(
    trained: Train, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="not the folder of a run"):
        s3.load(tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("identity.json", "summary.json", "config.yaml"):
        (broken / name).write_bytes((trained(*FILMS) / name).read_bytes())
    with pytest.raises(UserError, match="fresh=true"):
        s3.load(broken)


def test_loading_imports_nothing_that_trains(trained: Train) -> None:
    trained_with = ["pytorch_lightning", "wandb", "datasets", "hydra", "pandas", "sklearn"]
    code = (
        "import sys, s3\nassert not {'torch', 'numpy', 's3.prediction'} & set(sys.modules)\n"
        f"s3.load({str(trained(*FILMS))!r}).predict(['a good film'])\n"
        f"print(sorted(set(sys.modules) & set({trained_with})))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "[]\n", done.stderr


def written(path: Path) -> list[dict[str, Any]]:
    """The rows of an output, whatever its kind, numbers as numbers."""
    if path.suffix == ".parquet":
        return list(pq.read_table(path).to_pylist())
    if path.suffix == ".jsonl":
        return list(read_jsonl(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    return [{k: float(v) if k.startswith("probability") else v for k, v in r.items()} for r in rows]


@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv", "parquet"])
def test_a_file_is_answered_in_chunks_and_keeps_its_columns(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(files, "CHUNK", 7)
    rows, said = scored_rows(trained(*FILMS))
    given = [{"number": f"n{i}", "body": row["text"]} for i, row in enumerate(rows)]
    source, target = tmp_path / f"in.{kind}", tmp_path / f"out.{kind}"
    if kind == "jsonl":
        write_jsonl(source, given)
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(given), source)
    else:
        with source.open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(
                file, ["number", "body"], delimiter="," if kind == "csv" else "\t"
            )
            table.writeheader()
            table.writerows(given)
    status, output, errors = predict(
        trained(*FILMS), source, "-o", target, "--columns", "text=body"
    )
    assert (status, output) == (0, ""), errors
    assert "predicting 20/20" in errors
    assert errors.count("predicting") == 1  # not one for each chunk
    found = written(target)
    assert [one["number"] for one in found] == [row["number"] for row in given]
    assert [one["body"] for one in found] == [row["body"] for row in given]
    assert [one["label"] for one in found] == [one["predicted"] for one in said]
    for one, wanted in zip(found, said, strict=True):
        for label, share in wanted["probabilities"].items():
            assert one[f"probability_{label}"] == pytest.approx(share, abs=1e-4)
        assert one["probability"] == max(v for k, v in one.items() if k.startswith("probability_"))


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_what_holds_no_rows_gives_a_file_of_none(trained: Train, tmp_path: Path, kind: str) -> None:
    target = tmp_path / f"out.{kind}"
    status, _, errors = predict(trained(*FILMS), "-", "-o", target)
    assert (status, written(target)) == (0, []), errors


def test_standard_input_is_answered_on_standard_output(trained: Train) -> None:
    lines = '{"text": "a good film", "n": 1}\n\n{"text": "an awful film", "n": null}\n'
    status, output, _ = predict(trained(*FILMS), "-", stdin=lines)
    found = [json.loads(line) for line in output.splitlines()]
    assert (status, [one["n"] for one in found]) == (0, [1, None])
    assert list(found[0])[2:4] == ["label", "probability"]


def test_columns_are_those_of_the_runs_gold_data(trained: Train, tmp_path: Path) -> None:
    for split in ("validation", "test"):
        rows = read_jsonl(BUNDLE / "imdb" / f"{split}.jsonl")
        write_jsonl(
            tmp_path / f"{split}.jsonl", [{"body": r["text"], "label": r["label"]} for r in rows]
        )
    own = [f"task.gold.files.{split}={tmp_path / split}.jsonl" for split in ("validation", "test")]
    run = trained(*FILMS, "task.gold.source=files", *own, "task.gold.files.columns.text=body")
    status, output, _ = predict(run, "-", "--prefix", "said_", stdin='{"body": "fine", "label": 0}')
    assert status == 0
    assert set(json.loads(output)) >= {"body", "label", "said_label", "said_probability_negative"}
    assert predict(run, "-", stdin='{"text": "fine"}')[0] == 0  # the field's own name will do


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("txt\nfine\n", [], "in.csv:2: no column 'text'; columns: txt. Name the one to read: "),
        ("text,n\nfine,1\n,2\n", [], "in.csv:3: column 'text' is empty"),
        ("text,label\nfine,1\n", [], "--prefix predicted_"),
        ("text\nfine\n", ["--columns", "txt=a"], "the model reads no field of that name, but text"),
        ("text\nfine\n", ["--columns", "text"], "expected FIELD=COLUMN"),
        ("text\nfine\n", ["-o", "out.xls"], "out.xls: rows are written to .jsonl, .csv"),
        ("text,n\nfine,1\nbad\n", [], "in.csv:3: not as many cells as the header"),
    ],
)
def test_what_cannot_be_read_is_said_before_anything_is_written(
    trained: Train, tmp_path: Path, content: str, options: list[str], said: str
) -> None:
    (tmp_path / "in.csv").write_text(content)
    options = options if "-o" in options else ["-o", str(tmp_path / "out.csv"), *options]
    with pytest.raises(UserError, match=re.escape(said)):
        predict(trained(*FILMS), tmp_path / "in.csv", *options)
    assert not list(tmp_path.glob("out*"))


def test_a_table_says_so_where_a_later_row_does_not_fit(
    trained: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "CHUNK", 1)
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good", "n": 1}, {"text": "bad", "n": "two"}])
    with pytest.raises(UserError, match=r"several kinds.*\.jsonl"):
        predict(trained(*FILMS), tmp_path / "in.jsonl", "-o", tmp_path / "out.parquet")
    write_jsonl(tmp_path / "in.jsonl", [{"text": "good"}, {"text": "bad", "n": "two"}])
    for kind in ("csv", "parquet"):
        with pytest.raises(UserError, match=r"'n' appears only after"):
            predict(trained(*FILMS), tmp_path / "in.jsonl", "-o", tmp_path / f"out.{kind}")
    assert not list(tmp_path.glob("out*"))


def test_probabilities_get_the_temperature_of_gold_validation_and_unsure_answers_are_left_out(
    trained: Train, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained(*FILMS), tmp_path / "run"))
    likely = [one["probabilities"] for one in scored_rows(run)[1]]
    shares = np.array([[one["negative"], one["positive"]] for one in likely])
    # Gold validation as if the model had been right each time, but for the two least sure.
    unsure = np.argsort(shares.max(axis=1))[:2].tolist()
    planted = [
        {"target": min(one, key=one.get) if i % len(likely) in unsure else max(one, key=one.get),
         "predicted": max(one, key=one.get), "probabilities": one}
        for i, one in enumerate([*likely, *likely])
    ]  # fmt: skip
    best = Run.open(run).best
    write_jsonl(best.path / "predictions_validation.jsonl", planted)
    model = s3.load(run)
    assert model.temperature < 0.9
    texts = [row["text"] for row in scored_rows(run)[0]]
    sharp = shares ** (1 / model.temperature)
    sharp /= sharp.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(texts), sharp, atol=1e-3)
    threshold = model.abstention(1.0).threshold
    assert threshold > sharp.max(axis=1)[unsure].max()
    write_jsonl(tmp_path / "in.jsonl", [{"text": text} for text in texts])
    status, _, errors = predict(
        run, tmp_path / "in.jsonl", "-o", tmp_path / "out.csv", "--abstain", 1
    )
    assert (status, "100.0% of them are right" in errors) == (0, True), errors
    for one in written(tmp_path / "out.csv"):
        assert bool(one["label"]) is (one["probability"] >= threshold - 1e-6)


def test_a_precision_out_of_reach_is_said_before_anything_is_read(
    trained: Train, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="answers to gold validation are known"):
        predict(trained(*FILMS), tmp_path / "no.csv", "--abstain", 0.99)


PAGE = (ROOT / "docs" / "prediction.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(
    ("number", "options", "lines"), [(0, FILMS, 4), (1, PAIRS, 3), (2, QUESTIONS, 1)]
)
def test_what_the_page_says_in_python_runs(
    trained: Train, capsys: pytest.CaptureFixture[str], number: int, options: Any, lines: int
) -> None:
    exec(SNIPPETS[number].replace("RUN", str(trained(*options))), {})
    assert len(capsys.readouterr().out.splitlines()) == lines


def test_the_commands_of_the_page_run(trained: Train, tmp_path: Path) -> None:
    first, second, third = re.findall(r"^python -m s3 predict RUN (.*)$", PAGE, re.MULTILINE)
    (tmp_path / "reviews.csv").write_text("body\nA fine film.\n")
    arguments = [tmp_path / one if "." in one else one for one in first.split()]
    assert predict(trained(*FILMS), *arguments)[0] == 0
    row = written(tmp_path / "answered.parquet")[0]
    named = {name for name in row if name != "body"}
    assert named == {"label", "probability", "probability_negative", "probability_positive"}
    assert predict(trained(*FILMS), second.split()[0], stdin='{"text": "Fine."}')[0] == 0
    arguments = [tmp_path / one if one.endswith(".csv") else one for one in third.split()]
    with pytest.raises(UserError, match="only 5 answers"):  # the run is a small one
        predict(trained(*FILMS), *arguments)
