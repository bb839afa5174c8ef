"""Synthesis: prompts go to the LLM, clean and new examples come back, drops are counted."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from s3.data.example import Example, Target
from s3.llm import Session
from s3.llm.types import Completion, Failure, Prompt
from s3.tasks import Draft, Dropped, Task
from s3.tasks.base import Fields

ATTEMPTS = 5  # replies asked for one example at most, before it is given up
# A seed's place has another context each time: the last tenth of the places is asked for more
# often, which costs at most as much again as asking once for all.
SEED_ATTEMPTS, TENTH = 15, 0.1

Slot = Callable[[int], Draft]  # attempt -> what to ask for this place of the data set


@dataclass
class SynthesisedSet:
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

    def charge(self, other: SynthesisedSet) -> None:
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


def drawn_slot(
    task: Task,
    contexts: list[Example],
    place: str,
    ask: Callable[[random.Random, Fields, Target], Draft],
) -> Slot:
    """Return a place whose given fields and target are drawn; a drop changes all but a label.

    The draws depend on the name of the place and the attempt alone.
    """
    first = task.draw(random.Random(place), contexts)

    def slot(attempt: int) -> Draft:
        rng = random.Random(f"{place}/{attempt}")
        fields, target = task.draw(rng, contexts, first[1]) if attempt else first
        return ask(rng, fields, target)

    return slot


def write(
    task: Task,
    llm: Session,
    slots: list[Slot],
    known: Iterable[Example],
    what: str,
    attempts: int = ATTEMPTS,
) -> SynthesisedSet:
    """Fill each slot with a clean example that is new; ask again for what is dropped.

    More than ATTEMPTS `attempts` are for the last tenth of the slots only.
    """
    batch = SynthesisedSet(wanted=len(slots))
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
    task: Task, llm: Session, places: list[int], asks: list[Draft], batch: SynthesisedSet, what: str
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
