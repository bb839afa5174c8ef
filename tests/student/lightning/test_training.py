"""The training itself: dropout, every row's weight, processes, precision, silence."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from s3.student import Precision, Training
from s3.student.lightning.module import Fitting


def test_dropout_is_on_in_training_and_off_in_validation(
    student, head, train, validation, tmp_path, monkeypatch
):
    seen = {"train": [], "validation": []}
    for name, step in (("train", "training_step"), ("validation", "validation_step")):
        monkeypatch.setattr(Fitting, step, _checking(seen[name], getattr(Fitting, step)))
    student.fit(head, train, validation, seed=0, folder=tmp_path)
    assert all(seen["train"])
    assert not any(seen["validation"])


def _checking(seen, step):
    """Note whether two passes over the same batch differ, as dropout makes them."""

    def checked(self, batch, batch_idx):
        with torch.no_grad():
            once, again = (self.model(**batch.inputs).logits for _ in range(2))
        seen.append(not torch.equal(once, again))
        return step(self, batch, batch_idx)

    return checked


def test_every_row_has_the_same_weight_in_the_loss(
    varied, head, train, validation, tmp_path, monkeypatch
):
    totals, step = [], Fitting.training_step

    def noted(self, batch, batch_idx):
        loss = step(self, batch, batch_idx)
        totals.append(float(loss.detach()) * 8)
        return loss

    monkeypatch.setattr(Fitting, "training_step", noted)
    fitted = varied(epochs=1).fit(head, train, validation, seed=0, folder=tmp_path)
    assert fitted.history[0]["loss"] == pytest.approx(sum(totals) / len(train), rel=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.device_count() == 1, reason="one GPU: none for a second process")
def test_two_processes_give_the_metrics_of_one(
    varied, tiny, head, train, validation, tmp_path, capfd
):
    """Without dropout, which no two processes can draw alike, all but rounding is equal."""
    still = _without_dropout(tiny, tmp_path / "still")
    one, two = (
        varied(weights=str(still), devices=n, strategy=s, epochs=2, learning_rate=1e-3).fit(
            head, train[:80], validation, seed=0, folder=tmp_path / str(n)
        )
        for n, s in ((1, "auto"), (2, "ddp"))
    )
    assert two.record.answers == one.record.answers
    assert two.best_epoch == one.best_epoch
    for ours, theirs in zip(two.history, one.history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-4)
        assert ours["train/accuracy"] == pytest.approx(theirs["train/accuracy"], abs=0.03)
        assert ours["validation/accuracy"] == theirs["validation/accuracy"]
    assert two.predict(validation).answers == one.predict(validation).answers
    assert "istributed" not in "".join(capfd.readouterr())  # Lightning's remarks


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU (CUDA)")
@pytest.mark.parametrize("kind", Training)
def test_a_gpu_trains_and_answers_as_the_cpu_does(
    varied, tiny, head, train, validation, tmp_path, monkeypatch, kind
):
    """But for rounding, without dropout, which each device draws of its own."""
    still = str(_without_dropout(tiny, tmp_path / "still"))

    def said(place):
        fitted = varied(weights=still, training=kind, epochs=1, learning_rate=1e-3).fit(
            head, train[:80], validation, seed=0, folder=tmp_path / place
        )
        return fitted.predict(validation).probabilities

    on_gpu = said("gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    np.testing.assert_allclose(on_gpu, said("cpu"), atol=1e-3)


def _without_dropout(source, folder):
    from transformers import AutoModel, AutoTokenizer

    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    AutoModel.from_pretrained(source, **off).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    return folder


def test_bf16_trains_and_keeps_float32_weights(varied, head, train, validation, tmp_path):
    student = varied(precision=Precision.bf16)
    fitted = student.fit(head, train, validation, seed=0, folder=tmp_path)
    assert fitted.history[-1]["loss"] < 0.8 * fitted.history[0]["loss"]
    weights = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    assert fitted.predict(validation).answers == fitted.validation.answers


def test_lightning_is_silent_and_progress_is_shown(
    student, head, train, validation, tmp_path, monkeypatch, capfd, recwarn
):
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    student.fit(head, train, validation, seed=0, folder=here / "out", what="training round 1")
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err.startswith("training round 1 720/720")
    assert len(said.err.splitlines()) == 1
    assert not recwarn.list
    assert list(Path.cwd().iterdir()) == [here / "out"]
