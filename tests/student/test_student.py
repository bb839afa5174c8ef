"""A whole training, its folder, and what the configuration accepts."""

import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from transformers import AutoTokenizer, pipeline

from s3.data.example import Example
from s3.errors import UserError
from s3.student import Classifier, Predictor, SpanExtractor, Student
from s3.weights import RegistryWeights


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fitted") / "round_00"


@pytest.fixture
def fitted(student, head, train, validation, folder):
    """One training that the tests of this module share (the second time it is loaded)."""
    return student.fit(head, train, validation, seed=0, folder=folder)


def test_it_learns_and_keeps_the_best_epoch(fitted, head, validation):
    scores = [row["validation/accuracy"] for row in fitted.history]
    assert len(scores) == 3
    assert fitted.best_epoch == scores.index(max(scores)) + 1  # the earlier of equals
    assert max(scores) > 0.9
    assert head.score(validation, fitted.validation.answers)["accuracy"] == max(scores)
    assert fitted.train_score["accuracy"] == fitted.history[fitted.best_epoch - 1]["train/accuracy"]


def test_it_predicts_in_order_what_it_said_in_training(fitted, validation):
    said, there, back = (
        fitted.validation,
        fitted.predict(validation),
        fitted.predict(validation[::-1]),
    )
    assert there.answers == said.answers
    assert back.answers == said.answers[::-1]
    np.testing.assert_array_equal(said.probabilities, said.probabilities.round(6))
    assert said.probabilities.shape == (len(validation), 2)
    np.testing.assert_allclose(there.probabilities, said.probabilities, atol=2e-6)
    np.testing.assert_allclose(back.probabilities, said.probabilities[::-1], atol=2e-6)


def test_a_finished_training_is_loaded(fitted, student, head, train, validation, monkeypatch):
    monkeypatch.setattr("s3.student.lightning.training.train_into", None)
    again = student.fit(head, train, validation, seed=0, folder=fitted.folder)
    assert again.record == fitted.record
    assert again.predict(validation).answers == fitted.predict(validation).answers


def test_pipeline_loads_what_is_saved(fitted, validation, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/stale").touch()  # an earlier model gives way as a whole
    fitted.save(tmp_path / "model")
    pipe = pipeline("text-classification", model=str(tmp_path / "model"))
    said = pipe([example.fields["text"] for example in validation])
    assert [answer["label"] for answer in said] == fitted.validation.answers
    names = {path.name for path in (tmp_path / "model").iterdir()}
    assert names >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert {path.name for path in fitted.folder.iterdir()} == names | {"training.json"}
    assert not list(tmp_path.glob("*.partial"))


def _weights(predictor):
    from safetensors.torch import load_file

    return load_file(predictor.folder / "model.safetensors")


def test_the_seed_decides_and_the_global_state_does_not(
    fitted, student, head, train, validation, tmp_path
):
    torch.manual_seed(99)
    before = torch.random.get_rng_state()
    same = student.fit(head, train, validation, seed=0, folder=tmp_path / "same")
    assert torch.equal(torch.random.get_rng_state(), before)
    other = student.fit(head, train, validation, seed=1, folder=tmp_path / "other")
    first, second, third = map(_weights, (fitted, same, other))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["classifier.weight"], third["classifier.weight"])


def test_a_warm_start_begins_where_the_other_ended(
    fitted, varied, head, train, validation, tmp_path
):
    student = varied(epochs=1, learning_rate=1e-7)
    cold = student.fit(head, train, validation, seed=0, folder=tmp_path / "cold")
    warm = student.fit(head, train, validation, seed=0, folder=tmp_path / "warm", start=fitted)
    assert warm.history[0]["train/accuracy"] > 0.9 > cold.history[0]["train/accuracy"]


def test_lineage_is_what_a_warm_start_begins_with(
    fitted, varied, head, train, validation, tmp_path
):
    other = varied(epochs=1).fit(head, train, validation, seed=0, folder=tmp_path / "other")
    copied = Predictor(varied(), head, Path(shutil.copytree(fitted.folder, tmp_path / "copied")))
    assert copied.lineage == fitted.lineage != other.lineage


