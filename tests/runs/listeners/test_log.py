"""The log of a run: what was said, with times, without keys, from the command's first line."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.runs.listeners.log import Log
from tests.commandline import run_py

KEY = "sk-" + "abcd1234" * 4


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    (tmp_path / "a-run").mkdir()
    return RunFolder(tmp_path / "a-run")


def said(run: RunFolder) -> list[str]:
    """The lines of the log without their times."""
    lines = (run.path / "run.log").read_text().splitlines()
    assert all(
        line[:19].replace("-", "").replace(":", "").replace(" ", "").isdigit() for line in lines
    )
    return [line[21:] for line in lines]


def test_both_streams_and_logs_are_in_it_from_the_start_and_keys_are_not(
    run: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with Log() as log:
        print("looking ahead")
        log.started(run, {}, {})
        print(f"hello {KEY}", file=sys.stderr)
        logging.getLogger("a.library").warning("slow, with Bearer %s", KEY)
    print("afterwards")
    lines = said(run)
    assert lines == [
        "looking ahead", "hello [key]", "WARNING a.library: slow, with Bearer [key]",
    ]  # fmt: skip
    assert "looking ahead\nafterwards\n" in capsys.readouterr().out


def test_a_live_bar_leaves_nothing_and_a_line_that_was_drawn_over_what_stands_in_the_end(
    run: RunFolder,
) -> None:
    with Log() as log:
        log.started(run, {}, {})
        sys.stderr.write("\x1b[?25l\r\x1b[2K\x1b[90m━━━━\x1b[0m training 1/3")
        sys.stderr.write("\r\x1b[2Kbetween\n━━━━ training 2/3\n\r\x1b[1A\x1b[2K")
        print("1 %\r2 %\r3 %")
        print("\x1b[31mtraining 3/3\x1b[0m")
    assert said(run) == ["between", "3 %", "training 3/3"]


def test_another_command_goes_on_below(run: RunFolder) -> None:
    for number in (1, 2):
        with Log() as log:
            log.started(run, {}, {})
            print(number)
    assert said(run) == ["1", "2"]


def test_what_ended_the_run_stands_at_its_end(run: RunFolder) -> None:
    def end(error: BaseException) -> None:
        with Log() as log:
            log.started(run, {}, {})
            raise error

    with pytest.raises(KeyboardInterrupt):
        end(KeyboardInterrupt())
    with pytest.raises(ZeroDivisionError):
        end(ZeroDivisionError("a defect"))
    lines = said(run)
    assert lines[0] == "interrupted"
    assert lines[1].startswith("Traceback")
    assert lines[-1] == "ZeroDivisionError: a defect"


@pytest.mark.parametrize("option", ["hydra.verbose=true", "hydra.verbose=a.library"])
def test_what_libraries_say_with_hydras_verbose_and_the_runs_error_are_in_it(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, option: str
) -> None:
    def fails(self: Experiment, *parts: list[Log]) -> None:
        parts[3][-1].started(run, {}, {})
        logging.getLogger("a.library").debug("request sent")
        raise UserError("no room")

    monkeypatch.setattr(Experiment, "run", fails)
    monkeypatch.chdir(run.path.parent)
    assert run_py().status == 1
    assert said(run) == ["error: no room"]
    try:
        assert run_py(option).status == 1
    finally:
        logging.getLogger().setLevel(logging.WARNING)
        logging.getLogger("a.library").setLevel(logging.NOTSET)
    assert "DEBUG a.library: request sent" in said(run)
    assert said(run)[-1] == "error: no room"
