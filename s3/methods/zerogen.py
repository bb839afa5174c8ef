"""ZeroGen (Ye et al. 2022): its own prompts and conditions; by itself nothing is extrapolated."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from s3.data.example import Origin, Target
from s3.errors import UserError
from s3.llm import Session
from s3.llm.types import Completion, Prompt, Style
from s3.methods.base import Bench
from s3.methods.s3 import S3, Extrapolated
from s3.synthesis import SEED_ATTEMPTS, Slot, SynthesisedSet, drawn_slot, write
from s3.tasks import Draft, Task
from s3.tasks.base import Fields, stops, whole
from s3.tasks.cleaning import is_declined, strip_frame

CONDITION_TOKENS = 16  # a name, not a text


@dataclass(kw_only=True)
class ZeroGen(S3):
    """Seed data as ZeroGen writes it; the rest is S3's, so its errors can be extrapolated too."""

    rationales: bool = False
    extrapolated: Extrapolated = Extrapolated.nothing

    def check(self, task: Task) -> None:
        """Raise ValueError where the task has no query that does without rationales."""
        check_query(task)

    def _write_seed(self, bench: Bench, size: int) -> SynthesisedSet:
        """ZeroGen's seed: no rationale, a made-up condition where the task has one."""
        asked = SynthesisedSet(0)
        slot = zero_shot(bench, size, asked)
        slots = [slot(place) for place in range(size)]
        batch = write(bench.task, bench.llm, slots, (), "seed data", SEED_ATTEMPTS)
        batch.charge(asked)
        return batch


def check_query(task: Task) -> None:
    """Raise ValueError where the task has no query that does without rationales."""
    if not task.given and not task.zerogen:
        raise ValueError(
            "task.zerogen is empty: without rationales a task with nothing given needs a query "
            "of its own, for instance 'The movie review in $label sentiment is: \"'"
        )


def zero_shot(bench: Bench, size: int, asked: SynthesisedSet) -> Callable[[int], Slot]:
    """Return what asks for a place with ZeroGen's query; `size` places have their own condition.

    Draws are those of S3's seeds without rationales, so equal prompts are paid for once; but no
    gold answer is used: as in ZeroGen, answers are spans found in the contexts. `asked` counts
    the completions that went into conditions.
    """
    task, style = bench.task, bench.llm.style
    contexts = [replace(one, target="") for one in task.context_examples(bench.train)]
    made_up = conditions(task, bench.llm, size, asked) or [""] * size

    def slot(place: int) -> Slot:
        def ask(rng: random.Random, fields: Fields, target: Target) -> Draft:
            return query(task, style, fields, target, made_up[place % size])

        return drawn_slot(task, contexts, f"{bench.seed}/{place}", ask)

    return slot


def query(task: Task, style: Style, fields: Fields, target: Target, condition: str) -> Draft:
    """Return ZeroGen's request for an example; its origin's source is the condition."""
    wording = task.zerogen or task.query
    text = wording.fill(style, {**fields, **task.words(target), "condition": condition})
    origin = Origin("seed", source=condition, prompt=text)
    return Draft(task.prompt(style, text), fields, target, origin, tuple(fields.values()))


def conditions(task: Task, llm: Session, number: int, asked: SynthesisedSet) -> list[str]:
    """Return `number` conditions, such as films' names, in turn if there are fewer; or none.

    Raises UserError where the LLM gives none at all.
    """
    if not task.condition:
        return []
    text = task.condition.fill(llm.style, {})
    chat = llm.style is Style.chat
    prompt = Prompt(
        text, task.system if chat else "", () if chat else stops(text), CONDITION_TOKENS
    )
    found: dict[str, None] = {}
    for reply in llm.complete([prompt] * number, "conditions"):
        if isinstance(reply, Completion):
            asked.count(reply)
            found |= dict.fromkeys(_names(reply, prompt))
    if not found:
        raise UserError(f"The LLM gave no condition in {number} replies to: {text}")
    return list(itertools.islice(itertools.cycle(found), number))


def _names(reply: Completion, prompt: Prompt) -> list[str]:
    """Return the one name that a reply gives, or nothing."""
    text, finished = whole(reply, prompt)
    name = strip_frame(text).rstrip(" .,;:")
    return [name] if name and finished and not is_declined(text) else []
