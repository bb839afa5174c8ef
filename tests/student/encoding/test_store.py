"""Texts are tokenised once, and their rows are found again."""

import itertools
import tracemalloc

import numpy as np
import pytest

from s3.data.example import Example
from s3.errors import UserError
from s3.student import Classifier
from s3.student.encoding import arrays, store, training_plan
from s3.student.encoding.store import Texts, keys


def test_rows_are_what_the_tokenizer_says(student, head, train):
    first = student.encoder.tokens(head).select(train[100:150], targets=True)  # an earlier round's
    chosen = student.encoder.tokens(head).select(train, targets=True)
    assert list(chosen.numbers[100:150]) == list(first.numbers)
    rows = np.split(chosen.rows.ids, chosen.rows.starts[1:-1])
    for i, example in enumerate(train):
        wanted = student.encoder.tokenizer(example.fields["text"], truncation=True, max_length=32)
        assert list(rows[chosen.numbers[i]]) == wanted["input_ids"]
        assert head.labels[chosen.targets[i, 0]] == example.target


def test_pairs_are_read_in_the_order_of_the_fields(student):
    head = Classifier(("a",), ("second", "first", "third"))
    example = Example({"first": "good film", "second": "bad", "third": "end"}, "a")
    chosen = student.encoder.tokens(head).select([example], targets=True)
    wanted = student.encoder.tokenizer("bad", "good film [SEP] end")
    assert list(chosen.rows.ids) == wanted["input_ids"]
    assert list(chosen.rows.segments) == wanted["token_type_ids"]


def test_a_text_is_tokenised_once(student, head, train, monkeypatch):
    asked, tokenize = [], Classifier.tokenize

    def counted(self, tokenizer, texts, *sizes):
        asked.extend(texts)
        return tokenize(self, tokenizer, texts, *sizes)

    monkeypatch.setattr(Classifier, "tokenize", counted)
    student.encoder.tokens(head).select(train[:100], targets=True)
    again = student.encoder.tokens(head).select([*train, *train[:50]], targets=True)
    texts = {head.texts(example) for example in train}
    assert len(asked) == len(set(asked)) == len(texts)
    assert len(again.numbers) == len(train) + 50
    assert list(again.numbers[-50:]) == list(again.numbers[:50])
    assert len(student.encoder.tokens(head).select([], targets=True).numbers) == 0


def test_many_tokens_lie_in_files_and_are_the_same(student, head, train, monkeypatch):
    few = student.encoder.tokens(head).select(train, targets=True)
    student.encoder.forget()
    monkeypatch.setattr(store, "CHUNK", 7)
    monkeypatch.setattr(arrays, "LARGE", 300)
    student.encoder.tokens(head).select(train[:50], targets=True)
    many = student.encoder.tokens(head).select(train, targets=True)
    assert isinstance(many.rows.ids.base.base, np.memmap)
    for name in ("ids", "segments", "starts"):
        assert np.array_equal(getattr(many.rows, name), getattr(few.rows, name))
    assert np.array_equal(many.numbers, few.numbers)
    assert np.array_equal(many.targets, few.targets)


def test_a_head_that_loses_a_text_is_found_out(student, head, train, monkeypatch):
    tokenize = Classifier.tokenize
    monkeypatch.setattr(store, "CHUNK", 30)
    few = student.encoder.tokens(head).select(train[:50], targets=True)
    calls = itertools.count()
    monkeypatch.setattr(  # not in the first chunk, whose rows are taken away again
        Classifier, "tokenize", lambda *given: tokenize(*given)[next(calls) :]
    )
    with pytest.raises(ValueError, match="shorter"):
        student.encoder.tokens(head).select(train, targets=True)
    monkeypatch.undo()
    assert few.numbers.max() + 1 == len(few.rows)
    student.encoder.tokens(head).select(train, targets=True)
    for i in (0, 60, -1):
        chosen = student.encoder.tokens(head).select([train[i]], targets=False)
        row = slice(*chosen.rows.starts[chosen.numbers[0] :][:2])
        wanted = student.encoder.tokenizer(train[i].fields["text"])["input_ids"]
        assert list(chosen.rows.ids[row]) == wanted


def test_an_unknown_label_is_the_users(student, head):
    with pytest.raises(UserError, match="'other' is none of negative, positive"):
        student.encoder.tokens(head).select([Example({"text": "good"}, "other")], targets=True)


def test_rows_are_found_again_over_many_rounds():
    chance, texts, known, held = np.random.default_rng(0), Texts.none(), dict[int, list[int]](), 0
    for _ in range(20):
        wanted = [int(number) for number in chance.integers(0, 200, chance.integers(0, 40))]
        names = keys((str(number),) for number in wanted)
        new = texts.missing(names)
        assert [wanted[i] for i in new] == list(dict.fromkeys(w for w in wanted if w not in known))
        counts = [int(count) for count in chance.integers(0, 4, len(new))]
        for i, count in zip(new, counts, strict=True):
            known[wanted[i]], held = list(range(held, held + count)), held + count
        texts = texts.with_(names[new], counts)
        rows, owners = texts.rows(names)
        assert list(rows) == [row for one in wanted for row in known[one]]
        assert list(owners) == [i for i, one in enumerate(wanted) for _ in known[one]]


@pytest.mark.slow
def test_200_000_rows_are_held_as_arrays_only(student):
    """Beside the caller's examples: the arrays and, for each text, a few numbers in arrays."""
    head = Classifier(("a", "b"), ("text",))
    words = student.encoder.tokenizer.get_vocab()
    chance = np.random.default_rng(0)
    vocabulary = np.array([word for word in words if word.isalpha()])
    texts = [" ".join(row) for row in chance.choice(vocabulary, (200_000, 24))]
    examples = [Example({"text": f"{i} {text}"}, "a") for i, text in enumerate(texts)]
    tracemalloc.start()
    chosen = student.encoder.tokens(head).select(examples, targets=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    arrays = chosen.rows.ids.nbytes + chosen.rows.segments.nbytes + chosen.rows.starts.nbytes
    assert held < arrays * 1.25 + 200_000 * 64  # a fourth more has room, and is not touched
    assert len(training_plan(chosen.lengths, 32, seed=0, epoch=0)) == 6250
