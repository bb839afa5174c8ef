"""Seed data: the first synthetic examples, before any error is known (Alg. 1 and 3)."""

from __future__ import annotations

import random

from s3.data import Example, Target
from s3.llm import Session
from s3.synthesis.writing import SEED_ATTEMPTS, SynthesisedSet, drawn_slot, write
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
) -> SynthesisedSet:
    """Write `size` seed examples (Alg. 1 with rationales; Alg. 3's seed without).

    Label and context are drawn uniformly for each example, `per_prompt` rationales of the label
    without repetition for each prompt. A place's draw depends on the seed, the place and the
    attempt alone, so a longer data set begins with the shorter one's draws.
    """

    def ask(rng: random.Random, fields: Fields, target: Target) -> Draft:
        drawn: tuple[str, ...] = ()
        if rationales is not None:
            pool = rationales[str(target)]
            drawn = tuple(rng.sample(pool, min(per_prompt, len(pool))))
        return task.seed_draft(llm.style, fields, target, drawn)

    slots = [drawn_slot(task, contexts, f"{seed}/{place}", ask) for place in range(size)]
    return write(task, llm, slots, (), "seed data", SEED_ATTEMPTS)
