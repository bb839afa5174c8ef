"""The bundled gold sets: sizes, balance, no duplicates, test apart from validation, exact spans."""

from __future__ import annotations

import re
from collections import Counter
from statistics import mean

import pytest

from s3.data.example import Answers, Example
from s3.data.gold import GoldData
from s3.metrics import normalise
from tests.author import composed

SIZES = {"rte": (152, 360), "qnli": (136, 312), "adversarial_qa": (128, 208), "imdb": (136, 314)}
PAIRS = {"rte": "premise", "qnli": "paragraph", "adversarial_qa": "context"}


def load(task: str) -> GoldData:
    return composed(f"task={task}").task.load(0)


def texts(examples: list[Example], field: str) -> list[str]:
    return [normalise(example.fields[field]) for example in examples]


@pytest.mark.parametrize(("task", "sizes"), SIZES.items())
def test_sizes_are_those_that_the_readme_states(task: str, sizes: tuple[int, int]):
    gold = load(task)
    assert (len(gold.validation), len(gold.test)) == sizes
    assert gold.train == gold.validation


@pytest.mark.parametrize("task", ["rte", "qnli", "imdb"])
def test_labels_are_balanced(task: str):
    gold = load(task)
    for split in (gold.validation, gold.test):
        first, second = Counter(example.target for example in split).values()
        assert first == second


@pytest.mark.parametrize("task", SIZES)
def test_nothing_stands_twice(task: str):
    gold = load(task)
    written = composed(f"task={task}").task.written
    found = texts(gold.validation + gold.test, written)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(("task", "field"), PAIRS.items())
def test_no_passage_of_test_is_in_validation(task: str, field: str):
    gold = load(task)
    assert not set(texts(gold.validation, field)) & set(texts(gold.test, field))


def test_answers_are_exact_spans_of_varied_length_and_not_told_by_the_question():
    gold = load("adversarial_qa")
    lengths = set()
    for example in gold.validation + gold.test:
        assert isinstance(example.target, Answers)
        for text, start in zip(example.target.texts, example.target.starts, strict=True):
            assert example.fields["context"][start : start + len(text)] == text
            assert f" {normalise(text)} " not in f" {normalise(example.fields['question'])} "
            lengths.add(len(text.split()))
        assert example.fields["question"].endswith("?")
    assert len(lengths) >= 6


@pytest.mark.parametrize(("task", "least", "most"), [("rte", 0.03, 0.15), ("qnli", 0.1, 0.3)])
def test_overlap_with_the_passage_says_as_much_as_in_the_real_set(
    task: str, least: float, most: float
):
    gold, given, written = load(task), PAIRS[task], composed(f"task={task}").task.written
    shares: dict[object, list[float]] = {}
    for example in gold.validation + gold.test:
        passage, text = (
            set(re.findall(r"\w+", example.fields[name].lower())) for name in (given, written)
        )
        shares.setdefault(example.target, []).append(len(text & passage) / len(text))
    assert least < mean(shares["entailment"]) - mean(shares["not_entailment"]) < most


@pytest.mark.parametrize(("task", "field"), [("rte", "premise"), ("imdb", "text")])
def test_texts_vary_in_length_and_beginning(task: str, field: str):
    gold = load(task)
    found = sorted(set(texts(gold.validation + gold.test, field)))
    lengths = sorted(len(text.split()) for text in found)
    assert lengths[len(lengths) * 9 // 10] > 1.5 * lengths[len(lengths) // 10]
    assert Counter(" ".join(text.split()[:3]) for text in found).most_common(1)[0][1] <= 6
