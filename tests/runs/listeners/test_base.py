"""Listeners: each hears all of a run; one that fails harms neither the run nor the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listener, Listeners
from tests.runs.made import ABOUT, CONFIG, row

STAGES = ("started", "epoch", "round", "finished", "stopped")


class Heard(Listener):
    """Notes what it hears, and fails at one stage."""

    def __init__(self, name: str, fails: str = "", error: BaseException | None = None) -> None:
        self.name, self.fails, self.heard = name, fails, list[str]()
        self.error = error or RuntimeError("its server\nis away")

    def _hear(self, stage: str) -> None:
        self.heard.append(stage)
        if stage == self.fails:
            raise self.error

    def started(self, run, config, about):
        self._hear("started")

    def epoch(self, index, history):
        self._hear("epoch")

    def round(self, index, row):
        self._hear("round")

    def finished(self, summary):
        self._hear("finished")

    def stopped(self):
        self._hear("stopped")


def tell_all(listeners: Listeners, folder: Path) -> None:
    listeners.started(RunFolder(folder), CONFIG, ABOUT)
    listeners.epoch(0, [{"epoch": 1}])
    listeners.round(0, row(0.5))
    listeners.finished({})
    listeners.stopped()


@pytest.mark.parametrize("stage", STAGES)
def test_one_that_fails_is_named_and_left_out_and_the_others_go_on(
    stage: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    before, bad, after = Heard("before"), Heard("tracker", stage), Heard("after")
    tell_all(Listeners([before, bad, after]), tmp_path)
    assert before.heard == after.heard == list(STAGES)
    assert bad.heard == list(STAGES[: STAGES.index(stage) + 1])
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert "tracker failed" in said[0]
    assert "its server" in said[0]


def test_ctrl_c_is_no_failure_of_a_listener(tmp_path: Path):
    listeners = Listeners([Heard("one", "round", KeyboardInterrupt())])
    with pytest.raises(KeyboardInterrupt):
        tell_all(listeners, tmp_path)
