"""Gold Data: trained on real rows; a seeded fifth chooses the epoch where there is one set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.methods import Round
from tests.author import composed, sentence, writing
from tests.methods.learner import Learner, bench


def run(*overrides: str, seed: int = 0) -> tuple[Round, Learner]:
    experiment = composed("method=gold", *overrides)
    learner = Learner(experiment.task)
    with writing(sentence) as (author, llm):
        (round_,) = experiment.method.run(bench(experiment.task, llm, learner, seed))
    assert author.asked == []
    return round_, learner


@pytest.mark.parametrize("task", ["rte", "imdb", "qnli", "adversarial_qa"])
def test_a_fifth_of_the_one_set_chooses_the_epoch(task: str):
    round_, learner = run(f"task={task}")
    gold = composed(f"task={task}").task.load(0).validation
    train, chooser = learner.trainings[0], learner.chosen[0]
    assert len(chooser) == round(len(gold) / 5)
    assert {one.id for one in train} | {one.id for one in chooser} == {one.id for one in gold}
    assert not {one.id for one in train} & {one.id for one in chooser}
    assert (round_.train, round_.validation) == (train, chooser)
    assert (round_.index, round_.added.wanted, round_.added.completions) == (0, 0, 0)
    assert all(mistake.example in chooser for mistake in round_.mistakes)


def test_the_split_depends_on_the_seed_alone():
    assert run()[0].validation == run()[0].validation
    assert run()[0].validation != run(seed=1)[0].validation


def test_a_train_set_of_its_own_is_used_whole(tmp_path: Path):
    for name in ("train", "validation", "test"):
        rows = [{"text": f"{name} film {i}", "label": "positive"} for i in range(4)]
        rows[0]["label"] = "negative"
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(content)
    names = [f"task.gold.files.{name}={name}.jsonl" for name in ("train", "validation", "test")]
    round_, learner = run(
        "task=imdb", "task.gold.source=files", f"task.gold.files.path={tmp_path}", *names
    )
    assert [one.fields["text"][:5] for one in learner.trainings[0]] == ["train"] * 4
    assert [one.fields["text"][:5] for one in round_.validation] == ["valid"] * 4


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_the_share_kept_aside_lies_between_0_and_1(share: float):
    with pytest.raises(UserError, match="held_out must lie between 0 and 1"):
        composed("method=gold", f"method.held_out={share}")


def test_synthetic_rows_are_for_methods_that_have_some():
    with pytest.raises(UserError, match="with_gold is for synthetic data"):
        composed("method=gold", "method.with_gold=true")
