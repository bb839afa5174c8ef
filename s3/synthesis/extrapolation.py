"""Extrapolation: new examples like those that the small model gets wrong (Alg. 2 and 3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from s3.data import Example
from s3.llm import Session
from s3.synthesis.writing import Place, SynthesisedSet, write
from s3.tasks import Task


def extrapolate(
    task: Task,
    llm: Session,
    wrong: Sequence[Example],
    per_mistake: int,
    round_: int,
    known: Iterable[Example],
) -> SynthesisedSet:
    """Write `per_mistake` new examples like each wrong one (Alg. 2, 3): context and label kept."""

    def place(number: int) -> Place:
        return lambda attempt: task.mistake_draft(llm.style, wrong[number // per_mistake], round_)

    size = len(wrong) * per_mistake
    return write(task, llm, size, place, known, f"round {round_} extrapolation")
