"""The loop of Alg. 2 and 3: train on the seed, extrapolate what is wrong, merge, train again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

from s3.data.example import Example
from s3.data.many import joined, without
from s3.data.reviewed import reviewed
from s3.data.rows import content_digest
from s3.llm import Style
from s3.methods.base import Bench, Method, Round, kept_aside, label_of, mistakes_of
from s3.methods.drawing import RULE, cut, error_share, merged, mixture, unlabelled
from s3.methods.existing import existing
from s3.student import Predictor
from s3.synthesis import SynthesisedSet, extrapolate, labelled
from s3.tasks import Task


class Extrapolated(Enum):
    """Which gold validation examples the LLM writes similar ones to."""

    errors = "errors"  # S3
    gold = "gold"  # GoldGen: all of them
    nothing = "nothing"  # ZeroGen, and S3's ablation


class Seed(Enum):
    """Where seed examples come from."""

    written = "written"  # by the LLM
    labelled = "labelled"  # texts of `task.unlabelled`, as many as there are; the others written


@dataclass(kw_only=True)
class ExtrapolationLoop(Method):
    """Seed data, then rounds of extrapolation; methods differ in how they write the seed.

    Without `size`, a round adds `per_mistake` examples for each error, as in the paper.

    `error_share` says how much of what a round extrapolates are errors; the others are gold
    validation examples, drawn at random from all that are not among these errors, such that
    labels even out (as below). 1 is S3 as published, 0 is GoldGen. In all they are as many as
    there are errors, or as the size needs.
    A weak student's errors are the rows on which its features point the wrong way, and a large
    dose of their likes turns them round; null mends that by the rule of `drawing.error_share`,
    measured for tasks with labels (where answers are spans, null is 1).

    With `size`, the last round's data have exactly `size` examples, whatever the method, so that a
    comparison at equal size compares methods:

    - The seed has `seed_size` examples, and all of them stay. Where nothing is extrapolated, all
      `size` examples are seeds; the first `seed_size` are those that the other methods begin with.
    - Each round adds its share of what is left: with 100 seeds, `size` 300 and two rounds, 100 a
      round, so the rounds have 100, 200 and 300 examples.
    - A round extrapolates as many errors as its share needs, drawn such that the labels of all
      data even out as far as the errors reach: each time an error of the label with the fewest
      examples, and of that label the one that was extrapolated least often. In a round no error is
      taken twice before each has been taken once; then they are taken again until the share is
      full. Nothing is paid for that could not be used.
    - What is over a share all the same (`per_mistake` above 1; rows of `seed_from`, `add_from`)
      is `Round.unused`. A later round uses it where that evens out the labels.
    - What the LLM does not manage is missing in its round; the later shares make up for it.
    """

    seed_size: int = 200  # seed examples that are written
    seed: Seed = Seed.written  # or labelled: by the LLM, texts of task.unlabelled first
    extrapolated: Extrapolated = Extrapolated.errors  # or gold, or nothing: what new ones grow from
    rounds: int = 2  # extrapolations
    per_mistake: int = 1  # new examples for each that is extrapolated
    error_share: float | None = None  # of what is extrapolated; null: by the measured rule
    patience: int | None = None  # rounds without a better validation score that end the loop
    size: int | None = None  # examples in the end; null: each error gives per_mistake
    warm_start: bool | None = None  # null: for probes, as measured; true for any model
    seed_from: str | None = None  # a file or a run's folder whose data are the seed
    add_from: str | None = None  # likewise, whose extrapolated data are added from the start
    reviewed: str | None = None  # a file of decisions on synthetic rows, as `s3 review` writes it

    def __post_init__(self) -> None:
        """Check the ranges."""
        super().__post_init__()
        least = {"seed_size": 1, "rounds": 0, "per_mistake": 1, "patience": 1, "size": 2}
        for name, low in least.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise ValueError(f"{name} must be at least {low}, not {value}")
        if self.error_share is not None and not 0 <= self.error_share <= 1:
            raise ValueError(f"error_share must lie between 0 and 1, not {self.error_share}")
        if self.last and self.size and self.size <= self.seed_size:
            raise ValueError(
                f"size must exceed seed_size, for extrapolation fills what is between them: "
                f"size={self.size}, seed_size={self.seed_size}"
            )

    def check(self, task: Task, style: Style) -> None:
        """Raise ValueError for an empty prompt, or a seed that cannot show every label."""
        super().check(task, style)
        labels = len(task.label_names)
        if self.seed is Seed.labelled and not (task.unlabelled and labels):
            raise ValueError(
                "seed=labelled needs a file of texts in task.unlabelled, and a task with labels"
            )
        seed = self.size if self.size and not self.last else self.seed_size
        if not self.seed_from and seed < labels:
            raise ValueError(
                f"a seed of {seed} (seed_size) is less than one example for each of the task's "
                f"{labels} labels: what the small model has not seen it cannot learn"
            )

    @property
    def last(self) -> int:
        """The number of the last round."""
        return 0 if self.extrapolated is Extrapolated.nothing else self.rounds

    @property
    def uses_gold(self) -> str:
        """What the method does with labelled rows, for whoever has none; empty where nothing."""
        return "extrapolates gold rows" if self.last else super().uses_gold

    def seed_templates(self, task: Task) -> set[str]:
        """Return the names of the prompt templates that write the seed."""
        raise NotImplementedError

    def write_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """Write `size` seed examples beside those that are known."""
        raise NotImplementedError

    def templates(self, task: Task) -> set[str]:
        """Return the names of the task's prompt templates that this method fills."""
        seed = set() if self.seed_from and not self.size else self.seed_templates(task)
        return seed | ({"mistake"} if self.last else set())

    def identity(self) -> dict[str, Any]:
        """Return what decides the result: files by content, no option that has no effect."""
        found = super().identity() | {"extrapolated": self.extrapolated.value}
        for name in ("seed_from", "add_from", "reviewed"):
            if found[name]:
                found[name] = content_digest(Path(found[name]))
        if not self.reviewed:
            del found["reviewed"]
        if self.error_share is None:
            found["error_share"] = RULE
        found["seed"] = self.seed.value
        if self.seed is Seed.written:
            del found["seed"]
        idle = set() if self.extrapolated is Extrapolated.errors else {"error_share"}
        if not self.last:
            idle |= {"extrapolated", "rounds", "per_mistake", "patience", "warm_start"}
            idle |= {"error_share"} | ({"seed_size"} if self.size and not self.add_from else set())
        return {name: value for name, value in found.items() if name not in idle}

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        """Yield `rounds` + 1 trainings; nothing is asked of the LLM after the last one."""
        seed, added, unused = self._start(bench)
        if not bench.validation:
            seed.examples, aside = kept_aside(seed.examples, bench.seed)
            bench, unused = replace(bench, validation=aside), joined(unused, aside)
            seed.wanted -= len(aside)
        written, predictor = seed, None
        scores: list[float] = []
        for index in range(self.last + 1):
            train = joined(seed.examples, added)
            warm = bench.probes if self.warm_start is None else self.warm_start
            what, start = f"round {index} training", predictor if warm else None
            predictor = bench.fit(train, bench.validation, what=what, start=start)
            mistakes = mistakes_of(bench.task, bench.validation, predictor)
            made = Round(index, train, written, mistakes, predictor, bench.validation, unused)
            yield made
            scores.append(self._score(bench, predictor))
            if index == self.last or self._converged(scores):
                return
            share = self._share(train, index + 1)
            wrong = self._wrong(bench, made, share)
            if not wrong:
                return
            known = joined(train, unused)
            written = extrapolate(bench.task, bench.llm, wrong, self.per_mistake, index + 1, known)
            written.examples = self._reviewed(bench.task, written.examples)
            added, unused = merged(train, added, written.examples, unused, share)

    def _start(self, bench: Bench) -> tuple[SynthesisedSet, Sequence[Example], Sequence[Example]]:
        """Return the seed, the additions that exist, and what of both is over the size."""
        seeds, added = (
            self._reviewed(bench.task, existing(bench.task, Path(path), kind)) if path else []
            for path, kind in ((self.seed_from, "seed"), (self.add_from, "extrapolation"))
        )
        kept, wanted = added, len(seeds) or self.seed_size
        if self.size is not None:
            kept = cut(added, max(0, self.size - self.seed_size), bench.seed)
            wanted = self.seed_size if self.last else self.size - len(kept)
        first = cut(seeds, wanted, bench.seed)
        missing = wanted - len(first)
        seed = self._new_seed(bench, missing, first) if missing else SynthesisedSet(0)
        seed.examples = joined(first, self._reviewed(bench.task, seed.examples))
        seed.wanted = wanted
        return seed, kept, without(joined(seeds, added), joined(first, kept))

    def _new_seed(self, bench: Bench, size: int, known: Sequence[Example]) -> SynthesisedSet:
        """Return `size` new seeds: texts that the LLM labels, if it is to, then written ones."""
        if self.seed is Seed.written:
            return self.write_seed(bench, size, known)
        found = labelled(bench.llm, bench.task, unlabelled(bench, size, known))
        if missing := size - len(found.examples):
            written = self.write_seed(bench, missing, joined(known, found.examples))
            found.charge(written)
            found.examples = joined(found.examples, written.examples)
        return found

    def _reviewed(self, task: Task, examples: Sequence[Example]) -> Sequence[Example]:
        """Return the examples as a person's decisions leave them."""
        path = self.reviewed
        return reviewed(examples, Path(path), task.label_names) if path else examples

    def _share(self, train: Sequence[Example], round_: int) -> int | None:
        """Return how many examples a round adds at a fixed size: what is left, spread evenly."""
        if self.size is None:
            return None
        return max(0, math.ceil((self.size - len(train)) / (self.rounds + 1 - round_)))

    def _wrong(self, bench: Bench, made: Round, share: int | None) -> list[Example]:
        """Return what to extrapolate of a round that was made: errors, gold or both."""
        wrong = [mistake.example for mistake in made.mistakes]
        gold, errors = list(bench.validation), self._error_share(bench, made.predictor)
        if share is None and self.extrapolated is Extrapolated.gold:
            return gold
        if share is None and errors == 1:
            return wrong
        number = len(wrong) if share is None else math.ceil(share / self.per_mistake)
        return mixture(wrong, gold, errors, number, made.train, bench.seed)

    def _error_share(self, bench: Bench, predictor: Predictor) -> float:
        """Return how much of what a round extrapolates are errors."""
        if self.extrapolated is Extrapolated.gold:
            return 0.0
        if self.error_share is None and bench.task.label_names:
            labels = [label_of(one) for one in bench.validation]
            return error_share(predictor.validation.answers, labels)
        return 1.0 if self.error_share is None else self.error_share

    def _score(self, bench: Bench, predictor: Predictor) -> float:
        scores = bench.task.head().score(bench.validation, predictor.validation.answers)
        return scores[bench.metric]

    def _converged(self, scores: list[float]) -> bool:
        """True when the last `patience` rounds brought nothing above the best before them."""
        if self.patience is None or len(scores) <= self.patience:
            return False
        return max(scores[-self.patience :]) <= max(scores[: -self.patience])
