"""Scores over annotators' agreement, of runs with known answers and rows with known votes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from s3.analysis.agreement import agreements
from s3.commands.app import app
from s3.data.rows import fingerprint
from s3.errors import UserError
from s3.storage import write_jsonl
from tests.analysis.made import made_run
from tests.runs.made import LABELS, gold

ROWS = 60
SURE = [place % 3 > 0 for place in range(ROWS)]  # two thirds of the rows: all annotators agree


@pytest.mark.parametrize(
    ("row", "share"),
    [
        ({"v": {"yes": 3, "no": 1}}, 0.75),
        ({"v": '{"yes": 3, "no": 1}'}, 0.75),
        ({"v": ["yes", "no", "no"]}, 2 / 3),
        ({"v": {"ann": ["yes"], "ben": ["yes", "no"]}}, 0.75),
        ({"v": "66-74%"}, 0.66),
        ({"v": "100%"}, 1),
        ({"v": 0.8}, 0.8),
    ],
)
def test_a_column_holds_counts_lists_votes_or_the_agreement_itself(row, share):
    assert agreements([("f:1", row)], ["v"]) == pytest.approx([share])


def test_a_column_an_annotator_where_not_all_saw_each_row():
    rows = [("f:2", {"a": "x", "b": "x", "c": "y"}), ("f:3", {"a": "x", "b": "", "c": None})]
    assert agreements(rows, ["a", "b", "c"]) == pytest.approx([2 / 3, 1])


@pytest.mark.parametrize("cell", ["", "maybe", {}, {"yes": 0}, [], 75, None])
def test_what_is_no_annotation_is_said_with_its_place(cell):
    with pytest.raises(UserError, match=r"f:7: no annotations in v"):
        agreements([("f:7", {"v": cell})], ["v"])


def test_a_column_that_is_not_there_is_said():
    with pytest.raises(UserError, match=r"f:7: no column 'vote'.*'votes'"):
        agreements([("f:7", {"votes": 1})], ["vote"])


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Three seeds of gold, right on all sure rows and half of the others; three that guess."""
    test = gold(ROWS, "test")
    rows = [
        {"text": one.fields["text"], "label": one.target, "votes": {"a": 9 + sure, "b": 1 - sure}}
        for one, sure in zip(test, SURE, strict=True)
    ]
    write_jsonl(tmp_path / "gold" / "test.jsonl", rows)
    task = {
        "name": "films", "written": "text", "labels": dict.fromkeys(LABELS, "so"),
        "gold": {"source": "files", "files": {
            "path": str(tmp_path / "gold"), "validation": "validation.jsonl", "test": "test.jsonl",
        }},
    }  # fmt: skip
    identity = {"gold": {"validation": "v", "test": fingerprint(test), "train": "v"}}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        learnt = [sure or bool(rng.random() < 0.5) for sure in SURE]
        guessed = list(rng.random(ROWS) < 0.5)
        for method, right in (("gold", learnt), ("zerogen", guessed)):
            made_run(
                tmp_path / "runs", right, seed=seed, method=method, identity=identity,
                config={"task": task, "choices": {"task": "films", "method": method}},
            )  # fmt: skip
    return tmp_path / "runs"


def said(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["agreement", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_curve_of_a_model_that_knows_the_sure_rows_rises(runs: Path, tmp_path: Path):
    figure = tmp_path / "drawn" / "curve.svg"
    text = said(runs, "--columns", "votes", "--format", "csv", "--figure", figure)
    rows = list(csv.DictReader(io.StringIO(text)))
    learnt = [row for row in rows if row["method"] == "gold"]
    assert [(row["agreement"], row["rows"], row["seeds"]) for row in learnt] == [
        ("0.9", "60", "3"),
        ("1.0", "40", "3"),
    ]
    assert float(learnt[1]["share"]) == pytest.approx(2 / 3)
    assert float(learnt[1]["test"]) == 1
    assert 0.7 < float(learnt[0]["test"]) < 0.95
    assert float(learnt[0]["test_low"]) < float(learnt[0]["test"]) < float(learnt[0]["test_high"])
    guessed = [float(row["test"]) for row in rows if row["method"] == "zerogen"]
    assert all(0.35 < score < 0.65 for score in guessed)
    assert figure.read_text().startswith("<?xml")


def test_the_table_has_the_rows_that_are_left(runs: Path):
    lines = [line.split() for line in said(runs, "--columns", "votes").splitlines()]
    assert ["films", "gold", "accuracy", "3", "1.00", "40", "67", "100.0"] in [
        line[:8] for line in lines
    ]


def test_gold_rows_that_have_changed_are_not_held_against_a_run(runs: Path):
    (runs.parent / "gold" / "test.jsonl").write_text('{"text": "x", "label": "positive"}\n')
    with pytest.raises(UserError, match="no longer those of this run"):
        said(runs, "--columns", "votes")
