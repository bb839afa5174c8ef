"""Weights & Biases, offline: what its own reader finds in the file, attempts kept apart."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from s3.runs.folder import RunFolder
from s3.runs.listeners.wandb import Mode, Tracker, Wandb, awaited, complaint, tables
from s3.runs.listeners.wandb.settings import arguments
from s3.runs.listeners.wandb.tracker import told
from s3.runs.reading import Run
from tests.conftest import WANDB_FOLDERS
from tests.runs.made import ABOUT, CONFIG, finished_run, row

ROWS = [row(0.5, only_first=1.0), row(0.75, only_last=2.0)]


ALONE = {"size": 128, "test/accuracy": 0.6}
SUMMARY = {**ABOUT, "metric": "accuracy", "best_round": 1, "rounds": ROWS, "gold": ALONE}


def track(folder: RunFolder, best: int = 1, mode: Mode = Mode.offline, **said: Any) -> Tracker:
    """Report a run of two rounds."""
    tracker = Tracker(Wandb(mode=mode))
    tracker.started(folder, CONFIG, ABOUT | {"options": {"seed_size": 12}})
    for index, metrics in enumerate(ROWS):
        tracker.round(index, metrics)
    tracker.finished({**SUMMARY, "best_round": best, **said})
    return tracker


def records(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the records of the latest offline run in a folder, as wandb's own reader has them."""
    return [json.loads(line) for line in read(folder, "--json").splitlines()]


def summary_of(folder: RunFolder) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(read(folder, "--json", "--summary"))["summary"]
    return found


def read(folder: RunFolder, *options: str) -> str:
    file = max(folder.path.glob("wandb/offline-run-*/run-*.wandb"))
    command = [sys.executable, "-m", "wandb", "leet", "inspect", *options, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def of(kind: str, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one[kind] for one in found if one["type"] == kind]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunFolder]:
    monkeypatch.delenv("WANDB_DIR", raising=False)
    return finished_run(tmp_path / "films-s3-seed3-0123abcd", ROWS)


def test_the_summary_is_the_shipped_rounds_alone(folder: RunFolder):
    track(folder, best=0)
    found = summary_of(folder)
    assert found["test/accuracy"] == 0.5
    assert (found["best_round"], found["rounds"], found["ships"]) == (0, 2, "round")
    assert found.get("only_last") is None
    assert found["only_first"] == 1.0
    assert (found["gold/size"], found["gold/test/accuracy"]) == (128, 0.6)


def test_doubts_about_a_model_are_in_the_summary(folder: RunFolder):
    track(folder)
    assert summary_of(folder)["doubts"] == ""
    rows = [one | {"validation/largest_share": 1.0} for one in ROWS[:1]] + ROWS[1:]
    folder.write_summary({**SUMMARY, "rounds": rows})
    track(folder)
    said = summary_of(folder)["doubts"]
    assert said.startswith(
        "round 0 has collapsed: it gives 100 % of gold validation the same label"
    )


def test_the_summary_of_a_model_that_gold_rows_trained_has_its_own_scores():
    both = {"size": 132, "test/accuracy": 0.9}
    found = told({**SUMMARY, "ships": "with_gold", "with_gold": both})
    assert (found["test/accuracy"], found["data/size"], found["ships"]) == (0.9, 132, "with_gold")
    assert "validation/accuracy" not in found  # the round's, of another model
    assert found["llm/tokens"] == 40


