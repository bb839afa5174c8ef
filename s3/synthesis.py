"""Synthesis: prompts go to the LLM, clean and new examples come back, drops are counted."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from s3.data import Example, Target
from s3.llm import Connection
from s3.llm.types import Completion, Failure, Prompt
from s3.tasks import Ask, Dropped, Task
from s3.tasks.base import Fields

ATTEMPTS = 5  # replies asked for one example at most, before it is given up
# A seed's place has another context each time: the last tenth of the places is asked for more
# often, which costs at most as much again as asking once for all.
SEED_ATTEMPTS, TENTH = 15, 0.1

Slot = Callable[[int], Ask]  # attempt -> what to ask for this place of the data set


@dataclass
class Batch:
    """What one synthesis made: examples, and how many replies were dropped by which reason."""

    wanted: int
    examples: list[Example] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    attempts: int = 0  # replies asked for an example that was given up
    completions: int = 0
    tokens: int = 0  # prompt and completion tokens of all completions, dropped ones too

    def count(self, reply: Completion) -> None:
        """Count a completion and its tokens."""
        self.completions += 1
        self.tokens += reply.prompt_tokens + reply.completion_tokens

    def charge(self, other: Batch) -> None:
        """Count what another batch asked for too: rationales, conditions."""
        self.completions += other.completions
        self.tokens += other.tokens

    @property
    def shortfall(self) -> str:
        """What is missing and why, in a line; empty where nothing is."""
        missing = self.wanted - len(self.examples)
        if not missing:
            return ""
        why = ", ".join(f"{reason} {count}" for reason, count in self.dropped.most_common())
        given_up = f"{missing} of {self.wanted} examples given up"
        return f"{given_up} after {self.attempts} replies each: {why}"


def seed_data(
    task: Task,
    llm: Connection,
    contexts: list[Example],
    size: int,
    seed: int,
    rationales: dict[str, list[str]] | None = None,
    per_prompt: int = 0,
) -> Batch:
    """Write `size` seed examples (Alg. 1 with rationales; Alg. 3's seed without).

    Label and context are drawn uniformly for each example, `per_prompt` rationales of the label
    without repetition for each prompt. A place's draw depends on the seed, the place and the
    attempt alone, so a longer data set begins with the shorter one's draws.
    """

    def ask(rng: random.Random, fields: Fields, target: Target) -> Ask:
        drawn: tuple[str, ...] = ()
        if rationales is not None:
            pool = rationales[str(target)]
            drawn = tuple(rng.sample(pool, min(per_prompt, len(pool))))
        return task.query_ask(llm.style, fields, target, drawn)

    slots = [drawn_slot(task, contexts, f"{seed}/{place}", ask) for place in range(size)]
    return write(task, llm, slots, (), "seed data", SEED_ATTEMPTS)


def drawn_slot(
    task: Task,
    contexts: list[Example],
    place: str,
    ask: Callable[[random.Random, Fields, Target], Ask],
) -> Slot:
    """Return a place whose given fields and target are drawn; a drop changes all but a label.

    The draws depend on the name of the place and the attempt alone.
    """
    first = task.draw(random.Random(place), contexts)

    def slot(attempt: int) -> Ask:
        rng = random.Random(f"{place}/{attempt}")
        fields, target = task.draw(rng, contexts, first[1]) if attempt else first
        return ask(rng, fields, target)

    return slot


def extrapolate(
    task: Task,
    llm: Connection,
    wrong: Sequence[Example],
    per_mistake: int,
    round_: int,
    known: Iterable[Example],
) -> Batch:
    """Write `per_mistake` new examples like each wrong one (Alg. 2, 3): context and label kept."""

    def slot(example: Example) -> Slot:
        ask = task.mistake_ask(llm.style, example, round_)
        return lambda attempt: ask

    slots = [slot(example) for example in wrong for _ in range(per_mistake)]
    return write(task, llm, slots, known, f"round {round_} extrapolation")


def write(
    task: Task,
    llm: Connection,
    slots: list[Slot],
    known: Iterable[Example],
    what: str,
    attempts: int = ATTEMPTS,
) -> Batch:
    """Fill each slot with a clean example that is new; ask again for what is dropped.

    More than ATTEMPTS `attempts` are for the last tenth of the slots only.
    """
    batch = Batch(wanted=len(slots))
    seen = {_key(example) for example in known}
    filled: dict[int, Example] = {}
    for attempt in range(attempts):
        places = [place for place in range(len(slots)) if place not in filled]
        if not places or (attempt >= ATTEMPTS and len(places) > TENTH * len(slots)):
            break
        batch.attempts = attempt + 1
        asks = [slots[place](attempt) for place in places]
        name = what if attempt == 0 else f"{what}, attempt {attempt + 1}"
        for place, example in _replies(task, llm, places, asks, batch, name):
            key = _key(example)
            if key in seen:
                batch.dropped["duplicate"] += 1
            else:
                seen.add(key)
                filled[place] = example
    batch.examples = [filled[place] for place in sorted(filled)]
    if batch.shortfall:
        print(f"{what}: {batch.shortfall}", file=sys.stderr, flush=True)
    return batch


def _replies(
    task: Task, llm: Connection, places: list[int], asks: list[Ask], batch: Batch, what: str
) -> Iterator[tuple[int, Example]]:
    prompts: list[Prompt] = [ask.prompt for ask in asks]
    for place, ask, reply in zip(places, asks, llm.complete(prompts, what), strict=True):
        if isinstance(reply, Failure):
            batch.dropped[reply.reason] += 1
            continue
        batch.count(reply)
        try:
            yield place, task.read(reply, ask)
        except Dropped as dropped:
            batch.dropped[dropped.reason] += 1


def _key(example: Example) -> tuple[str, ...]:
    """Two examples with the same given and written text are duplicates, whatever their case."""
    return tuple(" ".join(text.lower().split()) for text in example.fields.values())
