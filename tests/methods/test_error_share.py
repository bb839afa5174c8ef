"""How much of what a round extrapolates are errors: S3 as published, GoldGen, and in between."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from s3.data.example import Example
from s3.methods import Round
from s3.methods.drawing import error_share, half_right
from tests.author import composed
from tests.methods.trial import Trial

GOLD = 40


def shares(trial: Trial, index: int = 1) -> tuple[int, int]:
    """How many of a round's additions grew from errors of the round before, how many from not."""
    wrong = {one.example.origin.source for one in trial.rounds[index - 1].mistakes}
    grown = [one.origin.source in wrong for one in trial.rounds[index].added.examples]
    return sum(grown), len(grown) - sum(grown)


def grown_from(round_: Round) -> list[str]:
    return [one.origin.source for one in round_.added.examples]


def test_all_errors_and_nothing_else_as_published():
    trial = Trial("method.rounds=1", "method.error_share=1", few=GOLD, right=(30, 30))
    wrong = [one.example.origin.source for one in trial.rounds[0].mistakes]
    assert grown_from(trial.rounds[1]) == wrong
    assert shares(trial) == (10, 0)


@pytest.mark.parametrize("size", [None, 32])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_so_much_of_a_round_are_errors_the_rest_other_gold(share: float, size: int | None):
    """At a fixed size too, where each round adds its 10 (as without one: 10 errors)."""
    options = (f"method.error_share={share}", f"method.size={size or 'null'}")
    trial = Trial(*options, few=GOLD, right=(20, 20, 20))
    whole = 10 if size else 20
    for index in (1, 2):
        errors, _ = shares(trial, index)
        assert len(trial.rounds[index].added.examples) == whole
        assert errors >= round(share * whole)  # the rest is drawn from all gold, wrong or right
        assert len(set(grown_from(trial.rounds[index]))) == whole  # nothing twice
    first = set(grown_from(trial.rounds[1])[: round(share * whole)])
    assert first <= {one.example.origin.source for one in trial.rounds[0].mistakes}


@pytest.mark.parametrize(("right", "drawn"), [(0, 0), (20, 0), (24, 3), (30, 7), (36, 9)])
def test_by_the_rule_no_more_than_half_of_what_is_extrapolated_is_wrong(right: int, drawn: int):
    """Where half of gold or more is wrong, gold is drawn as it comes."""
    trial = Trial("method.rounds=1", "method.size=32", few=GOLD, right=(right, right))
    wrong, other = shares(trial)
    assert wrong + other == 20
    rate = 1 - right / GOLD
    assert drawn == round(20 * half_right(rate))
    # Beside those drawn as errors, some come with the rest, which is drawn from all other gold.
    rest = (20 - drawn) * (rate * GOLD - min(drawn, rate * GOLD)) / (GOLD - drawn)
    assert drawn + rest == pytest.approx(wrong, abs=4)
    assert min(drawn, rate * GOLD) <= wrong


@pytest.mark.parametrize(
    ("rate", "share"), [(0.0, 0.5), (0.1, 4 / 9), (0.25, 1 / 3), (0.5, 0.0), (0.8, 0.0), (1.0, 0.0)]
)
def test_the_rule(rate: float, share: float):
    assert half_right(rate) == pytest.approx(share)
    if rate < 0.5:
        assert share + (1 - share) * rate == pytest.approx(0.5)


def two_labels() -> list[Example]:
    """40 rows of two labels, half each."""
    gold = composed("task=imdb").task.load(0).validation
    labels = ("positive", "negative")
    return [one for label in labels for one in [x for x in gold if x.target == label][:20]]


@pytest.mark.parametrize(("right", "errors"), [(8, True), (16, True), (18, False), (20, False)])
@pytest.mark.parametrize("size", [None, 32])
def test_a_model_that_answers_the_wrong_way_round_is_turned_by_errors_alone(
    right: int, errors: bool, size: int | None
):
    """Of 40 rows, 20 at random: a standard error is three rows."""
    few = two_labels()
    place = {one.origin.source: index % 20 for index, one in enumerate(few)}

    def says(training: int, example: Example) -> str:
        other = {"positive": "negative", "negative": "positive"}[str(example.target)]
        return str(example.target) if place[example.origin.source] < right / 2 else other

    options = ("task=imdb", "method.rounds=1", f"method.size={size or 'null'}")
    trial = Trial(*options, validation=few, says=says)
    wrong, other = shares(trial)
    assert wrong + other == (20 if size else 40 - right)
    assert (other == 0) is errors
    goldgen = Trial(*options, "method=goldgen", validation=few, says=says)
    assert shares(goldgen)[1] > 0