def test_an_offline_file_holds_all_of_a_run(folder: RunFolder):
    hostile = "<script>alert(1)</script> [a](http://192.0.2.1)"
    added = folder.round_folder(1) / "added.jsonl"
    added.write_text(added.read_text().replace("written 1/0", hostile))
    (folder.path / "report.html").write_text("<!doctype html><head></head>the page")
    tracker = track(folder)
    found, files = records(folder), Path(tracker._open.dir)

    (run,) = of("run", found)
    assert run["display_name"] == folder.name
    assert (run["project"], run["job_type"], run["notes"]) == ("s3", "s3", "seed_size=12")
    assert set(run["tags"]) == {"films", "s3"}
    assert not run.get("run_group")
    assert run["config"]["update"]["choices"] == {"task": "films", "method": "s3"}

    axes = {one.get("glob_name") or one["name"]: one["step_metric"] for one in of("metric", found)}
    assert axes["test/*"] == axes["mistakes"] == axes["lengths"] == "round"
    assert axes["round_01/*"] == "round_01/epoch"
    history = [one["item"] for one in of("history", found)]
    rounds = [one for one in history if "test/accuracy" in one]
    assert [(one["round"], one["test/accuracy"]) for one in rounds] == [(0, 0.5), (1, 0.75)]
    epochs = [one["round_01/loss"] for one in history if "round_01/loss" in one]
    assert epochs == [0.7, 0.6]
    assert not any("round" in one for one in history if "round_01/loss" in one)
    for name in ("lengths._type", "confidences._type"):
        assert rounds[1][name] == "histogram"

    (table,) = files.glob("media/table/round_01/additions_*.json")
    content = json.loads(table.read_text())
    assert content["columns"] == ["label", "error", "extrapolation", "origin", "source"]
    texts = [row[2] for row in content["data"]]
    assert hostile in texts
    assert all(isinstance(cell, str) for row in content["data"] for cell in row)
    (table,) = files.glob("media/table/round_01/mistakes_*.json")
    rows = json.loads(table.read_text())["data"]
    assert rows[0] == ["validation row 1", "positive", "negative", 0.8, "validation:1"]
    assert list(files.glob("media/table/round_00/confusion_table_*.json"))
    (page,) = files.glob("media/html/report_*.html")
    assert page.read_text() == "<!doctype html><head></head>the page"  # asks no other host

    logged = [one for one in of("artifact", found) if one["type"] != "run_table"]
    first, seed, grown, model = logged
    assert (first["name"], first["use_after_commit"]) == ("films-gold", True)
    assert [one["name"] for one in (seed, grown)] == ["films-s3-data"] * 2
    assert set(seed["aliases"]) == {"round-0", "latest"}
    assert set(grown["aliases"]) == {"round-1", "best", "latest"}
    assert (model["name"], model["type"]) == ("films-s3-model", "model")
    assert set(model["aliases"]) == {"round-1", "best", "latest"}
    assert not any(one.get("use_after_commit") for one in (seed, grown, model))
    inside = {one["path"] for one in grown["manifest"]["contents"]}
    assert inside == {
        "rounds/00/added.jsonl", "rounds/01/added.jsonl", "rounds/01/train.json",
        "data/train.parquet",
    }  # fmt: skip
    assert all(Path(one["local_path"]).is_file() for one in grown["manifest"]["contents"])
    assert json.loads(model["metadata"])["trained_on"] == ["films-s3-data:round-1"]


def test_the_lineage_of_a_model_that_gold_rows_trained_names_them_and_holds_none(
    folder: RunFolder,
):
    both = {"size": 132, "test/accuracy": 0.9}
    opened = track(folder, ships="with_gold", with_gold=both)._open
    gold, *_, model = (one for one in of("artifact", records(folder)) if one["type"] != "run_table")
    assert json.loads(model["metadata"])["trained_on"] == ["films-s3-data:round-1", "films-gold"]
    assert set(model["aliases"]) == {"with-gold", "best", "latest"}
    (content,) = gold["manifest"]["contents"]
    text = (Path(opened.dir).parent / content["local_path"]).read_text()
    assert set(json.loads(text)) == {"fingerprints", "from"}
    assert "validation row" not in text


def test_a_long_table_is_spread_over_all_rows(folder: RunFolder, monkeypatch: pytest.MonkeyPatch):
    round_ = Run(folder).rounds[1]
    everything = [row[2] for row in tables.additions(round_).data]
    monkeypatch.setattr(tables, "MOST", len(everything) - 1)
    assert [row[2] for row in tables.additions(round_).data] == everything[::2]


