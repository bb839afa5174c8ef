"""Equal sizes: every method ends with exactly the examples asked for, and shares what it can."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.methods import S3
from tests.author import composed
from tests.methods.trial import Trial


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
    added = [one for round_ in trial.rounds[1:] for one in round_.added.examples]
    for round_ in trial.rounds:
        assert len({one.id for one in round_.train}) == len(round_.train) == 31
    assert trial.rounds[-1].train[-len(added[:31]) or 31 :] == added[:31]
    if "goldgen" in method[0]:
        assert sum(one.origin.kind == "seed" for one in trial.rounds[-1].train) <= 12
        assert len(added) - 4 < 31 - 12 <= len(added)


def test_existing_seeds_are_topped_up(tmp_path: Path):
    """A file that holds fewer rows than `size` gives its rows; the LLM writes the others."""
    label = "entailment"
    rows = [{"premise": f"Town {i} lies low.", "hypothesis": f"It is {i}.", "label": label}
            for i in range(5)]  # fmt: skip
    file = tmp_path / "seed.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    trial = Trial("method.size=12", "method.rounds=0", f"method.seed_from={file}")
    (only,) = trial.rounds
    assert [one.fields["hypothesis"] for one in only.train[:5]] == [f"It is {i}." for i in range(5)]
    assert len({one.id for one in only.train}) == len(only.train) == 12
    assert len(trial.asked) >= 7


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
        one.origin.source for round_ in trial.rounds[1:] for one in round_.added.examples
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


def test_goldgen_needs_room_beside_the_seed():
    with pytest.raises(UserError, match="size must exceed seed_size"):
        composed("method=goldgen", "seed_size=40", "method.size=40")
    assert isinstance(composed("method=goldgen", "seed_size=40", "method.size=41").method, S3)
