"""S3 and its kin, on real gold data, against an endpoint that writes by rule."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from s3.errors import UserError
from s3.methods import S3, Bench, Round
from s3.student import Precision, Student
from tests.author import Rule, composed, question, rationales, writing
from tests.methods.learner import Learner, Scripted, bench

FEW = 10  # validation examples that most tests need


def rule(prompt: str, sample: str) -> str:
    """Write what the task asks for."""
    write = question if "question" in prompt.lower() else rationales
    return write(prompt, sample)


class Trial:
    """A method run to its end: its rounds, its learner, and what was asked."""

    def __init__(
        self,
        *overrides: str,
        right: tuple[int, ...] = (),
        few: int | None = FEW,
        write: Rule = rule,
    ) -> None:
        experiment = composed("seed_size=12", *overrides)
        self.task = experiment.task
        self.learner = Scripted(self.task, right=right) if right else Learner(self.task)
        with writing(write) as (author, llm):
            self.bench = bench(self.task, llm, self.learner, few=few)
            self.rounds: list[Round] = []
            self.asked_at: list[int] = []  # requests before each training's end
            for round_ in experiment.method.run(self.bench):
                self.rounds.append(round_)
                self.asked_at.append(len(author.asked))
            self.asked = author.asked


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_rounds_extrapolations_make_one_training_more(rounds: int):
    trial = Trial(f"method.rounds={rounds}", right=(4, 5, 6, 7))
    assert len(trial.rounds) == len(trial.learner.trainings) == rounds + 1
    assert [round_.index for round_ in trial.rounds] == list(range(rounds + 1))
    wrong = [FEW - right for right in (4, 5, 6)][:rounds]
    assert [len(round_.batch.examples) for round_ in trial.rounds] == [12, *wrong]
    assert len(trial.asked) == trial.asked_at[-1] == 12 + sum(wrong)  # none after the last


def test_a_round_trains_on_the_seed_and_all_additions_so_far():
    trial = Trial("method.rounds=2", right=(4, 5, 6))
    seed, first, second = (round_.batch.examples for round_ in trial.rounds)
    assert trial.learner.trainings == [seed, seed + first, seed + first + second]
    assert [round_.train for round_ in trial.rounds] == trial.learner.trainings
    kinds = [{one.origin.kind for one in part} for part in (seed, first, second)]
    assert kinds == [{"seed"}, {"extrapolation"}, {"extrapolation"}]
    assert {one.origin.round for one in second} == {2}


def test_each_mistake_is_extrapolated_with_its_context_and_label():
    trial = Trial("method.rounds=1", "method.per_mistake=2", few=40)
    mistakes = [mistake.example for mistake in trial.rounds[0].mistakes]
    right = [one for one in trial.bench.validation if one not in mistakes]
    assert mistakes
    assert right
    for mistake in trial.rounds[0].mistakes:
        assert mistake.predicted != mistake.example.target
    added = trial.rounds[1].batch.examples
    assert [one.origin.source for one in added] == [
        one.origin.source for one in mistakes for _ in range(2)
    ]
    for new, old in zip(added, [one for one in mistakes for _ in range(2)], strict=True):
        assert new.fields["premise"] == old.fields["premise"]
        assert new.target == old.target
        assert new.fields["hypothesis"] != old.fields["hypothesis"]


def test_extrapolated_mistakes_are_mended():
    """What the LLM writes in the words of a mistake teaches a learner of words to get it right."""

    def in_its_words(prompt: str, sample: str) -> str:
        _, asked, text = prompt.partition("similar to:\n")
        words = text.split()
        random.Random(sample).shuffle(words)
        return f"Then {' '.join(words)} again." if asked else rule(prompt, sample)

    trial = Trial("task=imdb", "method.rounds=2", few=30, write=in_its_words)
    first, second, third = (
        {mistake.example.id for mistake in round_.mistakes} for round_ in trial.rounds
    )
    assert len(first) > 8
    assert not first & second  # what was extrapolated is right now; others have become wrong
    assert not third  # and are mended in turn


@pytest.mark.parametrize("warm", [False, True])
def test_the_model_is_made_anew_unless_it_is_to_start_warm(warm: bool):
    trial = Trial("method.rounds=2", f"method.warm_start={warm}", right=(4, 5, 6))
    before = [round_.predictor for round_ in trial.rounds[:-1]]
    assert trial.learner.starts == [None, *(before if warm else [None, None])]


@pytest.mark.parametrize(
    ("patience", "right", "trainings"),
    [
        (1, (5, 5, 9, 9, 9, 9), 2),  # no better: a tie is none
        (1, (5, 6, 7, 7, 9, 9), 4),
        (2, (5, 4, 4, 9, 9, 9), 3),
        (2, (5, 4, 6, 4, 4, 9), 5),
        (2, (5, 6, 5, 7, 6, 8), 6),
    ],
)
def test_patience_ends_it_when_validation_improves_no_more(
    patience: int, right: tuple[int, ...], trainings: int
):
    trial = Trial("method.rounds=5", f"method.patience={patience}", right=right)
    assert len(trial.rounds) == trainings
    assert len(trial.asked) == trial.asked_at[-1]


def test_without_mistakes_nothing_is_left_to_extrapolate_but_for_gold():
    assert len(Trial("method.rounds=2", right=(FEW,)).rounds) == 1
    gold = Trial("method=goldgen", "method.rounds=2", right=(FEW, FEW, FEW))
    assert [len(round_.batch.examples) for round_ in gold.rounds] == [12, FEW, FEW]


@pytest.mark.parametrize(
    ("task", "method"),
    [
        ("rte", ("method=s3",)),
        ("imdb", ("method=s3",)),
        ("adversarial_qa", ("method=s3", "method.per_mistake=3")),
        ("imdb", ("method=s3", "method.extrapolated=nothing")),
        ("rte", ("method=goldgen",)),
        ("adversarial_qa", ("method=goldgen", "method.per_mistake=4", "method.rounds=3")),
        ("rte", ("method=zerogen",)),
        ("imdb", ("method=zerogen",)),
    ],
)
def test_a_final_size_is_met_exactly(task: str, method: tuple[str, ...]):
    trial = Trial(f"task={task}", "method.size=31", *method)
    added = [one for round_ in trial.rounds[1:] for one in round_.batch.examples]
    for round_ in trial.rounds:
        assert len({one.id for one in round_.train}) == len(round_.train) == 31
    assert trial.rounds[-1].train[-len(added[:31]) or 31 :] == added[:31]
    if "goldgen" in method[0]:
        assert sum(one.origin.kind == "seed" for one in trial.rounds[-1].train) <= 12
        assert len(added) - 4 < 31 - 12 <= len(added)


def test_seeds_that_give_way_are_cut_evenly_over_the_labels():
    trial = Trial("task=imdb", "method.size=40", "method.rounds=1", right=(2, 3), few=22)
    seeds = [one for one in trial.rounds[-1].train if one.origin.kind == "seed"]
    assert len(seeds) == 40 - 20
    counted = Counter(one.target for one in seeds)
    assert abs(counted["positive"] - counted["negative"]) <= 1
    assert all(one in trial.rounds[0].train for one in seeds)


def test_goldgen_takes_all_gold_before_any_twice():
    trial = Trial("method=goldgen", "method.size=42", "method.rounds=3")
    sources = Counter(
        one.origin.source for round_ in trial.rounds[1:] for one in round_.batch.examples
    )
    assert set(sources) == {one.origin.source for one in trial.bench.validation}
    assert sum(sources.values()) == 30
    assert set(sources.values()) == {3}


def test_methods_share_what_they_have_in_common():
    """The seed is paid for once; a second method asks for its own part alone."""
    first = Trial("method=s3", "method.size=20", "method.rounds=1")
    second = Trial("method=goldgen", "method.size=20", "method.rounds=1")
    assert first.rounds[0].train == second.rounds[0].train
    assert not set(first.asked[:20]) & set(second.asked)
    assert Trial("method=s3", "method.size=20", "method.rounds=1").asked == []


def test_single_sentences_have_rationales_unless_they_are_left_out():
    whole = Trial("task=imdb", "method.rounds=0")
    assert all(len(one.origin.rationales) == 3 for one in whole.rounds[0].train)
    assert sum("consider 20 reasons" in prompt for prompt in whole.asked) == 2
    assert whole.rounds[0].batch.completions == len(whole.asked) == 14
    pairs = Trial("method.rounds=0")
    assert not any("reasons" in prompt for prompt in pairs.asked)
    assert not any(one.origin.rationales for one in pairs.rounds[0].train)


@pytest.mark.parametrize(
    ("task", "method"),
    [("imdb", "s3"), ("adversarial_qa", "s3"), ("rte", "goldgen"), ("rte", "zerogen")],
)
def test_the_test_split_never_reaches_a_method(task: str, method: str):
    trial = Trial(f"task={task}", f"method={method}", few=None)
    written = {one.fields[trial.task.written] for one in trial.task.load(0).test}
    seen = trial.learner.trainings + trial.learner.chosen
    assert not written & {one.fields[trial.task.written] for part in seen for one in part}
    assert not any(text in prompt for prompt in trial.asked for text in written)
    assert not any("test" in name.name for name in fields(Bench))


def test_a_real_small_model_learns_from_the_rounds(tiny: Path, tmp_path: Path):
    experiment = composed("task=imdb", "seed_size=6", "method.rounds=1")
    student = Student(
        name="tiny",
        weights=str(tiny),
        max_length=32,
        stride=4,
        batch_size=8,
        learning_rate=1e-3,
        epochs=1,
        precision=Precision.fp32,
    )

    def fit(train: Any, validation: Any, *, what: str, start: Any) -> Any:
        folder = tmp_path / what.replace(" ", "-")
        head = experiment.task.head()
        return student.fit(head, train, validation, seed=0, folder=folder, what=what, start=start)

    with writing(rule) as (_, llm):
        gold = experiment.task.load(0)
        real = Bench(experiment.task, llm, fit, gold.validation[:8], gold.train[:8], 0)
        rounds = list(experiment.method.run(real))
    assert len(rounds) == 2
    for round_ in rounds:
        assert len(round_.predictor.validation) == 8
        assert set(round_.predictor.validation) <= {"negative", "positive"}
    assert len(rounds[1].train) == 6 + len(rounds[0].mistakes)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("method.rounds=-1", "rounds must be at least 0"),
        ("method.per_mistake=0", "per_mistake must be at least 1"),
        ("method.patience=0", "patience must be at least 1"),
        ("method.size=1", "size must be at least 2"),
        ("method.rationales_per_prompt=21", "cannot exceed rationales_per_label"),
        ("seed_size=0", "seed_size must be at least 1"),
    ],
)
def test_what_is_out_of_range_fails_when_composed(override: str, said: str):
    with pytest.raises(UserError) as caught:
        composed(override)
    assert said in str(caught.value)


def test_goldgen_needs_room_beside_the_seed():
    with pytest.raises(UserError, match="size must exceed seed_size"):
        composed("method=goldgen", "seed_size=40", "method.size=40")
    assert isinstance(composed("method=goldgen", "seed_size=40", "method.size=41").method, S3)
