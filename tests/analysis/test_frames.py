"""Finished runs as data frames: their rows and columns."""

from __future__ import annotations

from pathlib import Path

import pytest

import s3
from s3.analysis.listing import listing
from tests.analysis.made import made_run
from tests.runs.made import finished_run, row

RUN = ["run", "task", "method", "seed"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return finished_run(tmp_path / "outputs" / "one").path


def test_a_row_a_run(run: Path):
    made_run(run.parent, [True, False], alone=[True, True], seed=5)
    found = s3.runs_df(run.parent)
    assert list(found.columns[:4]) == RUN
    first, second = found.to_dict("records")
    assert (first["seed"], first["method.class"]) == (5, "S3")
    assert (first["gold/test/accuracy"], first["model.epochs"]) == (1, 3)
    assert (second["run"], second["ships"], second["test/accuracy"]) == (str(run), 1, 0.75)
    assert (second["tokens"], second["cost"], second["rounds"]) == (80, 0.5, 2)


def test_a_row_a_round(run: Path):
    found = s3.rounds_df(run)
    assert list(found.columns[:6]) == [*RUN, "round", "ships"]
    assert found["ships"].tolist() == [False, True]
    assert found["test/accuracy"].tolist() == [row(0.5)["test/accuracy"], 0.75]


def test_where_the_model_that_learnt_gold_too_ships_its_scores_are_the_runs(tmp_path: Path):
    beside = {"size": 9, "test/accuracy": 0.9, "validation/accuracy": 0.6}
    folder = finished_run(tmp_path / "run", with_gold=beside, ships="with_gold")
    [found] = s3.runs_df(folder.path).to_dict("records")
    assert (found["test/accuracy"], found["data/size"], found["ships"]) == (0.9, 9, 1)
    assert (found["test/majority"], "train/accuracy" in found) == (0.75, False)
    assert s3.rounds_df(folder.path)["ships"].tolist() == [False, False]
    [line] = listing([folder.path])
    assert line[4:6] == ["2, ships 1 with gold", "90.0 accuracy"]


def test_a_row_a_prediction(run: Path):
    found = s3.predictions_df(run)
    assert list(found.columns) == [
        *RUN, "round", "split", "id", "source", "target", "predicted", "right", "probability",
    ]  # fmt: skip
    assert found["right"].tolist() == [False, True, False, True, False, True]
    assert set(found["probability"]) == {0.8}
    assert len(s3.predictions_df(run, split="validation")) == 8


def test_a_row_an_example(run: Path):
    found = s3.examples_df(run)
    assert found["text"].tolist() == [
        "written 0/0", "written 0/1", "written 1/0", "written 1/1", "written 9/0",
    ]  # fmt: skip
    assert found["used"].tolist() == [True] * 4 + [False]
    assert {"label", "kind", "round", "source", "prompt", "completion", "model"} < set(found)


def test_by_default_all_runs_are_read(run: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(run.parents[1])
    assert s3.runs_df()["run"].tolist() == ["outputs/one"]
    assert not hasattr(s3, "lines_df")
