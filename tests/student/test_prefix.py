"""A prefix goes before each text, in training, in prediction and in what ships."""

import json
import shutil

import numpy as np
import pytest
from transformers import pipeline

from s3.data.example import Answers, Example
from s3.student import Classifier, Predictor, Settings, SpanExtractor, Training
from tests.student.conftest import reviews
from tests.student.test_probe import PAIR, comparisons

PREFIX = "the film "
TEXT = Classifier(("negative", "positive"), ("text",))
PAIRS = Classifier(("none", "half", "all"), PAIR)
DECLARED = {"prompts": {"query": "the ", "passage": PREFIX}, "default_prompt_name": "passage"}


def written(row):
    """The row with the prefix in its texts."""
    return Example({name: PREFIX + text for name, text in row.fields.items()}, row.target)


@pytest.fixture
def sentences(tiny, tmp_path):
    """Make an encoder with a file of Sentence Transformers."""

    def copy(config):
        folder = shutil.copytree(tiny, tmp_path / "sentences", dirs_exist_ok=True)
        (folder / "config_sentence_transformers.json").write_text(json.dumps(config))
        return str(folder)

    return copy


@pytest.mark.parametrize("training", [Training.probe, Training.finetune])
@pytest.mark.parametrize(("head", "rows"), [(TEXT, reviews(12, 0)), (PAIRS, comparisons(12, 0))])
def test_texts_are_read_as_if_it_stood_in_them(varied, tmp_path, training, head, rows):
    by_hand = [written(row) for row in rows]
    plain = varied(training=training, epochs=1)
    wanted = plain.fit(head, by_hand, by_hand, seed=0, folder=tmp_path / "plain").predict(by_hand)
    one = varied(training=training, epochs=1, prefix=PREFIX)
    fitted = one.fit(head, rows, rows, seed=0, folder=tmp_path / "training")
    saved = tmp_path / "saved"
    fitted.save(saved)
    # The option may be there once more when what ships is loaded, or not.
    again = [Predictor(Settings(**from_.plain()), head, saved) for from_ in (one, plain)]
    for predictor in (fitted, *again):
        found = predictor.predict(rows).probabilities
        np.testing.assert_allclose(found, wanted.probabilities, atol=1e-6)
    pipe = pipeline("text-classification", model=str(saved), top_k=None)
    answer = pipe(dict(zip(("text", "text_pair"), head.texts(rows[0]), strict=False)))
    scores = {one["label"]: one["score"] for one in answer}
    shown = [scores[label] for label in head.labels]
    np.testing.assert_allclose(shown, wanted.probabilities[0], atol=1e-5)


def test_answers_hold_no_prefix_and_are_found_where_they_are(varied, tmp_path):
    rows = [Example({"question": "the film", "context": "good plot"}, Answers(("good",), (0,)))] * 8
    one = varied(prefix=PREFIX, epochs=20)
    answers = one.fit(SpanExtractor(), rows, rows, seed=0, folder=tmp_path).predict(rows).answers
    assert answers == ["good"] * 8


def test_a_prompt_that_the_model_declares_is_taken_and_said(varied, sentences):
    folder = sentences(DECLARED)
    one = varied(weights=folder)
    said = one.preflight(TEXT, reviews(4, 0))
    assert len(said) == 1
    assert "'the film ' goes before each text, the model's default prompt" in said[0]
    assert one.encoder.tokenizer.tokenize("good") == ["the", "film", "good"]
    none = varied(weights=folder, prefix="")
    assert none.preflight(TEXT, reviews(4, 0)) == []
    assert none.encoder.tokenizer.tokenize("good") == ["good"]
    assert one.identity(TEXT) == varied(weights=folder, prefix=PREFIX).identity(TEXT)
    assert one.identity(TEXT) != none.identity(TEXT)


def test_a_space_that_was_lost_is_said(varied):
    said = varied(prefix="film:").preflight(TEXT, reviews(4, 0))
    assert said == ["'film:' stands at each text without a space: 'model.prefix=\"film: \"'"]
    assert varied(prefix="film: ").preflight(TEXT, reviews(4, 0)) == []


@pytest.mark.parametrize(
    "config",
    [{**DECLARED, "default_prompt_name": None}, {"prompts": {}, "default_prompt_name": "x"}, []],
)
def test_prompts_for_a_purpose_are_left_to_the_user(varied, sentences, config):
    assert varied(weights=sentences(config)).encoder.prefix == ""
