"""Errors of a run's rounds, each with what the LLM made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from s3.data.example import Example, Mistake
from s3.runs.listeners.table import extrapolations
from s3.runs.reading import Run


@dataclass(frozen=True)
class Grown:
    """An error of the round before `round`, and the examples that it was extrapolated to."""

    round: int
    mistake: Mistake
    made: list[Example]


def grown(run: Run) -> list[Grown]:
    """Return a run's errors that were extrapolated, in order."""
    found: dict[tuple[int, str], Grown] = {}
    for round_ in run.rounds:
        for mistake, made in extrapolations(round_):
            place = (round_.index, mistake.example.origin.source)
            found.setdefault(place, Grown(round_.index, mistake, [])).made.append(made)
    return list(found.values())


def texts(example: Example, written: str) -> Mapping[str, str]:
    """Return an example's fields, the one that was written last."""
    return dict(sorted(example.fields.items(), key=lambda field: field[0] == written))
