"""Reading answers out of long contexts: windows, targets, decoding, and SQuAD's scores."""

import gzip
import json
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torchmetrics.text import SQuAD

from s3.data.example import Answers, Example
from s3.errors import UserError
from s3.student import SpanExtractor
from s3.student.encoding import Loader

ADVERSARIAL = Path(__file__).parents[4] / "shared/data/adversarial_qa/validation.jsonl.gz"
HEAD = SpanExtractor()
PLAIN = ["film", "plot", "scene", "actor", "end", "the", "a", "is", "of"]


def question(context, *texts, asked="was it 7 ?"):
    target = Answers(texts, tuple(context.index(text) for text in texts))
    return Example({"question": asked, "context": context}, target)


@pytest.fixture
def long():
    """A context of 60 words that needs several windows of 32 tokens."""
    words = random.Random(0).choices(PLAIN, k=60)
    words[40:43] = ["7", "8", "9"]
    return question(" ".join(words), "7 8 9")


def test_windows_cover_the_context_and_overlap(student, long):
    chosen = student.encoder.tokens(HEAD).select([long], targets=True)
    assert len(chosen.numbers) > 2
    assert chosen.lengths.max() <= 32
    windows = np.split(chosen.rows.annotations, chosen.rows.starts[1:-1])
    context = [{tuple(span) for span in window if span[0] >= 0} for window in windows]
    assert len(set.union(*context)) == 60
    assert all(len(a & b) == 4 for a, b in pairwise(context))


def test_a_target_is_the_answer_or_the_first_token(student, long):
    chosen = student.encoder.tokens(HEAD).select([long], targets=True)
    windows = np.split(chosen.rows.annotations, chosen.rows.starts[1:-1])
    text, found = long.fields["context"], 0
    for window, (first, last) in zip(windows, chosen.targets, strict=True):
        whole = (window[:, 0] == text.index("7 8 9")).any()
        whole &= (window[:, 1] == text.index("7 8 9") + 5).any()
        assert (first > 0) == whole
        if whole:
            assert text[window[first, 0] : window[last, 1]] == "7 8 9"
            found += 1
    assert found


def _decode(student, example, logits, head=HEAD):
    """The answer for hand-made logits, one [length, 2] array a window."""
    selection = student.encoder.tokens(HEAD).select([example], targets=False)
    plan = [np.array([i]) for i in range(len(logits))]
    codes = np.zeros((len(logits), HEAD.width), np.float32)
    for batch, values in zip(
        Loader.of(student.encoder.tokenizer, selection, plan), logits, strict=True
    ):
        codes[batch.rows] = head.codes(torch.tensor(values)[None], batch).numpy()
    return HEAD.decode([example], codes, selection.firsts(1)).answers[0]


def _logits(student, example):
    selection = student.encoder.tokens(HEAD).select([example], targets=False)
    return [np.zeros((length, 2), np.float32) for length in selection.lengths]


@pytest.mark.parametrize("answer", [" 7 8 ", "\n7 8", "7 8\u200b", "7 8"])
def test_white_space_around_an_answer_is_not_part_of_its_target(student, answer):
    """A tokenizer gives it no token, so no window would hold the whole answer."""
    example = question(f"the film was {answer} of the plot", answer)
    chosen = student.encoder.tokens(HEAD).select([example], targets=True)
    ((first, last),) = chosen.targets
    spans = chosen.rows.annotations[chosen.rows.starts[chosen.numbers[0]] :]
    assert example.fields["context"][spans[first, 0] : spans[last, 1]] == "7 8"


def test_an_answer_of_white_space_alone_is_the_users(student):
    with pytest.raises(UserError, match="no character"):
        student.encoder.tokens(HEAD).select([question("a  b", "  ")], targets=True)


def test_probabilities_are_those_of_start_and_end_over_all_windows(student, long):
    logits = _logits(student, long)
    logits[0][9] = [3, 2]
    logits[2][12] = [1, 4]
    selection = student.encoder.tokens(HEAD).select([long], targets=False)
    plan = [np.array([i]) for i in range(len(logits))]
    codes, context = [], []
    for batch, values in zip(
        Loader.of(student.encoder.tokenizer, selection, plan), logits, strict=True
    ):
        codes.append(HEAD.codes(torch.tensor(values)[None], batch).numpy())
        context.append(values[batch.annotations[0, :, 0].numpy() >= 0])
    starts, ends = np.exp(np.concatenate(context)).T
    best = max(np.exp(3 + 2) / 1, np.exp(1 + 4))
    found = HEAD.decode([long], np.concatenate(codes), selection.firsts(1))
    assert found.probabilities[0, 0] == pytest.approx(best / starts.sum() / ends.sum(), rel=1e-5)


def test_decoding_takes_the_best_span_of_all_windows(student, long):
    logits = _logits(student, long)
    logits[0][9, 0] = logits[0][9, 1] = 3
    logits[2][11, 0] = logits[2][12, 1] = 5
    spans = student.encoder.tokens(HEAD).rows.annotations[
        student.encoder.tokens(HEAD).rows.starts[2] :
    ]
    wanted = long.fields["context"][spans[11, 0] : spans[12, 1]]
    assert len(wanted.split()) == 2
    assert _decode(student, long, logits) == wanted


