"""A budget of real rows: they are trained on beside synthetic ones, and choose nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3.data.example import Example
from s3.errors import UserError
from s3.llm import Style
from s3.methods import GoldOnly, Round, ZeroShot
from s3.methods.base import mixed
from tests.author import composed, sentence, writing
from tests.methods.learner import Learner, bench

METHODS = {
    "zeroshot": ["seed_size=8"],
    "s3": ["seed_size=8", "method.rounds=1", "method.rationales=false"],
    "progen": ["method.size=8", "method.held_out=4", "method.first=20"],
    "gold": [],
}


def run(*overrides: str, seed: int = 0) -> tuple[list[Round], Learner, Any]:
    experiment = composed(*overrides)
    learner = Learner(experiment.task)
    with writing(sentence, Style.continuation) as (_, llm):
        made = bench(experiment.task, llm, learner, seed)
        return list(experiment.method.run(made)), learner, made


def real(round_: Round) -> list[Example]:
    return [one for one in round_.train if one.origin.kind == "gold"]


def texts(rows: list[Example]) -> set[str]:
    return {one.fields["text"] for one in rows}


@pytest.mark.parametrize("method", METHODS)
def test_every_training_has_the_same_real_rows_and_they_choose_nothing(method: str) -> None:
    rounds, learner, made = run("task=imdb", f"method={method}", "method.real=20", *METHODS[method])
    first = real(rounds[0])
    for round_, train, chooser in zip(rounds, learner.trainings, learner.chosen, strict=True):
        assert real(round_) == first
        assert len(first) == 20
        assert train == round_.train  # what is written down is what was trained on
        assert len(train) - 20 >= (0 if method == "gold" else 8)
        assert chooser == round_.validation
        assert texts(chooser) | texts(first) == texts(made.validation)
        assert not texts(chooser) & texts(first)
        wrong = {one.example.origin.source for one in round_.mistakes}
        assert not wrong & {one.origin.source for one in first}


def test_a_smaller_budget_is_part_of_a_larger_one() -> None:
    task = composed("task=imdb").task
    with writing(sentence) as (_, llm):
        mine = bench(task, llm, Learner(task))
    drawn = {number: mixed(mine, number)[1] for number in (10, 30)}
    assert drawn[10] == drawn[30][:10]
    assert drawn[10] != mixed(replace(mine, seed=1), 10)[1]


def test_gold_train_gives_them_where_there_is_one(tmp_path: Path) -> None:
    for name in ("train", "validation", "test"):
        rows = [
            {"text": f"{name} film {i}", "label": ("positive", "negative")[i % 2]} for i in range(9)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    files = [f"task.gold.files.{name}={name}.jsonl" for name in ("train", "validation", "test")]
    options = ["task=imdb", "method=zeroshot", "seed_size=4", "task.gold.source=files"]
    options += [f"task.gold.files.path={tmp_path}", *files]
    (round_,), learner, made = run(*options, "method.real=9")
    assert texts(real(round_)) == texts(made.train)
    assert learner.chosen == [made.validation]
    with pytest.raises(UserError, match=r"method.real=10: gold train gives at most 9 of its 9"):
        run(*options, "method.real=10")


def test_what_is_trained_on_cannot_be_all_that_chooses() -> None:
    with pytest.raises(UserError, match=r"method.real=120: gold validation gives at most 108"):
        run("task=imdb", "method=zeroshot", "method.real=120")
    with pytest.raises(UserError, match=r"method.real must be at least 0, not -1"):
        composed("method=zeroshot", "method.real=-1")
    with pytest.raises(ValueError, match="real must be at least 1"):
        GoldOnly(real=0)


def test_without_real_rows_a_run_is_what_it_was() -> None:
    assert "real" not in ZeroShot().identity()
    assert ZeroShot().identity() == ZeroShot(real=0).identity()
    assert ZeroShot(real=5).identity()["real"] == 5
