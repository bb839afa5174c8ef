"""The frozen encoder with a probe: its features, its fit, and the door it is trained through."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from safetensors.torch import load_file
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer, pipeline

from s3.data.example import Answers, Example
from s3.student import Classifier, Predictor, SpanExtractor, Training, forward, predictor, probing
from s3.student.encoding import arrays
from s3.student.pooling import late_interaction
from s3.student.probe import ProbeForSequenceClassification
from s3.student.weighting import shares_bias
from tests.conftest import WEIGHTS, WORDS
from tests.student.conftest import reviews

PAIR = ("first", "second")


@pytest.fixture
def prober(varied):
    """A student of the tiny encoder that fits a probe."""
    return varied(training=Training.probe)


def over(folder, *, pairs, **options):
    """An untrained probe with three labels over an encoder, its tokenizer, and the encoder."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = AutoModel.from_pretrained(folder, **options)
    labels = ("no", "maybe", "yes")
    model = ProbeForSequenceClassification.over(encoder, tokenizer, labels, pairs=pairs)
    return model, tokenizer, encoder


TEXTS = ["good film", "the plot was awful and it is very poor", "a bad scene", "actor"]
GIVEN = ["a great film of the end", "bad", "", "the actor was it and a plot is fine in the end"]


def states(encoder, tokenizer, text):
    """The tokens' states of one text read alone, and its means of all layers."""
    with torch.inference_mode():
        found = encoder(**tokenizer(text, return_tensors="pt"), output_hidden_states=True)
    return found.last_hidden_state[0], [layer[0].mean(0) for layer in found.hidden_states]


def by_hand(first, second, opening=1):
    """The four cosines of two texts' states, written out token by token."""

    def cosine(a, b):
        return float(a @ b / (a.norm() * b.norm()))

    words, others = (one[opening:-1] if len(one) > 1 + opening else one for one in (first, second))
    best = [max(cosine(word, other) for other in others) for word in words]
    return [
        cosine(first.mean(0), second.mean(0)),
        sum(best) / len(best),
        min(best),
        max(cosine(first.mean(0), other) for other in others),
    ]


@pytest.mark.parametrize("implementation", ["sdpa", "eager"])
def test_a_pair_in_one_pass_is_two_texts_read_alone(tiny, implementation):
    model, tokenizer, encoder = over(tiny, pairs=True, attn_implementation=implementation)
    with torch.inference_mode():
        found = model.features(**tokenizer(TEXTS, GIVEN, padding=True, return_tensors="pt"))
    wanted = [
        by_hand(states(encoder, tokenizer, text)[0], states(encoder, tokenizer, given)[0])
        for text, given in zip(TEXTS, GIVEN, strict=True)
    ]
    np.testing.assert_allclose(found, wanted, atol=2e-6)


def test_token_types_can_be_missing(tiny):
    model, tokenizer, _ = over(tiny, pairs=True)
    inputs = tokenizer(TEXTS, GIVEN, padding=True, return_tensors="pt")
    with torch.inference_mode():
        told = model.features(**inputs)
        del inputs["token_type_ids"]
        torch.testing.assert_close(model.features(**inputs), told)


@pytest.mark.parametrize("pairs", [False, True])
def test_padding_does_not_matter(tiny, pairs):
    model, tokenizer, _ = over(tiny, pairs=pairs)
    rows = (TEXTS, GIVEN) if pairs else (TEXTS,)
    with torch.inference_mode():
        together = model.features(
            **tokenizer(*rows, padding="max_length", max_length=30, return_tensors="pt")
        )
        alone = [
            model.features(**tokenizer(*([one] for one in row), return_tensors="pt"))
            for row in zip(*rows, strict=True)
        ]
    torch.testing.assert_close(together, torch.cat(alone), atol=2e-6, rtol=1e-5)


