"""A fixed size: seeds stay, each round adds its share, labels even out, and methods share seeds."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from s3.data.example import Example
from s3.data.rows import to_row
from s3.errors import UserError
from s3.methods import S3
from s3.storage import write_jsonl
from tests.author import composed
from tests.methods.trial import Trial


def labels(examples: list[Example]) -> Counter[str]:
    return Counter(str(example.target) for example in examples)


@pytest.mark.parametrize(
    ("task", "method", "sizes"),
    [
        ("rte", ("method=s3",), [12, 22, 31]),
        ("imdb", ("method=s3",), [12, 22, 31]),
        ("imdb", ("method=s3", "method.rounds=1"), [12, 31]),
        ("adversarial_qa", ("method=s3", "method.per_mistake=3"), [12, 22, 31]),
        ("imdb", ("method=s3", "method.rationales=false"), [12, 22, 31]),
        ("imdb", ("method=s3", "method.extrapolated=nothing"), [31]),
        ("rte", ("method=goldgen",), [12, 22, 31]),
        ("adversarial_qa", ("method=goldgen", "method.per_mistake=4", "method.rounds=3"),
         [12, 19, 25, 31]),
        ("rte", ("method=zerogen",), [31]),
        ("imdb", ("method=zerogen",), [31]),
        ("imdb", ("method=zerogen", "method.extrapolated=errors"), [12, 22, 31]),
    ],
)  # fmt: skip
def test_every_round_has_its_share_and_the_last_one_the_size(
    task: str, method: tuple[str, ...], sizes: list[int]
):
    trial = Trial(f"task={task}", "method.size=31", *method, right=(6, 6, 6, 6))
    assert [len(round_.train) for round_ in trial.rounds] == sizes
    seeds = trial.rounds[0].train
    written = list(seeds)
    for round_ in trial.rounds:
        assert len({one.id for one in round_.train}) == len(round_.train)
        assert round_.train[: len(seeds)] == seeds  # no seed gives way
    for before, round_ in zip(trial.rounds, trial.rounds[1:], strict=False):
        assert round_.train[: len(before.train)] == before.train
        new = round_.train[len(before.train) :]
        assert set(map(id, new)) & set(map(id, round_.added.examples))  # later ones are used
        written += round_.added.examples
        kept = {one.id for one in [*round_.train, *round_.unused]}
        assert kept == {one.id for one in written}  # nothing that was written is lost
        assert not {one.id for one in round_.train} & {one.id for one in round_.unused}


def reviews(positive: int, negative: int) -> list[Example]:
    """Gold reviews, so many of each label."""
    gold = composed("task=imdb").task.load(0).validation
    wanted = {"positive": positive, "negative": negative}
    return [
        one
        for label, count in wanted.items()
        for one in [one for one in gold if one.target == label][:count]
    ]


def test_labels_even_out_over_all_data_as_far_as_the_errors_reach():
    """Twenty errors of one label and twelve of the other: as many of each as the share allows."""
    trial = Trial(
        "task=imdb", "method.size=60", "method.rounds=3",
        validation=reviews(20, 12), says=lambda training, one: "wrong",
    )  # fmt: skip
    assert [len(round_.train) for round_ in trial.rounds] == [12, 28, 44, 60]
    for round_ in trial.rounds[1:]:
        counted = labels(round_.train)
        assert abs(counted["positive"] - counted["negative"]) <= 1


def test_where_errors_of_a_label_run_out_the_others_go_on():
    trial = Trial(
        "task=imdb", "method.size=32", "method.rounds=1",
        validation=reviews(20, 2), says=lambda training, one: "wrong",
    )  # fmt: skip
    assert labels(trial.rounds[1].added.examples) == {"positive": 18, "negative": 2}


def test_a_model_that_answers_with_one_label_cannot_tip_the_data_over():
    """What was seen: 110 additions drove the seeds out, then all of the next were one label."""

    def says(training: int, example: Example) -> str:
        return ("negative", "positive")[training % 2]

    trial = Trial(
        "task=imdb", "method.size=24", "method.rounds=2", "method.error_share=1",
        validation=reviews(20, 20), says=says,
    )  # fmt: skip
    seeds = labels(trial.rounds[0].train)
    assert labels(trial.rounds[1].train) - seeds == {"positive": 6}
    assert labels(trial.rounds[2].train) - seeds == {"positive": 6, "negative": 6}


def test_no_more_is_written_than_can_be_used():
    trial = Trial("task=rte", "method.size=20", "method.rounds=2", few=60, right=(20, 20, 20))
    assert len(trial.rounds[0].mistakes) == 40
    assert [len(round_.added.examples) for round_ in trial.rounds] == [12, 4, 4]
    assert len(trial.asked) == 20


def test_errors_are_taken_again_only_after_all_have_been_taken():
    trial = Trial("method.size=40", "method.rounds=2", "method.error_share=1", right=(6, 6, 6))
    sources = [one.origin.source for one in trial.rounds[-1].train[12:]]
    assert set(sources) == {mistake.example.origin.source for mistake in trial.rounds[0].mistakes}
    counts = Counter(sources).values()  # 28 additions from 4 errors
    assert max(counts) - min(counts) <= 2


def test_what_is_over_a_share_serves_the_balance_of_a_later_round():
    """Round 1 takes 4 of 6; round 2 finds errors of one label only, and the rest evens them out."""

    def says(training: int, example: Example) -> str:
        return "wrong" if training == 0 else "negative"

    options = ("task=imdb", "method.size=20", "method.rounds=2", "method.per_mistake=3")
    trial = Trial(*options, "method.error_share=1", validation=reviews(6, 6), says=says)
    first, last = trial.rounds[1:]
    assert (len(first.added.examples), len(first.train), len(first.unused)) == (6, 16, 2)
    assert {str(one.target) for one in last.added.examples} == {"positive"}
    used = [one for one in first.unused if one in last.train]
    short = labels(first.train)["negative"] < labels(first.train)["positive"] + 4
    assert used == [one for one in first.unused if one.target == "negative" and short]
    assert len(last.train) + len(last.unused) == 12 + 6 + len(last.added.examples)


def test_a_round_that_falls_short_is_made_up_for():
    calls: Counter[str] = Counter()

    def write(prompt: str, sample: str) -> str:
        from tests.methods.trial import rule

        first = "Now write a sentence similar" in prompt and calls.total() < 20
        calls[prompt] += first
        return "No." if first else rule(prompt, sample)

    trial = Trial("task=rte", "method.size=20", right=(6, 6, 6), write=write)
    assert len(trial.rounds[1].train) < 16
    assert len(trial.rounds[2].train) == 20


def seed_file(path: Path, rows: list[Example]) -> Path:
    """A data file with the rows of a run."""
    content = [{**one.fields, "label": one.target} for one in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in content))
    return path


def test_existing_seeds_are_topped_up(tmp_path: Path):
    """A file that holds fewer rows than `size` gives its rows; the LLM writes the others."""
    rows = [
        Example({"premise": f"Town {i} lies low.", "hypothesis": f"It is {i}."}, "entailment")
        for i in range(5)
    ]
    file = seed_file(tmp_path / "seed.jsonl", rows)
    trial = Trial("method.size=12", "method.rounds=0", f"method.seed_from={file}")
    (only,) = trial.rounds
    assert [one.fields["hypothesis"] for one in only.train[:5]] == [f"It is {i}." for i in range(5)]
    assert len({one.id for one in only.train}) == len(only.train) == 12
    assert len(trial.asked) >= 7


@pytest.mark.parametrize("task", ["rte", "imdb"])
def test_a_top_up_writes_none_of_the_rows_that_are_there(tmp_path: Path, task: str):
    """The rows come from the same LLM and seed, whose completions are in the store."""
    first = Trial(f"task={task}", "seed_size=20", "method.rounds=0")
    file = seed_file(tmp_path / "seed.jsonl", first.rounds[0].train)
    options = ("method.size=30", "method.rounds=0", f"method.seed_from={file}")
    (only,) = Trial(f"task={task}", *options).rounds
    assert len({one.key() for one in only.train}) == len(only.train) == 30
    assert only.added.wanted - len(only.added.examples) == 0
    assert only.train[:20] == first.rounds[0].train


def test_existing_rows_over_the_size_are_unused(tmp_path: Path):
    first = Trial("task=imdb", "method.rounds=1", right=(0, 0))
    run = tmp_path / "run"
    for round_ in first.rounds:
        write_jsonl(
            run / f"rounds/{round_.index:02}/added.jsonl", map(to_row, round_.added.examples)
        )
    paths = (f"method.seed_from={run}", f"method.add_from={run}")
    options = ("task=imdb", "method.size=14", "method.extrapolated=nothing", "seed_size=8")
    (only,) = Trial(*options, *paths).rounds
    kinds = Counter(one.origin.kind for one in only.train)
    assert kinds == {"seed": 8, "extrapolation": 6}
    assert len(only.unused) == 22 - 14
    counted = labels([one for one in only.train if one.origin.kind == "seed"])
    assert counted["positive"] == counted["negative"]


def test_goldgen_takes_all_gold_before_any_twice():
    trial = Trial("method=goldgen", "method.size=42", "method.rounds=3")
    added = [one for round_ in trial.rounds[1:] for one in round_.added.examples]
    sources = Counter(one.origin.source for one in added)
    assert set(sources) == {one.origin.source for one in trial.bench.validation}
    assert set(sources.values()) == {3}
    half = Trial("method=goldgen", "method.size=22", "method.rounds=2")
    assert max(Counter(one.origin.source for one in half.rounds[-1].train[12:]).values()) <= 2


def test_goldgen_goes_through_gold_in_one_order_in_every_round():
    trial = Trial("method=goldgen", "method.rounds=3")
    orders = [[one.origin.source for one in round_.added.examples] for round_ in trial.rounds[1:]]
    assert orders[0] == orders[1] == orders[2]
    assert len(orders[0]) == len(trial.bench.validation)


def test_methods_share_what_they_have_in_common():
    """The seed is paid for once; a second method asks for its own part alone."""
    first = Trial("method=s3", "method.size=20", "method.rounds=1")
    second = Trial("method=goldgen", "method.size=20", "method.rounds=1")
    third = Trial("method=zerogen", "method.size=20")
    assert first.rounds[0].train == second.rounds[0].train == third.rounds[0].train[:12]
    assert not set(first.asked[:12]) & set(second.asked)
    assert len(third.asked) == 8
    assert Trial("method=s3", "method.size=20", "method.rounds=1").asked == []


@pytest.mark.parametrize("method", ["s3", "goldgen"])
def test_extrapolation_needs_room_beside_the_seed(method: str):
    with pytest.raises(UserError, match="size must exceed seed_size"):
        composed(f"method={method}", "seed_size=40", "method.size=40")
    made = composed(f"method={method}", "seed_size=40", "method.size=41").method
    assert isinstance(made, S3)
    composed("method=zerogen", "seed_size=40", "method.size=40")
