"""What every method is: a generator of rounds that reads like the paper's algorithm."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from s3.data.example import Example, Mistake
from s3.llm import Session
from s3.synthesis import SynthesisedSet
from s3.tasks import Task

if TYPE_CHECKING:
    from s3.student import Predictor


class Fit(Protocol):
    """Train the small model anew on `train`, keeping the epoch best on `validation`."""

    def __call__(
        self, train: list[Example], validation: list[Example], *, what: str, start: Predictor | None
    ) -> Predictor:
        """Return the trained model."""
        ...


@dataclass(frozen=True)
class Bench:
    """What a method works with. The test split is not here: no choice can see it."""

    task: Task
    llm: Session
    fit: Fit
    validation: list[Example]
    train: list[Example]
    seed: int


@dataclass(frozen=True)
class Round:
    """One training: its data, what was added for it, and what the model still gets wrong."""

    index: int
    train: list[Example]
    added: SynthesisedSet  # the synthesis that came before this training
    mistakes: list[Mistake]
    predictor: Predictor
    validation: list[Example]  # what chose the epoch


@dataclass(kw_only=True)
class Method:
    """A way from gold data and an LLM to a trained small model."""

    def check(self, task: Task) -> None:
        """Raise ValueError where the method cannot do this task."""

    def files(self) -> list[str]:
        """Return the files and folders whose content decides the result."""
        return []

    def run(self, bench: Bench) -> Iterator[Round]:
        """Yield the rounds, each after its training."""
        raise NotImplementedError


def mistakes_of(task: Task, validation: list[Example], predictor: Predictor) -> list[Mistake]:
    """Return the gold validation examples that the model gets wrong (Alg. 2's D_mis)."""
    head = task.head()
    pairs = zip(validation, predictor.validation.answers, strict=True)
    return [Mistake(one, said) for one, said in pairs if not head.correct(one, said)]


def cut(examples: Sequence[Example], size: int, seed: int) -> list[Example]:
    """Return `size` examples, balanced over labels as far as they reach, in their own order."""
    order = list(range(len(examples)))
    random.Random(seed).shuffle(order)
    turn: dict[str, int] = {}

    def rank(index: int) -> int:  # the n-th example of its label comes in the n-th turn
        label = str(examples[index].target) if isinstance(examples[index].target, str) else ""
        turn[label] = turn.get(label, 0) + 1
        return turn[label]

    ranked = sorted(((rank(index), place) for place, index in enumerate(order)))
    return [examples[index] for index in sorted(order[place] for _, place in ranked[:size])]
