"""A killed training continues to the result of an undisturbed one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from s3.student.lightning import checkpoint
from s3.student.lightning.checkpoint import SafeIO
from s3.student.lightning.module import Fitting


class Killed(BaseException):
    """Stands for the end of the process."""


def test_a_checkpoint_comes_back_without_pickle(tmp_path):
    inner = {0: {"step": torch.tensor(3.0)}, "betas": [0.9, 0.99], "none": None, "on": True}
    SafeIO().save_checkpoint({"state": inner, "list": [torch.arange(3)]}, tmp_path / "a/last")
    back = SafeIO().load_checkpoint(tmp_path / "a/last")
    assert back["state"][0]["step"] == 3
    assert {k: back["state"][k] for k in ("betas", "none", "on")} == {
        k: inner[k] for k in ("betas", "none", "on")
    }
    assert torch.equal(back["list"][0], torch.arange(3))


@pytest.mark.parametrize("stop", [(0, 7), (1, 11), (2, 29)])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_a_killed_training_continues_to_the_same_result(
    varied, head, train, validation, tmp_path, monkeypatch, stop, accumulation
):
    """Killed in the given epoch after the given batch; a checkpoint is due after every batch."""
    student = varied(accumulation=accumulation, warmup_steps=5)
    whole = student.fit(head, train, validation, seed=3, folder=tmp_path / "whole")
    steps, step = [], Fitting.training_step

    def counted(self, batch, batch_idx):
        steps.append((self.current_epoch, batch_idx))
        if (self.current_epoch, batch_idx) == stop and len(steps) > 1:
            raise Killed
        return step(self, batch, batch_idx)

    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(Fitting, "training_step", counted)
    with pytest.raises(Killed):
        student.fit(head, train, validation, seed=3, folder=tmp_path / "killed")
    steps.clear()
    monkeypatch.setattr(Fitting, "training_step", step)
    first = []
    monkeypatch.setattr(
        Fitting, "on_train_batch_start", _noting(first, Fitting.on_train_batch_start)
    )
    continued = student.fit(head, train, validation, seed=3, folder=tmp_path / "killed")
    assert first[0] == (stop[0], stop[1] - stop[1] % accumulation)
    _assert_equal(whole, continued)
    assert {p.name for p in continued.folder.iterdir()} == {p.name for p in whole.folder.iterdir()}


def _noting(places, hook):
    def noted(self, batch, batch_idx):
        places.append((self.current_epoch, batch_idx))
        return hook(self, batch, batch_idx)

    return noted


def _assert_equal(one, other):
    def timeless(history):
        return [{k: v for k, v in row.items() if k != "seconds"} for row in history]

    assert timeless(one.history) == timeless(other.history)
    for part in ("metric", "best_epoch", "answers", "probabilities", "train_score"):
        assert getattr(one.record, part) == getattr(other.record, part)
    assert one.lineage == other.lineage
    first, second = (load_file(p.folder / "model.safetensors") for p in (one, other))
    assert all(torch.equal(first[name], second[name]) for name in first)


SCRIPT = """
import sys
from pathlib import Path
from s3.student import Student, Classifier, Precision
sys.path.insert(0, {tests!r})
from conftest import reviews
from s3.student.lightning import checkpoint
checkpoint.EVERY = 0.05
import s3.student.hardware as hardware
hardware.cores = lambda: 1
student = Student(name="tiny", weights={weights!r}, max_length=32, stride=4, batch_size=4,
                  learning_rate=3e-3, epochs=10, precision=Precision.fp32)
student.fit(Classifier(("negative", "positive"), ("text",)), reviews(240, 0), reviews(40, 1),
            seed=0, folder=Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_process_leaves_a_folder_to_continue_from(tiny, tmp_path, signum):
    script = SCRIPT.format(tests=str(Path(__file__).parents[1]), weights=str(tiny))
    command = [sys.executable, "-c", script]
    process = subprocess.Popen([*command, str(tmp_path / "a")], stderr=subprocess.PIPE, text=True)
    last = tmp_path / "a/checkpoint/last.safetensors"
    while not last.exists() and process.poll() is None:
        time.sleep(0.05)
    os.kill(process.pid, signum)
    _, said = process.communicate(timeout=30)
    if signum == signal.SIGINT:
        assert "KeyboardInterrupt" in said  # and not Lightning's exit
    assert last.exists()
    subprocess.run([*command, str(tmp_path / "a")], check=True, capture_output=True)
    subprocess.run([*command, str(tmp_path / "b")], check=True, capture_output=True)
    first, second = (load_file(tmp_path / run / "model.safetensors") for run in "ab")
    assert all(torch.equal(first[name], second[name]) for name in first)