def test_the_metric_chooses_the_epoch(student, varied, head, tmp_path, monkeypatch):
    """13 of 15 rows are of one label: always saying it is best by accuracy, and worthless."""
    rows = [Example({"text": "film"}, "positive" if i else "negative") for i in range(15)]
    rows[1] = replace(rows[1], target="negative")
    epochs = [{"accuracy": 0.87, "macro_f1": 0.46}, {"accuracy": 0.8, "macro_f1": 0.7}]
    turn = count()
    # An epoch scores twice: what it was trained on and validation.
    monkeypatch.setattr(Classifier, "score", lambda *_: epochs[next(turn) // 2 % 2])
    assert student.choosing_metric(head, rows) == "macro_f1"
    for metric, epoch in ((None, 2), ("accuracy", 1), ("macro_f1", 2)):
        folder = tmp_path / str(metric)
        fitted = varied(epochs=2, metric=metric).fit(head, rows, rows, seed=0, folder=folder)
        assert fitted.best_epoch == epoch, metric


def test_patience_ends_training_early(varied, head, train, validation, tmp_path):
    student = varied(epochs=6, learning_rate=1e-9, patience=2)  # nothing ever improves
    predictor = student.fit(head, train, validation, seed=0, folder=tmp_path)
    assert len(predictor.history) == 3
    assert predictor.best_epoch == 1


def test_many_labels_and_two_fields(varied, tmp_path):
    head = Classifier(("none", "one", "both"), ("first", "second"))
    names = {("bad", "bad"): "none", ("good", "bad"): "one", ("good", "good"): "both"}
    examples = [
        Example({"first": a, "second": f"the {b} end"}, label) for (a, b), label in names.items()
    ] * 30
    student = varied(epochs=8)
    predictor = student.fit(head, examples, examples[:3], seed=0, folder=tmp_path)
    assert predictor.validation.answers == ["none", "one", "both"]


def test_empty_sets_and_missing_weights_are_the_users(student, varied, head, train, tmp_path):
    with pytest.raises(UserError, match="examples"):
        student.fit(head, train, [], seed=0, folder=tmp_path)
    with pytest.raises(UserError, match=r"one or more a device \(model.devices=2\)"):
        varied(devices=2).fit(head, train, train[:1], seed=0, folder=tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        varied(weights=str(tmp_path / "no")).fit(head, train, train, seed=0, folder=tmp_path)
    with pytest.raises(UserError, match="cannot be loaded"):
        varied(weights=str(tmp_path)).fit(head, train, train, seed=0, folder=tmp_path / "out")


def test_pickled_and_unreachable_weights_are_refused(
    tiny, varied, head, train, tmp_path, monkeypatch
):
    shutil.copytree(tiny, tmp_path / "pickled")
    (tmp_path / "pickled/model.safetensors").unlink()
    torch.save({}, tmp_path / "pickled/pytorch_model.bin")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for weights in (str(tmp_path / "pickled"), "no-such-owner/no-such-model"):
        with pytest.raises(UserError, match=f"{weights}: cannot be loaded.*safetensors"):
            varied(weights=weights).fit(head, train, train, seed=0, folder=tmp_path / "out")


def test_more_tokens_than_the_model_reads_are_refused(tiny, varied, head, train, tmp_path):
    shutil.copytree(tiny, tmp_path / "short")
    tokenizer = AutoTokenizer.from_pretrained(tiny, model_max_length=16)
    tokenizer.save_pretrained(tmp_path / "short")
    with pytest.raises(UserError, match="max_length=32 is more than the 16 tokens"):
        varied(weights=str(tmp_path / "short")).encoder.tokens(head).select(train, targets=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [("epochs", 0), ("learning_rate", 2.0), ("patience", 0), ("stride", -1), ("weights", None)],
)
def test_a_value_out_of_range_names_its_field(varied, field, value):
    with pytest.raises(ValueError, match=field):
        varied(**{field: value})


def test_a_metric_of_another_kind_of_task_is_refused(varied, head):
    varied(metric="macro_f1").check(head)
    with pytest.raises(ValueError, match=r"model.metric=f1 is none of .*: accuracy, macro_f1"):
        varied(metric="f1").check(head)
    varied(metric="f1").check(SpanExtractor())


@pytest.mark.parametrize("name", ["minilm", "distilbert"])
def test_every_yaml_is_complete_and_builds(name):
    config = OmegaConf.load(f"s3/conf/model/{name}.yaml")
    assert config.pop("defaults") == ["/schema/Student@_here_", "_self_"]
    student = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Student), config))
    assert isinstance(student, Student)
    assert set(config) == set(vars(student))
    assert student.package is None or isinstance(student.package, RegistryWeights)


def test_the_package_is_light():
    heavy = "{'torch', 'transformers', 'pytorch_lightning', 'tokenizers', 'safetensors'}"
    code = f"import sys, s3.student; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unfinished_folder_is_not_taken_for_a_finished_one(tmp_path):
    assert not Predictor.finished(tmp_path)