def test_answers_with_one_label_alone_are_not_the_wrong_way_round():
    gold = ["a"] * 30 + ["b"] * 10
    assert error_share(["b"] * 40, gold) == error_share(["c"] * 40, gold) == 0.0
    assert error_share(["b"] * 39 + ["a"], gold) == 0.0  # one row says nothing
    assert error_share(["b"] * 30 + ["a"] * 10, gold) == 1.0
    turned = ["b"] * 20 + ["c"] * 20 + ["a"] * 20  # of three labels
    assert error_share(turned, ["a"] * 20 + ["b"] * 20 + ["c"] * 20) == 1.0


def test_no_error_at_all_leaves_a_fixed_size_to_gold():
    trial = Trial("method.size=32", few=GOLD, right=(GOLD, GOLD, GOLD))
    assert [len(round_.train) for round_ in trial.rounds] == [12, 22, 32]
    free = Trial(few=GOLD, right=(GOLD, GOLD, GOLD))  # as many in all as there are errors
    assert [len(round_.train) for round_ in free.rounds] == [12]


def test_a_share_of_nothing_is_goldgen():
    options = ("method.size=32", "method.rounds=2")
    made = [
        Trial(*options, *more, few=GOLD, right=(20, 25, 25)).rounds
        for more in (("method=s3", "method.error_share=0"), ("method=goldgen",))
    ]
    first, second = ([[one.id for one in round_.train] for round_ in rounds] for rounds in made)
    assert first == second


def test_the_draw_is_the_runs_and_the_next_round_takes_what_was_not_taken():
    def sources(seed: int) -> list[list[str]]:
        trial = Trial("method.error_share=0.5", few=GOLD, right=(20, 20, 20), seed=seed)
        return [grown_from(round_) for round_ in trial.rounds[1:]]

    assert sources(0) == sources(0) != sources(1)


def test_the_next_round_takes_the_errors_that_were_taken_least_often():
    trial = Trial("method.error_share=0.5", few=GOLD, right=(20, 20, 20))
    taken = set(grown_from(trial.rounds[1]))
    wrong = [mistake.example for mistake in trial.rounds[1].mistakes]
    again = {
        one.target for one in trial.rounds[2].added.examples[:10] if one.origin.source in taken
    }
    left = {one.target for one in wrong if one.origin.source not in taken}
    chosen = set(grown_from(trial.rounds[2])[:10])
    fresh = {one.target for one in wrong if one.origin.source not in taken | chosen}
    assert left
    assert not again & fresh  # of a label, none twice before each was taken once


def test_additions_even_out_the_labels_though_the_errors_are_of_one():
    """A student that answers with one label errs on the whole other class, and on that alone."""

    def says(training: int, example: Example) -> str:
        return "positive"

    gold = composed("task=imdb").task.load(0).validation
    few = [one for one in gold if one.target == "positive"][:14]
    few += [one for one in gold if one.target == "negative"][:10]
    trial = Trial("task=imdb", "method.rounds=1", validation=few, says=says)
    assert {one.example.target for one in trial.rounds[0].mistakes} == {"negative"}
    assert len(trial.rounds[1].added.examples) == 10
    counted = Counter(one.target for one in trial.rounds[1].train)
    assert abs(counted["positive"] - counted["negative"]) <= 1


def test_spans_have_no_label_to_swing_to_and_keep_the_published_share():
    options = ("task=adversarial_qa", "method.rounds=1")
    trial = Trial(*options, few=GOLD, right=(4, 4))
    assert shares(trial)[1] == 0


PUBLISHED = ("s3", "zerogen")


@pytest.mark.parametrize("method", PUBLISHED)
@pytest.mark.parametrize("task", ["rte", "imdb", "qnli", "adversarial_qa"])
def test_the_papers_preset_is_the_published_method_and_the_default_the_rule(task: str, method: str):
    def share(*options: str) -> float | None:
        made: Any = composed(f"task={task}", f"method={method}", *options).method
        found: float | None = made.error_share
        return found

    assert share("preset=paper") == 1
    assert share() is None
    assert share("preset=paper", "method.error_share=0.5") == 0.5
