"""ZeroGen as published: its prompts, made-up films, spans as answers, its ends of a reply."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s3.data.example import Answers
from s3.errors import UserError
from s3.llm import Style
from s3.llm.types import Completion
from s3.methods import Bench, Round, ZeroGen
from s3.methods.zerogen import query
from s3.student import Precision, Student
from s3.synthesis import seed_data
from s3.tasks import Dropped, Task
from tests.author import Rule, composed, question, sentence, writing

Run = Callable[..., tuple[list[str], Round]]


@pytest.fixture
def run(tiny: Path, tmp_path: Path) -> Run:
    """Run ZeroGen on a bundled task; return what was asked, and the round."""
    student = Student(
        name="tiny", weights=str(tiny), max_length=64, stride=8, batch_size=8,
        learning_rate=1e-3, epochs=1, precision=Precision.fp32,
    )  # fmt: skip

    def start(
        task: Task, rule: Rule, style: Style = Style.continuation, **options: Any
    ) -> tuple[list[str], Round]:
        gold = task.load(0)

        def fit(train: Any, validation: Any, *, what: str, start: Any, weights: Any = None) -> Any:
            folder = tmp_path / "model"
            return student.fit(task.head(), train, validation[:8], seed=0, folder=folder)

        with writing(rule, style) as (author, llm):
            bench = Bench(
                task, llm, fit, gold.validation[:8], gold.train, 0, task.head().metrics[0]
            )
            (round_,) = ZeroGen(**options).run(bench)
        return author.asked, round_

    return start


def films(prompt: str, sample: str) -> str:
    if prompt.startswith(("Movie:", "Name one")):
        return ["The Lost Copper", "Garden of Signals,", "A Letter [cut]"][int(sample) % 3]
    return sentence(prompt, sample)


@pytest.mark.parametrize("style", list(Style))
def test_a_film_is_made_up_for_each_review(run: Run, style: Style) -> None:
    asked, round_ = run(composed("task=imdb").task, films, style, seed_size=10)
    names = [one for one in asked if one.startswith(("Movie:", "Name one"))]
    reviews = [one for one in asked if one not in names]
    assert len(round_.train) == len(reviews) == 10
    for example in round_.train:
        film = example.origin.source
        assert film in ("The Lost Copper", "Garden of Signals")  # a title that is cut off is none
        assert f"{example.target} sentiment" in example.origin.prompt
        assert f'movie "{film}"' in example.origin.prompt
        assert (style is Style.continuation) == example.origin.prompt.endswith(' is: "')
    assert round_.added.completions == len(asked)
    assert round_.added.tokens == 18 * len(asked)


def test_the_llm_that_makes_up_no_film_is_reported(run: Run) -> None:
    task = composed("task=imdb").task
    cannot = "As an AI language model, I cannot."
    with pytest.raises(UserError, match=r"no condition in 4 replies \(declined 4; .*I cannot"):
        run(task, lambda prompt, sample: cannot, seed_size=4)
    with pytest.raises(UserError, match=r"first 20 replies gave nothing usable \(20 declined\)"):
        run(task, lambda prompt, sample: cannot, seed_size=40)


def test_questions_are_asked_about_spans_of_gold_contexts(run: Run) -> None:
    task = composed("task=adversarial_qa").task
    asked, round_ = run(task, question, seed_size=12)
    gold = {one.fields["context"]: set[str]() for one in task.load(0).train}
    for one in task.load(0).train:
        assert isinstance(one.target, Answers)
        gold[one.fields["context"]] |= set(one.target.texts)
    assert all(one.startswith('The context is: "') for one in asked)
    strangers = 0
    for example in round_.train:
        assert isinstance(example.target, Answers)
        (text,), (start,) = example.target.texts, example.target.starts
        context = example.fields["context"]
        assert context[start : start + len(text)] == text
        assert f'"{text}" is the answer of the following question: "' in example.origin.prompt
        strangers += text not in gold[context]
    assert strangers  # gold answers are not looked at


def test_pairs_share_the_draws_of_s3s_seeds(run: Run) -> None:
    """RTE's query is the same in both: a comparison pays for the seeds once."""
    task = composed("task=rte").task
    _, round_ = run(task, sentence, seed_size=9)
    with writing(sentence, Style.continuation) as (author, llm):
        seeds = seed_data(task, llm, task.load(0).train, 9, 0)
        assert llm.usage.stored == 9
    assert author.asked == []
    assert [one.id for one in seeds.examples] == [one.id for one in round_.train]


def test_qnli_is_asked_in_zerogens_words(run: Run) -> None:
    _, round_ = run(composed("task=qnli").task, question, seed_size=8)
    words = {"entailment": "in", "not_entailment": "not in"}
    for example in round_.train:
        ending = f'\nQuestion (answer {words[str(example.target)]} above information): "'
        assert example.origin.prompt.endswith(ending)


@pytest.mark.parametrize(
    ("reply", "kept"),
    [
        ("A fine film from start to end", "A fine film from start to end"),  # closing mark
        ("A fine film from start\nMovie: The[cut]", "A fine film from start"),  # newline
        ("A fine film it is. I liked the[cut]", "A fine film it is."),  # last full stop
        ("A fine film from start to[cut]", None),
    ],
)
def test_a_reply_ends_at_mark_newline_or_full_stop(reply: str, kept: str | None) -> None:
    task = composed("task=imdb").task
    draft = query(task, Style.continuation, {}, "positive", "The Lost Copper")
    with writing(lambda prompt, sample: reply, Style.continuation) as (_, llm):
        (completion,) = llm.complete([draft.prompt])
    assert isinstance(completion, Completion)
    if kept:
        assert task.read(completion, draft).fields["text"] == kept
    else:
        with pytest.raises(Dropped, match="cut_off"):
            task.read(completion, draft)


def test_size_goes_before_seed_size(run: Run) -> None:
    asked, round_ = run(composed("task=rte").task, sentence, seed_size=3, size=7)
    assert len(round_.train) == len(asked) == 7
    assert not round_.added.dropped


def test_a_task_without_a_query_of_its_own_is_refused() -> None:
    empty = ["task.zerogen.chat=''", "task.zerogen.continuation=''"]
    with pytest.raises(UserError, match=r"task\.zerogen\.continuation is empty"):
        composed("task=imdb", "method=zerogen", *empty)
    composed("task=imdb", "method=s3", *empty)


def test_a_template_may_use_no_variable_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"task\.zerogen\.chat: unknown variable \$film"):
        composed("task=imdb", "task.zerogen.chat='About $film'")
