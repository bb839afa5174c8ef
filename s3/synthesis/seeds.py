"""Seed data: the first synthetic examples, before any error is known (Alg. 1 and 3)."""

from __future__ import annotations

import random
from collections.abc import Sequence

from s3.data import Example, Target
from s3.llm import Session
from s3.synthesis.writing import SEED_ATTEMPTS, Place, SynthesisedSet, drawn_place, write
from s3.tasks import Draft, Task
from s3.tasks.base import Fields


def seed_data(
    task: Task,
    llm: Session,
    contexts: list[Example],
    size: int,
    seed: int,
    rationales: dict[str, list[str]] | None = None,
    per_prompt: int = 0,
    known: Sequence[Example] = (),
) -> SynthesisedSet:
    """Write `size` seed examples (Alg. 1 with rationales; Alg. 3's seed without).

    Label and context are drawn uniformly for each example, `per_prompt` rationales of the label
    without repetition for each prompt. A place's draw depends on the seed, the place and the
    attempt alone, so a longer data set begins with the shorter one's draws. Examples that exist
    already are `known`: they hold the first places, and no new one equals them.
    """

    def draft(rng: random.Random, fields: Fields, target: Target) -> Draft:
        drawn: tuple[str, ...] = ()
        if rationales is not None:
            listed = rationales[str(target)]
            drawn = tuple(rng.sample(listed, min(per_prompt, len(listed))))
        return task.seed_draft(llm.style, fields, target, drawn)

    def place(number: int) -> Place:
        return drawn_place(task, contexts, f"{seed}/{len(known) + number}", draft)

    return write(task, llm, size, place, known, "seed data", SEED_ATTEMPTS)
