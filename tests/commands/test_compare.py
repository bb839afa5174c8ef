"""`python -m s3 compare` and `runs` as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.errors import UserError
from s3.runs.folder import RunFolder
from tests.analysis.made import made_run
from tests.runs.made import CONFIG

RIGHT = [True] * 6 + [False] * 4


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_outputs_and_multirun_are_compared_by_default(here: Path):
    made_run(here / "outputs", RIGHT)
    made_run(here / "multirun", RIGHT, method="zerogen")
    output = said("compare", "--against", "method=s3")
    rows = [line.split() for line in output.splitlines()]
    assert rows[0][:3] == ["task", "method", "seeds"]
    assert [row[:2] for row in rows[2:4]] == [["films", "s3"], ["films", "zerogen"]]
    assert "gain: points above task=films method=s3" in output


def test_a_table_for_no_terminal_is_cut_nowhere(here: Path):
    for number in (1, 2):
        student = {f"an_option_with_a_long_name_{i}": number for i in range(5)}
        made_run(here / "outputs", RIGHT, identity={"student": student})
    rows = said("compare").splitlines()
    assert "model.an_option_with_a_long_name_4" in rows[0]
    assert len(rows[2].split()) == len(rows[3].split())


def test_json_is_all_that_goes_to_stdout(here: Path):
    made_run(here / "outputs", RIGHT)
    assert json.loads(said("compare", "--format", "json"))["groups"][0]["test"] == 0.6


def test_a_file_of_a_sweep_stands_for_its_runs(here: Path):
    runs = [made_run(here / "multirun", RIGHT, seed=seed) for seed in range(3)]
    (here / "multirun" / "sweep-1.runs").write_text(f"{runs[0]}\n{runs[2]}\n{runs[0]}\n")
    found = json.loads(said("compare", "multirun/sweep-1.runs", "--format", "json"))
    assert found["groups"][0]["seeds"] == 2


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nowhere"], "nowhere: no such folder"),
        (["--round", "first"], "--round first: best, last or a number"),
        (["--metric", "bleu"], "no run has the metric bleu"),
    ],
)
def test_what_is_wrong_is_said(here: Path, arguments: list[str], error: str):
    made_run(here / "outputs", RIGHT)
    with pytest.raises(UserError, match=error):
        CliRunner().invoke(app, ["compare", *arguments], catch_exceptions=False)


def test_runs_lists_finished_and_begun_ones(here: Path):
    made_run(here / "outputs", RIGHT, RIGHT, seed=4)
    with RunFolder(here / "outputs" / "begun").hold(CONFIG, {}, fresh=False):
        pass
    lines = said("runs").splitlines()
    assert "films s3 4 2, ships 1 60.0 accuracy outputs/films-s3-seed4-0" in squeezed(lines)
    assert "films s3 3 0, begun outputs/begun" in squeezed(lines)


def squeezed(lines: list[str]) -> list[str]:
    return [" ".join(line.split()) for line in lines]
