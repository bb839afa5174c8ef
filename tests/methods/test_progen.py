"""ProGen: schedule, held-out split, helpful examples before prompts, overlap; whole runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s3.data.example import Example
from s3.errors import UserError
from s3.llm import Style
from s3.methods import Bench, ProGen, Round
from s3.methods.progen import scores_of, show
from s3.methods.zerogen import query
from s3.student import Classifier, Precision, Student
from s3.tasks import Dropped
from tests.author import composed, writing

SIGNS = {"positive": ["good", "great", "fine"], "negative": ["bad", "awful", "poor"]}


@dataclass
class Ran:
    """What a run asked, trained on and yielded."""

    asked: list[str]
    fitted: list[list[Example]]
    rounds: list[Round]


@pytest.fixture
def student(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Student:
    monkeypatch.setattr("s3.student.hardware.cores", lambda: 1)  # more gain nothing here
    return Student(
        name="tiny", weights=str(tiny), max_length=64, stride=8, batch_size=8,
        learning_rate=3e-3, epochs=2, precision=Precision.fp32,
    )  # fmt: skip


@pytest.fixture
def run(student: Student, tmp_path: Path) -> Callable[..., Ran]:
    """Run ProGen on a bundled task with a tiny model and an author of simple reviews."""

    def start(method: ProGen, task: str = "imdb", style: Style = Style.continuation) -> Ran:
        chosen = composed(f"task={task}").task
        gold, fitted = chosen.load(0), list[list[Example]]()

        def fit(train: Any, validation: Any, *, what: str, start: Any, weights: Any = None) -> Any:
            fitted.append(train)
            folder = tmp_path / f"{task}-{style.value}-{len(fitted)}"
            return replace(student, epochs=1).fit(
                chosen.head(), train, validation, seed=0, folder=folder
            )

        with writing(review, style) as (author, llm):
            bench = Bench(
                chosen, llm, fit, gold.validation[:12], gold.train, 0, chosen.head().metrics[0]
            )
            rounds = list(method.run(bench))
        return Ran(author.asked, fitted, rounds)

    return start


def review(prompt: str, sample: str) -> str:
    """A review with the words of the label that is asked for last, in words of the tiny model."""
    chance = random.Random(f"{prompt}/{sample}")
    last = prompt.rpartition("in ")[2]
    label = "positive" if "positive" in last or "correct" in last else "negative"
    rest = ["the", "a", "film", "plot", "was", "is", "it", "very", "of", "actor", "scene", "end"]
    drawn = chance.choices(rest, k=6) + chance.choices(SIGNS[label], k=3)
    return " ".join(drawn) + f" number {chance.randrange(1000)}"


def small(**changes: Any) -> ProGen:
    values = {"size": 40, "held_out": 16, "first": 12, "pool": 5, "in_context": 2, "feedback": 1.0}
    return ProGen(**{**values, **changes})


def test_the_schedule_is_the_papers() -> None:
    assert ProGen(size=10_000).sizes == [100, 400, 1200, 3200, 8000, 10_000]
    assert ProGen(size=400).sizes == [100, 400]
    assert ProGen(size=30, first=50).sizes == [30]


def test_the_pool_holds_the_most_helpful_of_each_label_and_no_more(
    run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: list[tuple[list[Example], Any]] = []

    def spy(task: Any, predictor: Any, train: list[Example], *rest: Any) -> Any:
        scored.append((train, scores_of(task, predictor, train, *rest)))
        return scored[-1][1]

    monkeypatch.setattr("s3.methods.progen.scores_of", spy)
    ran = run(small(size=120, first=60, pool=3))
    ((train, scores),) = scored
    best = [train[place] for place in np.argsort(scores) if scores[place] < 0]
    expected = {
        one.fields["text"]
        for label in SIGNS
        for one in [one for one in best if one.target == label][:3]
    }
    assert len(best) > len(expected) == 6  # there is something to leave out
    shown = {
        text
        for example in ran.rounds[1].added.examples
        for text in (one.fields["text"] for one in train)
        if text in example.origin.prompt.rpartition("\n\n")[0]
    }
    assert shown == expected


@pytest.mark.parametrize("style", list(Style))
def test_rounds_grow_and_helpful_examples_go_before_the_prompts(
    run: Callable[..., Ran], style: Style
) -> None:
    ran = run(small(), style=style)
    assert [len(round_.train) for round_ in ran.rounds] == [12, 40]
    assert [len(train) for train in ran.fitted] == [12, 40]  # nothing held out is trained on
    written = sum(round_.added.completions for round_ in ran.rounds)
    dropped = sum(sum(round_.added.dropped.values()) for round_ in ran.rounds)
    assert written == len(ran.asked) == 2 * (16 + 40) + dropped  # a film and a review for each
    assert [round_.index for round_ in ran.rounds] == [0, 1]
    assert [len(round_.added.examples) for round_ in ran.rounds] == [12, 28]
    assert ran.rounds[1].train[:12] == ran.rounds[0].train
    assert [example.origin.round for example in ran.rounds[1].train] == [0] * 12 + [1] * 28
    known = {example.fields["text"]: example for example in ran.rounds[0].train}
    for example in ran.rounds[1].added.examples:
        *shown, last = example.origin.prompt.split("\n\n")
        assert len(shown) == 2
        for block in shown:
            (text,) = (text for text in known if text in block)
            assert known[text].target == example.target
            assert str(example.target) in block
            assert known[text].origin.source in block  # the film that it is about
        assert known.keys().isdisjoint(last)


def test_feedback_is_the_share_of_prompts_with_examples(run: Callable[..., Ran]) -> None:
    ran = run(small(feedback=0.5, size=90, first=40))
    later = ran.rounds[1].added.examples
    assert 0.3 < sum("\n\n" in one.origin.prompt for one in later) / len(later) < 0.7


def test_pairs_show_each_example_with_its_own_premise(run: Callable[..., Ran]) -> None:
    ran = run(small(size=20, first=10), task="rte")
    known = ran.rounds[0].train
    for example in ran.rounds[1].added.examples:
        prompt = example.origin.prompt
        used = [one for one in known if f'"{one.fields["hypothesis"]}"' in prompt]
        assert len(used) == 2
        assert all(one.fields["premise"] in prompt and one.target == example.target for one in used)
        assert prompt.count(example.fields["premise"]) >= 1


def test_a_reply_that_repeats_an_example_is_dropped() -> None:
    task = composed("task=imdb").task
    shown = Example({"text": "A fine film with ten different words in it, truly."}, "positive")
    repeated = "truly, it is A FILM with fine different words: ten in all"
    other = "truly a fine film but nothing else of it comes back here"
    draft = show(task, Style.chat, query(task, Style.chat, {}, "positive", "X"), [shown], 0.9)
    replies = iter([repeated, other])
    with writing(lambda prompt, sample: next(replies)) as (_, llm):
        first, second = (next(iter(llm.complete([draft.prompt]))) for _ in range(2))
    with pytest.raises(Dropped, match="overlap"):
        task.read(first, draft)  # type: ignore[arg-type]
    assert task.read(second, draft).fields["text"] == other  # type: ignore[arg-type]


@pytest.mark.parametrize("labels", [("negative", "positive"), ("good", "bad", "plain")])
def test_flipped_labels_are_mostly_in_the_harmful_half(
    student: Student, tmp_path: Path, labels: tuple[str, ...]
) -> None:
    """A real training on labels of which 30 % are wrong, in the held-out split too."""
    signs = [["good", "great", "fine"], ["bad", "awful", "poor"], ["actor", "scene", "end"]]
    chance = random.Random(0)

    def example(number: int) -> tuple[Example, bool]:
        truth = number % len(labels)
        text = chance.choices(["the", "a", "film", "plot", "was", "is", "it", "very", "of"], k=5)
        flip = chance.random() < 0.3
        label = labels[(truth + chance.randrange(1, len(labels))) % len(labels) if flip else truth]
        words = [*text, chance.choice(signs[truth]), str(number)]
        return Example({"text": " ".join(words)}, label), flip

    made = [example(number) for number in range(360)]
    train, held_out = made[:240], [one for one, _ in made[240:]]
    task = replace(composed("task=imdb").task, labels=dict.fromkeys(labels, "any"))
    examples = [one for one, _ in train]
    head = Classifier(labels, ("text",))
    fitted = replace(student, epochs=6).fit(
        head, examples, held_out, seed=0, folder=tmp_path / "flips"
    )
    order = np.argsort(scores_of(task, fitted, examples, held_out, ProGen().damping))
    flipped = np.array([flip for _, flip in train])[order]
    assert flipped[:120].mean() < flipped[120:].mean() / 3


def test_question_answering_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(UserError, match="for classification only, not for task=adversarial_qa"):
        composed("task=adversarial_qa", "method=progen")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("size", 0, "size must be at least 1"),
        ("feedback", 1.5, "feedback must lie between 0 and 1"),
        ("damping", 0.0, "damping must be above 0"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ProGen(**{name: value})  # type: ignore[arg-type]


def test_the_presets_scale_it() -> None:
    quick, paper = (
        composed("task=imdb", "method=progen", *more).method for more in ([], ["preset=paper"])
    )
    assert isinstance(quick, ProGen)
    assert (quick.size, quick.sizes) == (200, [50, 200])
    assert paper == ProGen()
