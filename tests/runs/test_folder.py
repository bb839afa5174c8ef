"""The folder while a run holds it: one process at a time, attempts told apart, rounds kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3.errors import UserError
from s3.runs.folder import RunFolder
from tests.runs.made import CONFIG, finished_run, row


def test_one_process_at_a_time(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    with (
        folder.hold(CONFIG, {}, fresh=False),
        pytest.raises(UserError, match="another process"),
        RunFolder(tmp_path / "run").hold(CONFIG, {}, fresh=False),
    ):
        pass


def test_a_continued_run_is_the_same_attempt_a_fresh_one_another(tmp_path: Path):
    folder = RunFolder(tmp_path / "run")
    attempts = []
    for fresh in (False, False, True, False):
        with folder.hold(CONFIG, {}, fresh):
            attempts.append(folder.attempt)
    assert attempts[0] == attempts[1]
    assert attempts[2] == attempts[3] != attempts[0]
    assert all(attempt.startswith("run-") for attempt in attempts)


def test_a_fresh_run_begins_with_an_empty_folder(tmp_path: Path):
    folder = finished_run(tmp_path / "run")
    with folder.hold(CONFIG, {}, fresh=True):
        assert not folder.finished
        assert folder.scored(0, "train 0") is None


def test_a_round_is_kept_for_the_data_that_it_was_trained_on(tmp_path: Path):
    folder = finished_run(tmp_path / "run")
    assert folder.scored(0, "train 0") == row(0.5)
    assert folder.scored(0, "other data") is None
    assert folder.scored(2, "train 2") is None
