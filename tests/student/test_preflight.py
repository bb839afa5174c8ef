"""A student that cannot be trained ends in one line before anything is paid, and why."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys

import pytest
import sentencepiece
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from s3.data.example import Example
from s3.errors import UserError
from s3.student import Classifier, SpanExtractor, Training
from tests.author import composed
from tests.conftest import WORDS
from tests.hub import Hub
from tests.student.architectures import build
from tests.student.conftest import reviews

ROWS = reviews(12, 0)


@pytest.fixture
def copy(tiny, tmp_path):
    return shutil.copytree(tiny, tmp_path / "copy")


@pytest.fixture
def look(varied, head):
    """Look at a folder as a dry run does, `trial` as a run does, and return what is said."""

    def looking(folder, trial=False, rows=ROWS, of=head, **changes):
        student = varied(weights=str(folder), **changes)
        return student.preflight(of, rows, trial=trial)

    return looking


def config_of(folder, **changes):
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def without_tokenizer(folder):
    for file in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        (folder / file).unlink(missing_ok=True)


def cut_weights(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def no_weights(folder):
    (folder / "model.safetensors").write_bytes(b"<html>not found</html>")


def pickled(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def shard_missing(folder):
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


DAMAGES = {
    "there is no config.json": lambda folder: (folder / "config.json").unlink(),
    "config.json is damaged": lambda folder: (folder / "config.json").write_text('{"model'),
    "names no model_type": lambda folder: (folder / "config.json").write_text("{}"),
    "there are no tokenizer files": without_tokenizer,
    "model.safetensors is damaged .*; fetch it again": cut_weights,
    "model.safetensors is damaged": no_weights,
    "there is no model.safetensors: .* never from pickles": pickled,
    "there is no model-2.safetensors": shard_missing,
    "own-kind runs code of its own, which S3 never does": lambda folder: config_of(
        folder, model_type="own-kind", auto_map={"AutoModel": "modeling.Own"}
    ),
}


@pytest.mark.parametrize("line", DAMAGES)
def test_what_the_files_show_needs_no_loading(copy, look, line, monkeypatch):
    DAMAGES[line](copy)
    monkeypatch.setattr("s3.student.student.try_out", None)
    for trial in (False, True):
        with pytest.raises(UserError, match=f"model.weights={copy}: .*{line}"):
            look(copy, trial)


def test_a_whole_folder_is_silent_and_what_was_tokenised_is_kept(look, tiny, varied, head):
    assert look(tiny) == look(tiny, trial=True) == []
    student = varied()
    student.preflight(head, ROWS)
    assert len(student.encoder.tokens(head).texts.known) == len(ROWS)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_broken_weights_are_named(copy, look, value):
    weights = load_file(copy / "model.safetensors")
    weights["encoder.layer.1.output.dense.bias"][3] = value
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"layer\.1\.output\.dense\.bias holds NaN or infinity"):
        look(copy, trial=True)


def test_a_tokenizer_that_knows_no_word_is_refused(copy, look, tiny):
    chinese = [Example({"text": text}, "positive") for text in ("这部电影很好", "情节 很 糟糕")]
    with pytest.raises(UserError, match=r"knows hardly a word of the gold rows"):
        look(tiny, trial=True, rows=chinese)


def test_a_tokenizer_of_another_model_is_refused(copy, look):
    config_of(copy, vocab_size=10)
    weights = load_file(copy / "model.safetensors")
    name = "embeddings.word_embeddings.weight"
    save_file({**weights, name: weights[name][:10].clone()}, copy / "model.safetensors")
    with pytest.raises(UserError, match="cannot read gold rows, so the tokenizer is another's"):
        look(copy, trial=True)


def test_more_tokens_than_the_model_has_places_are_refused(copy, look):
    tokenizer = AutoTokenizer.from_pretrained(copy, model_max_length=10**6)
    tokenizer.save_pretrained(copy)
    with pytest.raises(UserError, match=r"cannot read model.max_length=600 tokens, so lower that"):
        look(copy, trial=True, max_length=600)
    assert look(copy, trial=True, max_length=512) == []


@pytest.mark.parametrize("training", list(Training))
def test_rows_that_are_cut_off_are_said(look, tiny, training):
    rows = [Example({"text": " ".join(WORDS[:count])}, "positive") for count in (3, 12, 14)]
    said = look(tiny, trial=True, rows=rows, max_length=8, training=training)
    assert said == [
        "2 of 3 gold rows are longer than model.max_length=8 tokens, and are cut off there"
    ]


def test_a_decoder_without_a_padding_token_is_said(look, tmp_path):
    folder = build(tmp_path, "gpt2")
    said = look(folder, trial=True)
    assert said == [f"{folder}: <|endoftext|> pads, as there is no token for that alone"]


def test_over_a_trained_probe_no_other_is_trained(varied, head, look, tmp_path):
    prober = varied(training=Training.probe)
    fitted = prober.fit(head, ROWS, ROWS, seed=0, folder=tmp_path / "probe")
    for training in (Training.probe, Training.probe_then_finetune):
        with pytest.raises(UserError, match="it is a trained probe, over which no other"):
            look(fitted.folder, training=training)
    with pytest.raises(UserError, match="it is a trained probe"):
        look(fitted.folder, of=SpanExtractor())
    assert look(fitted.folder, trial=True, training=Training.finetune) == []
    other = Classifier(("a", "b", "c"), ("text",))
    with pytest.raises(UserError, match="cannot be loaded"):
        look(fitted.folder, trial=True, training=Training.finetune, of=other)


def sentencepiece_alone(folder):
    """Give a DeBERTa, as the first ones on the hub, a SentencePiece model and no tokenizer.json."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(WORDS)] * 3), model_writer=written, vocab_size=60,
        hard_vocab_limit=False, normalization_rule_name="identity", minloglevel=2, pad_id=0,
        bos_id=1, eos_id=2, unk_id=3, pad_piece="[PAD]", bos_piece="[CLS]", eos_piece="[SEP]",
        unk_piece="[UNK]",
    )  # fmt: skip
    without_tokenizer(folder)
    (folder / "spm.model").write_bytes(written.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())