def test_one_text_is_the_unit_means_of_two_layers(tiny):
    model, tokenizer, encoder = over(tiny, pairs=False)
    assert model.config.layers == [2, 1]
    with torch.inference_mode():
        found = model.features(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    for row, text in zip(found, TEXTS, strict=True):
        means = states(encoder, tokenizer, text)[1]
        wanted = torch.cat([means[layer] / means[layer].norm() for layer in (2, 1)])
        torch.testing.assert_close(row, wanted, atol=2e-6, rtol=1e-5)


MINILM = WEIGHTS / str(OmegaConf.load("s3/conf/model/minilm.yaml").package.sha256)[:16]


@pytest.mark.skipif(not MINILM.is_dir(), reason="the weights have not been fetched")
def test_the_real_encoder_reads_a_pair_apart():
    folder = next(MINILM.rglob("config.json")).parent
    model, tokenizer, encoder = over(folder, pairs=True)
    text, given = "The dog left.", "A dog that lived in the old house ran away from it at night."
    with torch.inference_mode():
        found = model.features(**tokenizer([text], [given], return_tensors="pt"))
    parts = [states(encoder, tokenizer, one)[0] for one in (text, given)]
    np.testing.assert_allclose(found, [by_hand(*parts)], atol=1e-5)
    assert model.config.layers == [6, 4]


def test_no_gradient_is_lost_on_the_way():
    hidden = torch.randn(2, 5, 8, requires_grad=True)
    every = torch.ones(2, 5, dtype=torch.bool)
    late_interaction(
        (hidden[:, :2], *[every[:, :2]] * 2), (hidden[:, 2:], *[every[:, 2:]] * 2)
    ).sum().backward()
    assert torch.isfinite(hidden.grad).all()
    assert hidden.grad.abs().sum() > 0


# Through the student's door


def test_few_unbalanced_rows_do_not_collapse(prober, head, tmp_path):
    """Nine rows of ten have one label; fewer than 50 gold rows, so no threshold helps."""
    rows = reviews(400, 3)
    many, few = ([row for row in rows if row.target == label] for label in head.labels)
    fitted = prober.fit(head, many[:90] + few[:10], rows[-40:], seed=0, folder=tmp_path / "model")
    test = many[90:170] + few[10:90]
    counted = Counter(fitted.predict(test).answers)
    assert max(counted.values()) < 0.75 * len(test)
    assert head.score(test, fitted.predict(test).answers)["accuracy"] > 0.7


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_answers_to_gold_have_golds_shares(prober, head, train, tmp_path, share):
    rows = reviews(400, 4)
    positive = [row for row in rows if row.target == "positive"][: round(100 * share)]
    negative = [row for row in rows if row.target == "negative"][: 100 - len(positive)]
    gold = positive + negative
    fitted = prober.fit(head, train, gold, seed=0, folder=tmp_path / "model")
    assert Counter(fitted.validation.answers)["positive"] == len(positive)


def test_shares_of_many_labels_are_met_within_a_row_or_two():
    torch.manual_seed(0)
    logits = torch.randn(200, 6, dtype=torch.float64) * 2 + torch.arange(6)
    wanted = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    answers = (logits + shares_bias(logits, wanted)).argmax(1)
    np.testing.assert_allclose(answers.bincount(minlength=6) / 200, wanted, atol=0.0101)


def turned(rows):
    """The rows with each label's other."""
    other = {"positive": "negative", "negative": "positive"}
    return [replace(row, target=other[row.target]) for row in rows]


def test_rows_that_would_turn_a_probe_round_do_not_move_it(prober, head, train, tmp_path):
    gold, test = reviews(60, 1), reviews(100, 2)
    one = prober.fit(head, train, gold, seed=0, folder=tmp_path / "0")
    two = prober.fit(head, turned(train), gold, seed=0, folder=tmp_path / "1", start=one)
    assert two.history[0]["step"] == 0
    np.testing.assert_allclose(
        two.predict(test).probabilities, one.predict(test).probabilities, atol=1e-4
    )


def test_a_probe_leaves_a_start_that_answers_the_wrong_way_round(prober, head, train, tmp_path):
    gold, test = reviews(60, 1), reviews(100, 2)
    wrong = prober.fit(head, turned(train), gold, seed=0, folder=tmp_path / "0")
    right = prober.fit(head, train, gold, seed=0, folder=tmp_path / "1", start=wrong)
    assert "step" not in wrong.history[0]
    assert right.history[0]["step"] >= 0.75
    said = [head.score(test, one.predict(test).answers)["accuracy"] for one in (wrong, right)]
    assert said[0] < 0.3
    assert said[1] > 0.7


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_gold_set_of_one_label_has_a_threshold_too(share):
    logits = torch.randn(60, 2, dtype=torch.float64)
    bias = shares_bias(logits, np.array([1 - share, share]))
    assert (logits + bias).argmax(1).double().mean() == share


def comparisons(count, seed):
    """Pairs of texts, and a third beside the second; the label says how much they share."""
    chance = np.random.default_rng(seed)
    rows = []
    for i in range(count):
        words = chance.permutation(WORDS[:12])
        label, shared = (("none", 0), ("half", 2), ("all", 4))[i % 3]
        given = [*words[:shared], *words[4 : 8 - shared]]
        fields = {
            "first": " ".join(words[:4]),
            "second": " ".join(chance.permutation(given)),
            "third": "the " + " ".join(words[8:10]),
        }
        rows.append(Example(fields, label))
    return rows


@pytest.mark.parametrize("fields", [PAIR, (*PAIR, "third")])
def test_three_labels_and_several_given_texts(prober, tmp_path, fields):
    head = Classifier(("none", "half", "all"), fields)
    fitted = prober.fit(
        head, comparisons(150, 0), comparisons(60, 1), seed=0, folder=tmp_path / "model"
    )
    test = comparisons(90, 2)
    found = fitted.predict(test)
    assert head.score(test, found.answers)["accuracy"] > 0.7
    assert found.probabilities.shape == (90, 3)
    np.testing.assert_allclose(found.probabilities.sum(1), 1, atol=1e-5)


@pytest.mark.parametrize("pairs", [False, True])
def test_saved_it_says_the_same_in_a_pipeline(prober, head, train, validation, tmp_path, pairs):
    if pairs:
        head = Classifier(("none", "half", "all"), PAIR)
        train, validation = comparisons(60, 0), comparisons(30, 1)
    fitted = prober.fit(head, train, validation, seed=0, folder=tmp_path / "training")
    fitted.save(tmp_path / "model")
    texts = [head.texts(example) for example in validation]
    asked = [
        {"text": text[0], "text_pair": text[1]} if pairs else {"text": text[0]} for text in texts
    ]
    pipe = pipeline("text-classification", model=str(tmp_path / "model"))
    assert [pipe(one)["label"] for one in asked] == fitted.validation.answers
    assert isinstance(pipe.model, ProbeForSequenceClassification)
    alone = Predictor(prober, head, tmp_path / "model")
    np.testing.assert_allclose(
        alone.predict(validation).probabilities, fitted.validation.probabilities, atol=1e-5
    )


def test_features_are_what_its_linear_layer_sees(prober, head, train, validation, tmp_path):
    fitted = prober.fit(head, train, validation, seed=0, folder=tmp_path / "model")
    inputs, logits = fitted.features(validation)
    weights = load_file(fitted.folder / "model.safetensors")
    by_product = (
        inputs @ weights["classifier.weight"].numpy().T + weights["classifier.bias"].numpy()
    )
    np.testing.assert_allclose(logits, by_product, atol=1e-5)
    assert [head.labels[i] for i in logits.argmax(1)] == fitted.validation.answers


def test_a_row_is_encoded_once_however_many_rounds_ask(
    prober, head, train, validation, tmp_path, monkeypatch
):
    encoded = []
    usual = ProbeForSequenceClassification.features

    def counting(self, input_ids, *others, **named):
        encoded.append(len(input_ids))
        return usual(self, input_ids, *others, **named)

    monkeypatch.setattr(ProbeForSequenceClassification, "features", counting)
    first = prober.fit(head, train[:100], validation, seed=0, folder=tmp_path / "0")
    assert sum(encoded) == len({row.fields["text"] for row in train[:100] + validation})
    encoded.clear()
    second = prober.fit(head, train[:130], validation, seed=0, folder=tmp_path / "1")
    assert sum(encoded) == 30
    encoded.clear()
    assert second.predict(validation).answers == second.validation.answers
    assert first.predict(validation).answers == first.validation.answers
    assert encoded == []


def weights_of(predictor):
    return load_file(predictor.folder / "model.safetensors")


def test_seed_and_own_start_change_nothing_and_the_encoder_stays(
    prober, head, train, validation, tiny, tmp_path
):
    before = torch.random.get_rng_state()
    one = prober.fit(head, train, validation, seed=0, folder=tmp_path / "0")
    two = replace(prober).fit(head, train, validation, seed=7, folder=tmp_path / "1", start=one)
    assert torch.equal(torch.random.get_rng_state(), before)
    first, second = weights_of(one), weights_of(two)
    assert all(torch.equal(first[name], second[name]) for name in first)
    pretrained = load_file(tiny / "model.safetensors")
    assert all(torch.equal(first[f"encoder.{name}"], pretrained[name]) for name in pretrained)


def test_a_finished_probe_is_loaded_and_an_unfinished_one_fitted_again(
    prober, head, train, validation, tmp_path, monkeypatch
):
    fitted = prober.fit(head, train, validation, seed=0, folder=tmp_path / "model")
    assert (fitted.best_epoch, [row["epoch"] for row in fitted.history]) == (0, [0])
    kept = weights_of(fitted)
    (fitted.folder / "training.json").unlink()  # as if killed before the end
    again = prober.fit(head, train, validation, seed=0, folder=tmp_path / "model")
    assert all(torch.equal(kept[name], one) for name, one in weights_of(again).items())
    monkeypatch.setattr("s3.student.student.probe_into", None)
    loaded = prober.fit(head, train, validation, seed=0, folder=tmp_path / "model")
    assert loaded.record == again.record


def test_a_row_of_weight_two_counts_as_twice_the_row(prober, head, train, validation, tmp_path):
    weights = np.ones(60)
    weights[:20], weights[50:] = 2, 0
    weighted = prober.fit(
        head, train[:60], validation, seed=0, folder=tmp_path / "0", weights=weights
    )
    repeated = prober.fit(head, train[:20] + train[:50], validation, seed=0, folder=tmp_path / "1")
    first, second = weights_of(weighted), weights_of(repeated)
    for name in ("centre", "scale", "classifier.weight", "classifier.bias"):
        torch.testing.assert_close(first[name], second[name], atol=1e-4, rtol=1e-3)


def test_the_identity_has_what_decides_this_training_and_nothing_else(prober, student, head):
    probe, spans = prober.identity(head), SpanExtractor()
    assert probe["training"] == "probe"
    assert "probe" not in student.identity(head)
    of_fine_tuning = {"epochs": 9, "learning_rate": 0.5, "batch_size": 2, "warmup_steps": 7}
    assert replace(prober, **of_fine_tuning, stride=9).identity(head) == probe
    for name, value in of_fine_tuning.items():
        assert replace(student, **{name: value}).identity(head) != student.identity(head)
    assert replace(student, stride=9).identity(head) == student.identity(head)
    assert replace(student, stride=9).identity(spans) != student.identity(spans)
    assert prober.identity(spans) == student.identity(spans)  # spans are fine-tuned either way
    assert replace(prober, max_length=9).identity(head) != probe
    assert replace(prober, static=True).identity(head) != probe


@pytest.mark.parametrize("before", ["", "import transformers.models.auto.modeling_auto; "])
def test_importing_s3_is_enough_for_transformers(prober, head, train, validation, tmp_path, before):
    """Whichever of the two is imported first; `s3` alone loads no transformers."""
    fitted = prober.fit(head, train[:60], validation, seed=0, folder=tmp_path / "model")
    check = "" if before else "import sys; assert 'transformers' not in sys.modules; "
    code = (
        f"{before}import s3; {check}"
        "from transformers import AutoConfig, AutoTokenizer, AutoModelForSequenceClassification; "
        f"AutoTokenizer.from_pretrained({str(fitted.folder)!r}); "
        f"print(AutoModelForSequenceClassification.from_pretrained({str(fitted.folder)!r}).device)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert said.stdout.strip() == "cpu"
    assert AutoModelForSequenceClassification.from_pretrained(fitted.folder).config.layers == [2, 1]


def test_fine_tuning_from_a_probe_counts_it_as_epoch_0(varied, prober, head, validation, tmp_path):
    rows = reviews(60, 5)
    probe = prober.fit(head, rows, validation, seed=0, folder=tmp_path / "probe")
    both = {"training": Training.probe_then_finetune, "epochs": 2}
    worse = varied(**both, learning_rate=0.3).fit(
        head, rows, validation, seed=0, folder=tmp_path / "worse"
    )
    assert [row["epoch"] for row in worse.history] == [0, 1, 2]
    assert worse.best_epoch == 0
    assert worse.validation.answers == probe.validation.answers
    assert worse.predict(validation).answers == probe.validation.answers
    assert not (worse.folder / "probe").exists()
    slow = varied(**both, learning_rate=1e-9).fit(
        head, rows, validation, seed=0, folder=tmp_path / "slow"
    )
    assert {row["validation/accuracy"] for row in slow.history} == {
        probe.history[0]["validation/accuracy"]
    }
    better = varied(**both, learning_rate=3e-3).fit(
        Classifier(("none", "half", "all"), PAIR), comparisons(150, 0), comparisons(60, 1), seed=0,
        folder=tmp_path / "better",
    )  # fmt: skip
    assert better.history[2]["loss"] < better.history[1]["loss"]


def test_spans_are_fine_tuned_whatever_the_training(prober, tmp_path):
    example = Example({"question": "film", "context": "a good plot"}, Answers(("plot",), (7,)))
    student = replace(prober, epochs=2)
    fitted = student.fit(SpanExtractor(), [example] * 4, [example], seed=0, folder=tmp_path)
    assert [row["epoch"] for row in fitted.history] == [1, 2]
    assert len(fitted.predict([example]).answers) == 1


def test_many_rows_in_blocks_and_files_make_the_same_probe(
    prober, head, train, validation, tmp_path, monkeypatch
):
    few = prober.fit(head, train, validation, seed=0, folder=tmp_path / "few")
    for module in (forward, probing, predictor):
        monkeypatch.setattr(module, "BLOCK", 50)
    monkeypatch.setattr(arrays, "LARGE", 1)
    prober.encoder.forget()
    many = prober.fit(head, train, validation, seed=0, folder=tmp_path / "many")
    assert isinstance(prober.encoder.tokens(head).features.base, np.memmap)
    for name, wanted in load_file(tmp_path / "few/model.safetensors").items():
        assert torch.allclose(load_file(tmp_path / "many/model.safetensors")[name], wanted)
    assert many.history[0]["loss"] == pytest.approx(few.history[0]["loss"])
    assert np.allclose(many.predict(train).probabilities, few.predict(train).probabilities)
