"""ZeroGen (Ye et al. 2022): its own prompts and conditions; by itself nothing is extrapolated."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from s3.data.example import Example, Origin, Target
from s3.errors import UserError
from s3.llm import Session
from s3.llm.types import Completion, Failure, Prompt, Style
from s3.methods.base import Bench
from s3.methods.loop import Extrapolated, ExtrapolationLoop
from s3.synthesis import SEED_ATTEMPTS, Place, SynthesisedSet, drawn_place, write
from s3.tasks import Draft, Dropped, Task
from s3.tasks.base import Fields
from s3.tasks.cleaning import asks_back, is_declined, strip_frame
from s3.tasks.reply import stops, whole

CONDITION_TOKENS = 16  # a name, not a text


@dataclass(kw_only=True)
class ZeroGen(ExtrapolationLoop):
    """Seed data as ZeroGen writes it; by itself nothing is extrapolated.

    Its own prompts, a made-up condition (a film) for each text where the task has a prompt for it,
    answers found in the contexts, its rules for where a reply ends. One part of the paper is
    missing: its self-debiasing of NLI, which lowers the probability of words that the opposite
    label's prompt would give too, needs the LLM's own token probabilities and is not built.
    With `extrapolated` its errors are extrapolated too, as in S3's study of transfer (Table 5).
    """

    extrapolated: Extrapolated = Extrapolated.nothing

    def seed_templates(self, task: Task) -> set[str]:
        """Return ZeroGen's query, and what asks for its condition."""
        return zero_shot_templates(task)

    def write_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """ZeroGen's seed: no rationale, a made-up condition where the task has one."""
        asked = SynthesisedSet(0)
        place = zero_shot(bench, size, asked, first=len(known))
        seed = write(bench.task, bench.llm, size, place, known, "seed data", SEED_ATTEMPTS)
        seed.charge(asked)
        return seed


def zero_shot_templates(task: Task) -> set[str]:
    """Return the names of the templates that ZeroGen's prompts are filled from.

    A task with given texts may do without a query of ZeroGen's own: `query` serves.
    """
    own = {"zerogen"} if task.zerogen or not task.given else {"query"}
    return own | ({"condition"} if task.condition else set())


def zero_shot(
    bench: Bench, size: int, asked: SynthesisedSet, first: int = 0
) -> Callable[[int], Place]:
    """Return a function from a number to a place that asks with ZeroGen's query.

    Place 0 is the `first` + 1st of the data set. Conditions are made up for `size` places, and
    counted in `asked`; later places use them again. A place draws the same label and context as
    S3's seed without rationales does, so that equal prompts are paid for once. No gold answer is
    used: as in ZeroGen, answers are spans found in the contexts.
    """
    task, style = bench.task, bench.llm.style
    contexts = unanswered(bench)
    made_up = conditions(task, bench.llm, size, asked) or [""] * size

    def place(number: int) -> Place:
        def draft(rng: random.Random, fields: Fields, target: Target) -> Draft:
            return query(task, style, fields, target, made_up[number % size])

        return drawn_place(task, contexts, f"{bench.seed}/{first + number}", draft)

    return place


def unanswered(bench: Bench) -> list[Example]:
    """Return what contexts are drawn from, without gold's targets."""
    return [replace(one, target="") for one in bench.task.context_examples(bench.train)]


def query(task: Task, style: Style, fields: Fields, target: Target, condition: str) -> Draft:
    """Return ZeroGen's request for an example; its origin's source is the condition."""
    template = task.zerogen or task.query
    text = template.fill(style, {**fields, **task.words(target), "condition": condition})
    origin = Origin("seed", source=condition, prompt=text)
    return Draft(task.prompt(style, text), fields, target, origin, tuple(fields.values()))


def answered(asked: str, text: str) -> str:
    """Return a text after what asks for it, as a later prompt shows both."""
    return f'{asked}{text}"' if asked.endswith('"') else f"{asked}\n{text}"


def conditions(task: Task, llm: Session, number: int, asked: SynthesisedSet) -> list[str]:
    """Return `number` conditions, such as films' names, in turn if there are fewer; or none.

    Raises UserError where the LLM gives none at all.
    """
    if not task.condition:
        return []
    text = task.condition.fill(llm.style, {})
    chat = llm.style is Style.chat
    prompt = Prompt(
        text, task.system if chat else "", () if chat else stops(text), CONDITION_TOKENS, "name"
    )
    found: dict[str, None] = {}
    last = ""
    for reply in llm.complete([prompt] * number, "conditions"):
        if isinstance(reply, Failure):
            asked.dropped[reply.reason] += 1
            continue
        asked.count(reply)
        try:
            found[_name(reply, prompt)] = None
        except Dropped as dropped:
            llm.drop(dropped.reason)
            asked.dropped[dropped.reason] += 1
            last = " ".join(reply.text.split())[:80]
    if not found:
        raise UserError(
            f"The LLM gave no condition in {number} replies ({asked.reasons}; the last said: "
            f"{last!r}) to: {text}"
        )
    return list(itertools.islice(itertools.cycle(found), number))


def _name(reply: Completion, prompt: Prompt) -> str:
    """Return the one name that a reply gives. Raises Dropped."""
    text, finished = whole(reply, prompt)
    name = strip_frame(text).rstrip(" .,;:")
    wrong = {
        "cut_off": not finished,
        "declined": is_declined(text),
        "asked_back": asks_back(text),
        "empty": not name,
    }
    for reason in (reason for reason, holds in wrong.items() if holds):
        raise Dropped(reason)
    return name