def test_a_sentencepiece_model_alone_is_read_and_ships_as_a_fast_tokenizer(
    varied, head, tmp_path, monkeypatch
):
    folder = build(tmp_path, "deberta-v2")
    pieces = sentencepiece_alone(folder)
    student = varied(weights=str(folder), training=Training.probe)
    assert all("cut off" in line for line in student.preflight(head, ROWS))
    assert student.encoder.tokenizer.tokenize("the film is good") == pieces.encode(
        "the film is good", out_type=str
    )
    fitted = student.fit(head, ROWS, ROWS, seed=0, folder=tmp_path / "probe")
    assert (fitted.folder / "tokenizer.json").exists()
    monkeypatch.setitem(sys.modules, "sentencepiece", None)  # not installed
    assert fitted.predict(ROWS).answers == fitted.validation.answers


@pytest.mark.parametrize("trial", [False, True])
def test_where_nothing_reads_a_sentencepiece_model_one_line_says_what(
    look, tmp_path, monkeypatch, trial
):
    folder = build(tmp_path, "deberta-v2")
    sentencepiece_alone(folder)
    find = importlib.util.find_spec
    hidden = lambda name, *more: None if name == "sentencepiece" else find(name, *more)  # noqa: E731
    monkeypatch.setattr("importlib.util.find_spec", hidden)
    with pytest.raises(UserError, match=r"is spm\.model alone, .*: pip install sentencepiece"):
        look(folder, trial=trial)


CODE = "raise SystemExit('remote code ran')"


@pytest.mark.parametrize("trial", [False, True])
def test_remote_code_never_runs(copy, varied, head, trial, tmp_path):
    """Not the config's, nor the tokenizer's, nor the model's; on a terminal nobody is asked."""
    classes = {name: f"own.{name}" for name in ("AutoConfig", "AutoModel", "AutoTokenizer")}
    classes["AutoModelForSequenceClassification"] = "own.Model"
    (copy / "own.py").write_text(CODE)
    config_of(copy, auto_map=classes)
    file = copy / "tokenizer_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "auto_map": classes}))
    for training in (Training.probe, Training.finetune):  # BERT is transformers' own: that is used
        student = varied(weights=str(copy), training=training)
        assert student.preflight(head, ROWS, trial=trial) == []
        fitted = student.fit(head, ROWS, ROWS, seed=0, folder=tmp_path / training.value)
        for name in ("config.json", "tokenizer_config.json"):
            assert "auto_map" not in (fitted.folder / name).read_text()
    config_of(copy, model_type="own")
    with pytest.raises(UserError, match="code of its own, which S3 never"):
        varied(weights=str(copy)).preflight(head, ROWS, trial=trial)


CHOICES = {"task": "imdb", "method": "s3", "llm": "server", "model": "minilm"}


@pytest.mark.parametrize("dry", [False, True])
def test_a_run_ends_before_its_first_request(copy, serve, tmp_path, dry):
    cut_weights(copy)
    endpoint = serve()
    experiment = composed(
        "task=imdb", "llm=server", "llm.model=test", f"llm.base_url={endpoint.url}",
        f"model.weights={copy}", "model.max_length=32", f"dry_run={dry}",
        f"root={tmp_path / 'root'}",
    )  # fmt: skip
    with pytest.raises(UserError, match=r"model.safetensors is damaged"):
        experiment.run({}, CHOICES, {})
    assert endpoint.requests == []
    assert not (tmp_path / "root").exists()


LOOK = """
import sys
from s3.student import Classifier, Student
head = Classifier(("negative", "positive"), ("text",))
student = Student(name="x", weights="owner/name", max_length=8, batch_size=1, learning_rate=0.1,
                  epochs=1)
try:
    print(*student.preflight(head, [], trial=False))
except Exception as error:
    print(type(error).__name__, error)
assert "torch" not in sys.modules and "transformers" not in sys.modules
"""


@pytest.mark.parametrize(
    ("missing", "line"),
    [
        ("", "owner/name is fetched from the hub when the run begins"),
        ("tokenizer.json", "UserError model.weights=owner/name: there are no tokenizer files"),
        ("model.safetensors", "UserError model.weights=owner/name: weights are loaded from safe"),
        ("config.json", "UserError model.weights=owner/name: there is no such folder, and the hub"),
    ],
)
def test_a_hub_model_is_looked_at_by_its_files_names(tiny, tmp_path, missing, line):
    files = {file.name: file.read_bytes() for file in tiny.iterdir() if file.name != missing}
    with Hub({"owner/name": files}) as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
        command = [sys.executable, "-c", LOOK]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        assert not any("safetensors" in asked for asked in hub.asked)  # nothing large is fetched
    assert done.stdout.startswith(line)
