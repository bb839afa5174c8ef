"""Sweeps as processes: Ctrl-C ends all jobs, the same command continues; a run is found again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.runs.helpers import ROOT
from tests.runs.lab import Lab
from tests.runs.test_every_run import reply
from tests.server import FakeLLM

pytestmark = pytest.mark.slow
SWEEP = (
    "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "task=rte", "method=s3,gold",
    "seed=0,1", "method.rounds=1", "model.epochs=1", "wandb.mode=disabled", "gold_baseline=false",
)  # fmt: skip


def test_ctrl_c_ends_all_jobs_and_the_same_command_does_what_is_missing(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("joblib")
    lab = Lab(tiny, tmp_path)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with FakeLLM(reply) as author:
        author.manners.delay = 1.0
        command = [sys.executable, str(ROOT / "run.py"), "-m", *lab.options]
        command += [f"llm.base_url={author.url}", *SWEEP[1:]]
        process = subprocess.Popen(
            command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
        while not author.requests and process.poll() is None:
            time.sleep(0.1)
        time.sleep(2)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 130
        assert said.splitlines()[-1].startswith("Interrupted.")
        assert said.count("Interrupted") == 1
        assert "Traceback" not in said
        with pytest.raises(ProcessLookupError):
            wait_for_end(process.pid)
        author.manners.delay = 0.0
        said = lab.run(author, *SWEEP)
        for number in range(1, 5):
            assert f"job {number} of 4: method=" in said
        table = said.partition("python -m s3 compare multirun/sweep-")[2].splitlines()
        assert [line.split()[1:3] for line in table[3:5]] == [["gold", "2"], ["s3", "2"]]
        paid = len(author.requests)
        assert lab.run(author, *SWEEP).count("finished before") == 4
        assert len(author.requests) == paid


def wait_for_end(group: int) -> None:
    """Return when 10 s have passed; raise ProcessLookupError as soon as a group has no process."""
    for _ in range(100):
        os.killpg(group, 0)
        time.sleep(0.1)


def test_a_finished_run_is_found_again_by_its_folder(tiny: Path, tmp_path: Path) -> None:
    lab = Lab(tiny, tmp_path)
    with FakeLLM(reply) as author:
        lab.run(author, "task=imdb", "method=zerogen", "seed=3", "model.epochs=1")
        paid = len(author.requests)
    (made,) = lab.folders()
    before = {path: path.stat().st_mtime_ns for path in (made / "model").rglob("*")}
    command = [sys.executable, str(ROOT / "run.py"), f"--config-path={made}"]
    done = subprocess.run(
        [*command, "--config-name=config"],
        cwd=tmp_path,
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"finished before (fresh=true runs it again): {made}" in done.stdout
    assert "training" not in done.stderr
    assert lab.folders() == [made]
    assert {path: path.stat().st_mtime_ns for path in (made / "model").rglob("*")} == before
    assert paid > 0
    log = re.sub(r"(?m)^.{21}", "", (made / "run.log").read_text())
    assert log.count("finished before") == 1
    assert "round 0 training" in log
