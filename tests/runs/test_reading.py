"""A run's folder: what is written comes back whole; what is damaged is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3.errors import UserError
from s3.runs.finding import finished_runs
from s3.runs.folder import RunFolder
from s3.runs.reading import Run
from tests.runs.made import CONFIG, finished_run, gold, row, written


def test_all_that_a_run_wrote_comes_back(tmp_path: Path):
    run = Run.open(finished_run(tmp_path / "run").path)
    assert run.config == CONFIG
    assert run.identity == {"results": 1}
    assert (run.summary["task"], run.summary["method"], run.summary["seed"]) == ("films", "s3", 3)
    first, last = run.rounds
    assert run.best.index == 1
    assert first.added == first.train == written(2, 0)
    assert first.added[0].origin == written(2, 0)[0].origin
    assert last.train == written(2, 0) + written(2, 1)
    assert last.added == written(2, 1)
    assert last.unused == written(1, 9)
    assert last.row == row(0.75)
    assert [mistake.predicted for mistake in last.mistakes] == ["negative"] * 2
    assert [mistake.example.target for mistake in last.mistakes] == ["positive"] * 2
    assert [epoch["epoch"] for epoch in first.epochs] == [1, 2]
    assert first.copies[0]["text"] == "a copy"
    assert (run.model / "model.safetensors").read_text() == "negative"
    assert run.failures == run.gold_copies == []


def test_predictions_name_example_answer_and_each_labels_probability(tmp_path: Path):
    run = Run.open(finished_run(tmp_path / "run").path)
    answers = run.rounds[0].predictions("test")
    assert [one["id"] for one in answers] == [example.id for example in gold(3, "test")]
    assert answers[0] == {
        "id": gold(1, "test")[0].id,
        "source": "test:0",
        "target": "negative",
        "predicted": "positive",
        "probabilities": {"negative": 0.2, "positive": 0.8},
    }
    assert len(run.rounds[1].predictions("validation")) == 4


def test_what_is_no_finished_run_is_said_so(tmp_path: Path):
    with pytest.raises(UserError, match="not the folder of a run"):
        Run.open(tmp_path)
    folder = RunFolder(tmp_path / "begun")
    with folder.hold(CONFIG, {}, fresh=False), pytest.raises(UserError, match="not finished"):
        Run.open(folder.path)


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("summary.json", lambda run: run.summary),
        ("config.yaml", lambda run: run.config),
        ("rounds/01/added.jsonl", lambda run: run.rounds[1].added),
        ("rounds/00/predictions_test.jsonl", lambda run: run.rounds[0].predictions("test")),
        ("rounds/01/train.json", lambda run: run.rounds[1].train),
        ("data/train.parquet", lambda run: run.examples),
    ],
)
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_file_is_named(tmp_path: Path, file: str, read, damage: str):
    path = finished_run(tmp_path / "run").path / file
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(b"{" + content[: len(content) // 2].rstrip(b"\n") + b"\x00")
    elif file != "summary.json":  # without it the run is not finished
        path.unlink()
    else:
        pytest.skip("a run without a summary is unfinished")
    with pytest.raises(UserError, match=path.name):
        read(Run.open(tmp_path / "run"))


def test_finished_runs_are_found_below_a_folder(tmp_path: Path):
    made = [finished_run(tmp_path / "multirun" / name).path for name in ("b", "a")]
    (tmp_path / "multirun" / "c").mkdir()
    assert list(finished_runs(tmp_path)) == sorted(made)
