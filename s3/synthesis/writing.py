"""Writing examples: prompts go to the LLM, clean and new examples come back, drops are counted."""

from __future__ import annotations

import random
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from s3.data.example import Example, Target
from s3.data.known import Known
from s3.data.many import Spilled, chosen
from s3.llm import Session
from s3.llm.types import UNFIT, Completion, Failure, Prompt
from s3.tasks import Draft, Dropped, Task
from s3.tasks.base import Fields

ATTEMPTS = 5  # replies asked for one example at most, before it is given up
# A seed's slot gets another context with each attempt, so that more attempts help. They are made
# once only a tenth of the slots is unfilled: in all they cost at most as much as the first attempt.
SEED_ATTEMPTS, TENTH = 15, 0.1

# A slot of the data set that is to be filled: given the number of the attempt, from 0, it returns
# the request to send for it.
Place = Callable[[int], Draft]


@dataclass
class SynthesisedSet:
    """What one synthesis made: examples, and how many replies were dropped by which reason."""

    wanted: int
    examples: Sequence[Example] = ()
    dropped: Counter[str] = field(default_factory=Counter)
    unfilled: frozenset[int] = frozenset()  # of `write`: the numbers of places without an example
    attempts: int = 0  # the most replies that were asked for one example
    completions: int = 0
    tokens: int = 0  # prompt and completion tokens of all completions, dropped ones too

    def count(self, reply: Completion) -> None:
        """Count a completion and its tokens."""
        self.completions += 1
        self.tokens += reply.prompt_tokens + reply.completion_tokens

    def filled(self) -> Iterator[tuple[int, Example]]:
        """Yield what `write` wrote, each with its place's number."""
        numbers = (one for one in range(self.wanted) if one not in self.unfilled)
        return zip(numbers, self.examples, strict=True)

    def charge(self, other: SynthesisedSet) -> None:
        """Count what another set asked for too: rationales, conditions."""
        self.dropped += other.dropped
        self.completions += other.completions
        self.tokens += other.tokens

    @property
    def reasons(self) -> str:
        """Why replies were dropped, the most frequent reason first."""
        return ", ".join(f"{reason} {count}" for reason, count in self.dropped.most_common())

    @property
    def shortfall(self) -> str:
        """What is missing and why, in a line; empty where nothing is."""
        missing = self.wanted - len(self.examples)
        if missing <= 0:
            return ""
        given_up = f"{missing} of {self.wanted} examples given up"
        return f"{given_up} after up to {self.attempts} replies each: {self.reasons}"


def drawn_place(
    task: Task,
    contexts: list[Example],
    name: str,
    draft: Callable[[random.Random, Fields, Target], Draft],
    label: Target | None = None,
) -> Place:
    """Return a place whose given fields and target are drawn, and what `draft` makes of them.

    `label` is one that is chosen already. Each attempt draws again; only a label stays. Draws
    depend on the place's name and the attempt.
    """
    first = task.draw(random.Random(name), contexts, label)

    def place(attempt: int) -> Draft:
        rng = random.Random(f"{name}/{attempt}")
        fields, target = task.draw(rng, contexts, first[1]) if attempt else first
        return draft(rng, fields, target)

    return place


def write(
    task: Task,
    llm: Session,
    size: int,
    place: Callable[[int], Place],
    known: Iterable[Example],
    what: str,
    attempts: int = ATTEMPTS,
) -> SynthesisedSet:
    """Fill `size` places with a clean and new example each, asking again where a reply is dropped.

    `place` makes the one of a number, from 0, when it is asked for: of a million, none is held.
    New is what has the `Example.key` of none in `known` and of none written before. `attempts` is
    the most for one place; those beyond ATTEMPTS are made only while at most a tenth of the places
    is unfilled. A prompt that the LLM cannot take is not sent again: its place waits for an attempt
    that has another prompt.
    """
    written = SynthesisedSet(wanted=size)
    seen = Known(example.key() for example in known)
    made, places = Spilled(), np.full(size, -1)  # by the number of a place, which of those made
    open_: Sequence[int] = range(size)
    unfit: set[Prompt] = set()
    for attempt in range(attempts):
        if not open_ or (attempt >= ATTEMPTS and len(open_) > TENTH * size):
            break
        asked = open_
        if unfit:
            asked = [number for number in open_ if place(number)(attempt).prompt not in unfit]
        if not asked:
            continue
        written.attempts = attempt + 1
        step = what if attempt == 0 else f"{what}, attempt {attempt + 1}"
        prompts = _Asked(place, asked, attempt)
        for number, example in _replies(task, llm, prompts, written, unfit, step):
            if seen.add(example.key()):
                places[number] = len(made)
                made.append(example)
            else:
                written.dropped["duplicate"] += 1
        open_ = np.flatnonzero(places < 0).tolist()
    written.unfilled = frozenset(open_)
    written.examples = chosen(made, places[places >= 0])
    if written.shortfall:
        print(f"{what}: {written.shortfall}", file=sys.stderr, flush=True)
    return written


class _Asked:
    """The prompts of an attempt, made as they are taken: only the drafts in flight are kept."""

    def __init__(self, place: Callable[[int], Place], numbers: Sequence[int], attempt: int) -> None:
        self._place, self._numbers, self._attempt = place, numbers, attempt
        self.in_flight: deque[tuple[int, Draft]] = deque()  # replies come in this order

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[Prompt]:
        for number in self._numbers:
            draft = self._place(number)(self._attempt)
            self.in_flight.append((number, draft))
            yield draft.prompt


def _replies(
    task: Task,
    llm: Session,
    asked: _Asked,
    written: SynthesisedSet,
    unfit: set[Prompt],
    what: str,
) -> Iterator[tuple[int, Example]]:
    """Yield the examples that replies make; count the others in `written` and `unfit`."""
    for reply in llm.complete(asked, what):
        number, draft = asked.in_flight.popleft()
        if isinstance(reply, Failure):
            written.dropped[reply.reason] += 1
            if reply.reason in UNFIT:
                unfit.add(draft.prompt)
            continue
        written.count(reply)
        try:
            yield number, task.read(reply, draft)
        except Dropped as dropped:
            written.dropped[dropped.reason] += 1
            llm.drop(dropped.reason)
