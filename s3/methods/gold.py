"""Gold Data: the small model trained on real labelled data, no LLM."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from s3.data.example import Example
from s3.methods.base import Bench, Method, Round, mistakes_of
from s3.synthesis import SynthesisedSet


@dataclass(kw_only=True)
class GoldOnly(Method):
    """Trains on gold train; where that is the validation set, a share of it chooses the epoch.

    With `real` it trains on so many rows alone: the same that other methods then add to theirs.
    """

    held_out: float = 0.2  # share of gold train kept aside for choosing the epoch

    def __post_init__(self) -> None:
        """Check the range."""
        super().__post_init__()
        if self.real == 0:
            raise ValueError("real must be at least 1: this method has gold data alone")
        if self.with_gold:
            raise ValueError("with_gold is for synthetic data; this method has gold data alone")
        if not 0 < self.held_out < 1:
            raise ValueError(f"held_out must lie between 0 and 1, not {self.held_out}")

    def identity(self) -> dict[str, Any]:
        """Return what decides the result."""
        idle = {"held_out"} if self.real else set()
        return {name: one for name, one in super().identity().items() if name not in idle}

    @property
    def uses_gold(self) -> str:
        """What the method does with labelled rows."""
        return "trains on gold rows alone"

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        """Yield the one training."""
        train, chooser = self._split(bench)
        predictor = bench.fit(train, chooser, what="training on gold data", start=None)
        mistakes = mistakes_of(bench.task, chooser, predictor)
        yield Round(0, train, SynthesisedSet(0), mistakes, predictor, chooser)

    def _split(self, bench: Bench) -> tuple[Sequence[Example], Sequence[Example]]:
        """Gold train and validation if they differ; else a seeded split of the one set."""
        if self.real:  # which `fit` adds
            return [], bench.validation
        if bench.task.gold.splits.train:
            return bench.train, bench.validation
        return held_out(bench.train, self.held_out, bench.seed)


def folds(gold: Sequence[Example], number: int, seed: int) -> list[list[Example]]:
    """Split one set by a seeded draw into parts of nearly equal size, for cross-fitting."""
    order = random.Random(seed).sample(gold, len(gold))
    return [order[first::number] for first in range(number)]


def held_out(
    gold: Sequence[Example], share: float, seed: int
) -> tuple[list[Example], list[Example]]:
    """Split one set by a seeded draw: what is trained on, and the share that chooses the epoch."""
    order = list(gold)
    random.Random(seed).shuffle(order)
    aside = max(1, round(len(order) * share))
    return order[aside:], order[:aside]
