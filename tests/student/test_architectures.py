"""Any encoder or decoder can be the student: probe and fine-tuning over twelve architectures."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

from s3.data.example import Answers, Example
from s3.student import Classifier, Precision, SpanExtractor, Student, Training
from s3.student.forward import remembered
from s3.student.weights import load_probe
from tests.student.architectures import KINDS, build
from tests.student.conftest import reviews
from tests.student.test_probe import PAIR, by_hand, comparisons, states

TEXT = Classifier(("negative", "positive"), ("text",))
PAIRS = Classifier(("none", "half", "all"), PAIR)
SPANS = [
    Example(
        {"question": "the film", "context": f"{'is and ' * i}a good plot"},
        Answers(("good",), (7 * i + 2,)),
    )
    for i in range(4)
]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The folder of each kind, built when first asked for."""
    root, built = tmp_path_factory.mktemp("models"), {}
    return lambda name: built.setdefault(name, None) or built.update(
        {name: build(root, name)}
    ) or built[name]  # fmt: skip


def student(folder, **changes):
    values = {
        "name": folder.name, "weights": str(folder), "max_length": 32, "stride": 4, "batch_size": 8,
        "learning_rate": 1e-3, "epochs": 1, "precision": Precision.fp32,
    }  # fmt: skip
    return Student(**(values | changes))


def features(prober, head, rows):
    """A probe on the CPU, and the features that it is fitted on."""
    encoder = prober.encoder
    model = load_probe(head, encoder.source, encoder.tokenizer, static=prober.static)
    numbers = encoder.tokens(head).select(rows, targets=False).numbers
    found = remembered(model, prober, encoder, head, numbers, "reading")
    return model.cpu(), found  # a GPU may have read it; what is written out by hand is not


@pytest.mark.parametrize("name", KINDS)
def test_a_pair_is_two_texts_read_alone_by_any(folders, name):
    prober, rows = student(folders(name), training=Training.probe), comparisons(6, 0)
    model, found = features(prober, PAIRS, rows)
    tokenizer, special = prober.encoder.tokenizer, []
    for text in PAIRS.texts(rows[0]):
        marks = tokenizer(text, return_special_tokens_mask=True)["special_tokens_mask"]
        special.append((marks[0], marks[-1]))
    assert set(special) == {(int(len(KINDS[name].special) > 1), 1)}
    alone = [
        [states(model.encoder, tokenizer, text)[0] for text in PAIRS.texts(row)] for row in rows
    ]
    np.testing.assert_allclose(
        found, [by_hand(*two, opening=special[0][0]) for two in alone], atol=3e-6
    )


@pytest.mark.parametrize("name", KINDS)
def test_one_text_is_read_from_its_tokens_mean_or_by_decoders_from_its_last(folders, name):
    prober, rows = student(folders(name), training=Training.probe), reviews(6, 0)
    model, found = features(prober, TEXT, rows)
    assert model.config.last is (len(KINDS[name].special) == 1)
    for row, read in zip(rows, found, strict=True):
        inputs = prober.encoder.tokenizer(row.fields["text"], return_tensors="pt")
        with torch.inference_mode():
            layers = model.encoder(**inputs, output_hidden_states=True).hidden_states
        pooled = [(layers[i][0, -1] if model.config.last else layers[i][0].mean(0)) for i in (2, 1)]
        wanted = torch.cat([one / one.norm() for one in pooled])
        np.testing.assert_allclose(read, wanted, atol=3e-6)


@pytest.mark.parametrize("training", [Training.probe, Training.finetune])
@pytest.mark.parametrize("name", KINDS)
def test_it_trains_ships_and_says_the_same_in_a_pipeline(folders, name, training, tmp_path):
    for head, rows in ((TEXT, reviews(8, 0)), (PAIRS, comparisons(8, 0))):
        one = student(folders(name), training=training)
        assert all("pads" in line for line in one.preflight(head, rows))
        place = tmp_path / str(len(head.labels))
        fitted = one.fit(head, rows, rows, seed=0, folder=place)
        said = fitted.predict(rows)
        assert np.isfinite(said.probabilities).all()
        fitted.save(place.with_suffix(".saved"))
        pipe = pipeline("text-classification", model=str(place.with_suffix(".saved")), top_k=None)
        for row, wanted in zip(rows[:3], said.probabilities, strict=False):
            answer = pipe(dict(zip(("text", "text_pair"), head.texts(row), strict=False)))
            scores = {one["label"]: one["score"] for one in answer}
            np.testing.assert_allclose([scores[label] for label in head.labels], wanted, atol=1e-5)


@pytest.mark.parametrize("name", KINDS)
def test_spans_are_found_by_any(folders, name, tmp_path):
    one = student(folders(name))
    one.preflight(SpanExtractor(), SPANS)
    fitted = one.fit(SpanExtractor(), SPANS, SPANS, seed=0, folder=tmp_path)
    answers = fitted.predict(SPANS).answers
    assert all(
        answer and answer in row.fields["context"]
        for answer, row in zip(answers, SPANS, strict=True)
    )


@pytest.mark.parametrize("name", KINDS)
def test_word_embeddings_alone_are_an_encoder_of_any(folders, name, tmp_path):
    one, rows = student(folders(name), training=Training.probe, static=True), reviews(8, 0)
    assert all("pads" in line for line in one.preflight(TEXT, rows))
    fitted = one.fit(TEXT, rows, rows, seed=0, folder=tmp_path / "training")
    tensors = load_file(fitted.folder / "model.safetensors")
    table = tensors.pop("encoder.embeddings.weight")
    assert not any(name.startswith("encoder") for name in tensors)
    ids = one.encoder.tokenizer(rows[0].fields["text"])["input_ids"]
    _, found = features(one, TEXT, rows)
    mean = table[ids].mean(0)
    np.testing.assert_allclose(found[0], mean / mean.norm(), atol=1e-5)
    pipe = pipeline("text-classification", model=str(fitted.folder))
    assert [pipe(row.fields["text"])[0]["label"] for row in rows] == fitted.validation.answers