def test_decoding_refuses_backward_too_long_and_outside_spans(student):
    example = question(" ".join("0123456789"), "3")
    (logits,) = _logits(student, example)
    zero = len(student.encoder.tokenizer("was it 7 ?")["input_ids"])  # where the context begins
    logits[0] = logits[1] = 100  # first token, question
    logits[zero + 6, 0] = logits[zero + 3, 1] = 50  # the end before the start
    logits[zero + 8, 1] = 5
    assert _decode(student, example, [logits]) == "6 7 8"
    assert _decode(student, example, [logits], SpanExtractor(max_answer=3)) == "6 7 8"
    logits[zero + 7, 1] = 4
    assert _decode(student, example, [logits], SpanExtractor(max_answer=2)) == "6 7"


def test_an_example_without_any_candidate_has_an_empty_answer():
    codes = np.array([[-np.inf, 0, 0, -np.inf, -np.inf]])
    found = HEAD.decode([question("a 1", "1")], codes, np.array([0, 1]))
    assert (found.answers, found.probabilities.tolist()) == ([""], [[0.0]])


def test_any_of_several_answers_is_correct():
    example = question("the 7 and 8", "7", "8")
    assert HEAD.correct(example, "The 8!")
    assert not HEAD.correct(example, "7 and 8")
    assert HEAD.score([example, example], ["8", "7 and 8"]) == {
        "em": 0.5,
        "f1": pytest.approx(0.75),
    }


def test_padding_does_not_change_loss_or_answer(student, varied, long):
    """The same rows in batches of their own and in one padded batch."""
    short = question("the film was 3 of 9", "3")
    from s3.student.weights import load_model

    selection = student.encoder.tokens(HEAD).select([long, short], targets=True)
    model, rows = load_model(HEAD, student.encoder.source), np.arange(len(selection.numbers))
    found = []
    for plan in ([rows], [rows[i : i + 1] for i in rows]):
        losses, codes = [], []
        for batch in Loader.of(student.encoder.tokenizer, selection, plan):
            outputs = HEAD.forward(model, batch)
            losses.append(HEAD.losses(outputs, batch))
            codes.append(HEAD.codes(outputs, batch))
        found.append((torch.cat(losses), torch.cat(codes)))
    assert torch.allclose(found[0][0], found[1][0], atol=1e-5)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)


def test_it_learns_to_find_the_number(varied, tmp_path):
    """The answer is the one digit; contexts take one window or three."""
    chance = random.Random(1)

    def make():
        words = chance.choices(PLAIN, k=chance.choice([6, 50]))
        words.insert(chance.randrange(len(words)), str(chance.randrange(10)))
        digit = next(word for word in words if word.isdigit())
        return question(" ".join(words), digit, asked="was it ?")

    examples = [make() for _ in range(120)]
    student = varied(epochs=4, batch_size=8)
    predictor = student.fit(HEAD, examples[:90], examples[90:], seed=0, folder=tmp_path)
    assert max(row["validation/em"] for row in predictor.history) > 0.9
    found = predictor.predict(examples[90:])
    assert found.answers == predictor.validation.answers
    assert found.probabilities.shape == (30, 1)
    np.testing.assert_allclose(found.probabilities, predictor.validation.probabilities, atol=1e-4)


def test_a_question_that_leaves_no_room_is_an_error(student):
    with pytest.raises(UserError, match="max_length"):
        student.encoder.tokens(HEAD).select(
            [question("1 " * 60, "1", asked="was " * 30)], targets=False
        )


def _shifted(text, chance):
    return text[1:] + "x" if chance.random() < 0.5 else f"the {text}, and"


@pytest.mark.skipif(not ADVERSARIAL.exists(), reason="needs ../shared/data/adversarial_qa")
def test_em_and_f1_equal_torchmetrics_on_the_whole_of_adversarial_qa():
    with gzip.open(ADVERSARIAL, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    chance = random.Random(0)
    gold = [Answers(tuple(r["answers"]["text"]), tuple(r["answers"]["answer_start"])) for r in rows]
    examples = [
        Example({"question": r["question"], "context": r["context"]}, target)
        for r, target in zip(rows, gold, strict=True)
    ]
    words = [r["context"].split() for r in rows]
    guesses = {
        "perfect": [target.texts[-1] for target in gold],
        "empty": ["" for _ in gold],
        "shifted": [_shifted(target.texts[0], chance) for target in gold],
        "random": [" ".join(chance.choices(w, k=chance.randrange(1, 6))) for w in words],
    }
    truth = [{"answers": r["answers"], "id": str(i)} for i, r in enumerate(rows)]
    for name, guess in guesses.items():
        said = [{"prediction_text": text, "id": str(i)} for i, text in enumerate(guess)]
        expected = SQuAD()(said, truth)
        ours = HEAD.score(examples, guess)
        assert ours["em"] * 100 == pytest.approx(float(expected["exact_match"]), abs=1e-3), name
        assert ours["f1"] * 100 == pytest.approx(float(expected["f1"]), abs=1e-3), name