def test_epochs_are_logged_as_they_end_and_once(folder: RunFolder):
    tracker = Tracker(Wandb(mode=Mode.offline))
    tracker.started(folder, CONFIG, ABOUT)
    history = [{"epoch": 1, "loss": 0.7}, {"epoch": 2, "loss": 0.6}]
    for number in (1, 2):
        tracker.epoch(0, history[:number])
        assert tracker._open.summary["round_00/loss"] == history[number - 1]["loss"]
    tracker.round(0, ROWS[0])
    tracker.round(0, ROWS[0])  # a continued run replays its rounds
    tracker.stopped()
    rows = [one["item"] for one in of("history", records(folder))]
    assert [one["round_00/epoch"] for one in rows if "round_00/epoch" in one] == [1, 2]
    assert sum("test/accuracy" in one for one in rows) == 1


def test_environment_wins_over_defaults_and_options_over_both(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    import wandb

    said = {
        "MODE": "offline", "PROJECT": "theirs", "ENTITY": "team", "RUN_GROUP": "pilot",
        "NAME": "mine", "TAGS": "a,b", "NOTES": "a note", "JOB_TYPE": "ablation", "RUN_ID": "abc",
    }  # fmt: skip
    for name, value in said.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    wandb.teardown()  # W&B reads its environment once in a process
    found = arguments(Wandb(), folder, ABOUT)
    typed = Wandb(mode=Mode.disabled, project="typed", entity="me", group="g", tags=["c"])
    typed_found = arguments(typed, folder, ABOUT)
    monkeypatch.setenv("S3_SWEEP", "sweep-1")
    swept = arguments(Wandb(), folder, ABOUT)
    for name in said:
        monkeypatch.delenv(f"WANDB_{name}")
    wandb.teardown()
    for name, own in {
        "mode": "offline", "project": "theirs", "entity": "team", "group": "pilot", "name": "mine",
        "notes": "a note", "job_type": "ablation", "id": "abc",
    }.items():  # fmt: skip
        assert found[name] == own
    assert tuple(found["tags"]) == ("a", "b")
    names = ("mode", "project", "entity", "group", "tags", "name")
    assert [typed_found[one] for one in names] == ["disabled", "typed", "me", "g", ["c"], "mine"]
    assert swept["id"] == folder.attempt  # one id would make one run of all jobs
    assert arguments(Wandb(), folder, ABOUT)["group"] == "sweep-1"


def test_a_finished_run_is_awaited_by_an_agent_or_in_another_project_alone(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch
):
    assert awaited(Wandb(), folder)  # it has been reported nowhere
    track(folder)
    assert not awaited(Wandb(), folder)
    assert not awaited(Wandb(mode=Mode.offline, project="s3"), folder)
    assert awaited(Wandb(project="other"), folder)
    assert not awaited(Wandb(project="other", mode=Mode.disabled), folder)
    monkeypatch.setenv("WANDB_SWEEP_ID", "abcd")
    monkeypatch.setenv("WANDB_RUN_ID", "efgh")
    assert awaited(Wandb(), folder)


def test_where_the_run_is_stands_in_the_folder(folder: RunFolder):
    track(folder, best=1)
    where = json.loads((folder.path / "wandb.json").read_text())["where"]
    assert where.startswith("wandb sync ")
    assert Path(where.removeprefix("wandb sync ")).is_dir()


def test_a_continued_attempt_is_the_same_run_there_and_one_begun_afresh_another(
    folder: RunFolder,
):
    opened = []
    for fresh in (False, False, True):
        with folder.hold(CONFIG, {}, fresh):
            tracker = Tracker(Wandb(mode=Mode.offline))
            tracker.started(folder, CONFIG, ABOUT)
            opened.append(tracker._open.id)
            tracker.stopped()
    assert opened[0] == opened[1] != opened[2]
    assert arguments(Wandb(), folder, ABOUT)["resume"] == "allow"
    assert all(id_.startswith(folder.name) for id_ in opened)


def offline_instead(folder: RunFolder) -> None:
    """A run whose W&B cannot be used as it was asked for: its rows are kept offline."""
    track(folder, mode=Mode.online)
    assert summary_of(folder)["best_round"] == 1
    assert json.loads((folder.path / "wandb.json").read_text())["where"].startswith("wandb sync ")


def test_a_run_is_kept_offline_where_the_key_is_malformed(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WANDB_API_KEY", "not a key")
    offline_instead(folder)
    assert os.environ["WANDB_API_KEY"] == "not a key"
    said = capsys.readouterr().err
    assert "W&B: WANDB_API_KEY invalid" in said
    assert "kept offline" in said


@pytest.mark.parametrize(
    ("tags", "variables", "said"),
    [
        (["x" * 65], {}, "run_tags: .*between 1 and 64 characters"),
        ([""], {}, "run_tags: .*is empty"),
        ([], {"WANDB_MODE": "of"}, "mode: Input should be 'online', 'offline'"),
        ([], {"WANDB_RESUME": "yes"}, "resume: Input should be 'allow'"),
        ([], {"WANDB_RUN_ID": "a/b"}, "Run ID cannot contain"),
        ([f"tag {i}" for i in range(30)], {"WANDB_MODE": "dryrun"}, "^$"),
    ],
)
def test_what_wandb_would_refuse_is_said_beforehand(
    monkeypatch: pytest.MonkeyPatch, tags: list[str], variables: dict[str, str], said: str
):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert re.search(said, complaint(Wandb(tags=tags)))


def test_a_long_name_and_answers_that_are_no_numbers_keep_nothing_back(tmp_path: Path):
    long = finished_run(tmp_path / f"{'film' * 35}-s3-seed3-0123abcd", ROWS)
    for file in long.path.rglob("predictions_*.jsonl"):
        file.write_text(re.sub(r"0\.\d+|1\.0", "NaN", file.read_text()))
        assert "NaN" in file.read_text()
    track(long)
    found = records(long)
    (run,) = of("run", found)
    assert run["display_name"] == long.name[:128]
    assert long.attempt.endswith(run["run_id"])
    assert summary_of(long)["best_round"] == 1
    assert {one["type"] for one in of("artifact", found)} >= {"dataset", "model"}


def test_a_run_is_kept_offline_where_there_is_no_key(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("NETRC", str(folder.path / "none"))
    offline_instead(folder)
    assert "kept offline" in capsys.readouterr().err


@pytest.mark.slow  # W&B waits for half a minute
def test_a_run_is_kept_offline_where_wandb_is_not_reached(
    folder: RunFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    offline_instead(folder)
    assert "kept offline" in capsys.readouterr().err


def test_a_home_that_cannot_be_written_is_no_hindrance(
    folder: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HOME", str(tmp_path / "file" / "home"))
    for name in WANDB_FOLDERS:
        monkeypatch.delenv(name, raising=False)
    track(folder, best=1)
    assert json.loads((folder.path / "wandb.json").read_text())["where"].startswith("wandb sync ")


def test_no_copy_of_the_model_is_made(folder: RunFolder, tmp_path: Path):
    (folder.path / "model" / "model.safetensors").write_bytes(b"weights " * 100_000)
    track(folder, best=1)
    copies = [
        path
        for path in tmp_path.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size > 100_000
        and "weights" not in path.parts
    ]  # fmt: skip
    assert copies == [folder.path / "model" / "model.safetensors"]
    model = of("artifact", records(folder))[-1]
    places = [one["local_path"] for one in model["manifest"]["contents"]]
    assert str(folder.path / "model" / "model.safetensors") in places
