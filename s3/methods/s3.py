"""S3 (Alg. 1-3), and its kin: they differ in the seed data and in what is extrapolated."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from s3.data.example import Example, Mistake
from s3.methods.base import Bench, Method, Round, cut, mistakes_of
from s3.methods.existing import existing
from s3.synthesis import SynthesisedSet, extrapolate, seed_data
from s3.synthesis.rationales import rationales_of
from s3.tasks import Classification, Task


class Extrapolated(Enum):
    """Which gold validation examples the LLM writes similar ones to."""

    errors = "errors"  # S3
    gold = "gold"  # GoldGen: all of them
    nothing = "nothing"  # ZeroGen


@dataclass(kw_only=True)
class S3(Method):
    """Synthesis Step by Step: seed data, then rounds of error extrapolation."""

    seed_size: int = 200
    rationales: bool = True  # single-sentence tasks: Alg. 1; tasks with contexts have none
    rationales_per_label: int = 20  # the paper's K
    rationales_per_prompt: int = 3  # the paper's k
    extrapolated: Extrapolated = Extrapolated.errors
    rounds: int = 2
    per_mistake: int = 1
    patience: int | None = None
    size: int | None = None
    warm_start: bool = False
    seed_from: str | None = None  # a file or a run's folder whose data are the seed
    add_from: str | None = None  # likewise, whose extrapolated data are added from the start

    def __post_init__(self) -> None:
        """Check the ranges."""
        least = {"seed_size": 1, "rounds": 0, "per_mistake": 1, "patience": 1, "size": 2}
        least |= {"rationales_per_label": 1, "rationales_per_prompt": 1}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{name} must be at least {low}, not {value}")
        if self.rationales_per_prompt > self.rationales_per_label:
            raise ValueError("rationales_per_prompt cannot exceed rationales_per_label")
        if self.extrapolated is Extrapolated.gold and self.size and self.size <= self.seed_size:
            raise ValueError("size must exceed seed_size where all gold is extrapolated")

    def check(self, task: Task) -> None:
        """Raise ValueError where rationales are left out and the task has no query without."""
        if not (self.rationales or self.seed_from or task.given or task.bare):
            raise ValueError("method.rationales=false needs task.bare, a query without $rationales")

    def run(self, bench: Bench) -> Iterator[Round]:
        """Yield `rounds` + 1 trainings; nothing is asked of the LLM after the last one."""
        seed = batch = self._seed(bench)
        added = self._existing(bench.task, self.add_from, "extrapolation")
        predictor = None
        scores: list[float] = []
        for index in range(self._last + 1):
            train = self._merge(seed.examples, added, bench.seed)
            start = predictor if self.warm_start else None
            predictor = bench.fit(
                train, bench.validation, what=f"round {index} training", start=start
            )
            mistakes = mistakes_of(bench.task, bench.validation, predictor)
            yield Round(index, train, batch, mistakes, predictor, bench.validation)
            scores.append(1 - len(mistakes) / len(bench.validation))
            if index == self._last or self._converged(scores):
                return
            wrong = self._wrong(bench, mistakes, index + 1, len(added))
            if not wrong:
                return
            known = [*seed.examples, *added]
            batch = extrapolate(bench.task, bench.llm, wrong, self.per_mistake, index + 1, known)
            added += batch.examples

    @property
    def _last(self) -> int:
        return 0 if self.extrapolated is Extrapolated.nothing else self.rounds

    def files(self) -> list[str]:
        """Return the seed and the additions that exist already (Table 5's transfer)."""
        return [path for path in (self.seed_from, self.add_from) if path]

    def _existing(self, task: Task, path: str | None, kind: str) -> list[Example]:
        return existing(task, Path(path), kind) if path else []

    def _seed(self, bench: Bench) -> SynthesisedSet:
        """The data that exist, topped up to `size`; without any, all is written."""
        found = self._existing(bench.task, self.seed_from, "seed")
        if not found:
            return self._write_seed(bench, self.size or self.seed_size)
        missing = (self.size or 0) - len(found)
        batch = self._write_seed(bench, missing) if missing > 0 else SynthesisedSet(len(found))
        batch.examples = found + batch.examples
        return batch

    def _write_seed(self, bench: Bench, size: int) -> SynthesisedSet:
        """Alg. 1 where nothing is given, the seed of Alg. 3 else."""
        contexts = bench.task.context_examples(bench.train)
        task, llm, asked, rationales = bench.task, bench.llm, SynthesisedSet(0), None
        if self.rationales and isinstance(task, Classification) and not task.given:
            rationales = rationales_of(task, llm, self.rationales_per_label, asked)
        k = self.rationales_per_prompt
        batch = seed_data(task, llm, contexts, size, bench.seed, rationales, k)
        batch.charge(asked)
        return batch

    def _merge(self, seed: list[Example], added: list[Example], run_seed: int) -> list[Example]:
        """Seed and additions; with `size`, exactly so many: seeds give way to additions."""
        if self.size is None:
            return seed + added
        kept = added[: self.size]
        return cut(seed, self.size - len(kept), run_seed) + kept

    def _wrong(
        self, bench: Bench, mistakes: list[Mistake], round_: int, added: int
    ) -> list[Example]:
        if self.extrapolated is Extrapolated.errors:
            return [mistake.example for mistake in mistakes]
        gold = list(bench.validation)
        random.Random(f"{bench.seed}/gold/{round_}").shuffle(gold)
        if self.size is None:
            return gold
        left = self.size - self.seed_size - added
        share = math.ceil(left / (self.rounds + 1 - round_) / self.per_mistake)
        return list(itertools.islice(itertools.cycle(gold), share))

    def _converged(self, scores: list[float]) -> bool:
        """True when the last `patience` rounds brought nothing above the best before them."""
        if self.patience is None or len(scores) <= self.patience:
            return False
        return max(scores[-self.patience :]) <= max(scores[: -self.patience])
