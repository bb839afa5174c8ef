"""Progress: lines now and then in a log, a bar in a terminal, and what they say."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from s3 import progress as module
from s3.progress import Work, progress, ring


def test_a_line_says_what_is_done_and_what_is_left():
    began = time.monotonic() - 30
    work = Work("training", 40, lambda work: None, started=began)
    work.update(10, "loss 0.5")
    assert work.line() == "training 10/40  loss 0.5  30 s  90 s left"
    work.update(40)
    assert work.line() == "training 40/40  30 s"
    assert Work("reading", None, lambda work: None, 7, started=began).line() == "reading 7  30 s"


@pytest.mark.parametrize(("every", "lines"), [(0.0, 4), (1000.0, 1)])
def test_a_log_gets_a_line_now_and_then_and_one_at_the_end(
    every: float, lines: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(module, "LOG_EVERY", every)
    with progress("predicting", 3) as work:
        for done in (1, 2, 3):
            work.update(done)
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == lines
    assert said.err.splitlines()[-1].startswith("predicting 3/3  0 s")


def test_work_that_fails_leaves_no_last_line(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(KeyError), progress("predicting", 3):
        raise KeyError
    assert capsys.readouterr().err == ""


def test_a_terminal_has_a_bar_that_gives_way_to_the_last_line(monkeypatch: pytest.MonkeyPatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    with progress("training [round 1]", 2) as work:
        work.update(1, "loss 0.5")
    said = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "━" in said
    assert "training [round 1] 1/2  loss 0.5" in said  # brackets are no markup
    assert said.endswith("s left\n")


def test_the_end_of_long_work_runs_the_users_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("S3_NOTIFY", f'echo "$S3_MESSAGE" >> {tmp_path / "told"}')
    ring(5, "soon done")
    ring(61, "finished")
    assert (tmp_path / "told").read_text() == "finished\n"
    monkeypatch.setenv("S3_NOTIFY", "exit 3")
    ring(61, "finished")
    assert "S3_NOTIFY: the command ended with 3" in capsys.readouterr().err
