"""Small models for the methods' tests: one learns from words, one scores as a test says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3.data.example import Answers, Example
from s3.llm import Session
from s3.methods import Bench
from s3.student import Predictions
from s3.tasks import Task

Says = Callable[[int, Example], str]


@dataclass
class Trained:
    """A trained model: its answers to validation."""

    validation: Predictions


@dataclass
class Learner:
    """Answers with the target of the training example that shares most words of written text.

    `trainings` has the data of each training, `chosen` what chose its epoch, `starts` the model
    that it started from.
    """

    task: Task
    trainings: list[list[Example]] = field(default_factory=list)
    chosen: list[list[Example]] = field(default_factory=list)
    starts: list[Any] = field(default_factory=list)

    def __call__(
        self,
        train: list[Example],
        validation: list[Example],
        *,
        what: str,
        start: Any,
        weights: Any = None,
    ) -> Any:
        self.trainings.append(train)
        self.chosen.append(validation)
        self.starts.append(start)
        return Trained(Predictions(self.answers(train, validation), None))

    def answers(self, train: list[Example], validation: list[Example]) -> list[str]:
        """Return the answer to each validation example."""
        known = [(self._words(one), _said(one)) for one in train]
        return [self._nearest(self._words(one), known) for one in validation]

    def _nearest(self, words: set[str], known: list[tuple[set[str], str]]) -> str:
        return max(known, key=lambda pair: len(pair[0] & words))[1]

    def _words(self, example: Example) -> set[str]:
        return set(re.findall(r"\w+", example.fields[self.task.written].lower()))


@dataclass
class Scripted(Learner):
    """Gets as many validation examples right as `right` says, training by training."""

    right: Sequence[int] = ()

    def answers(self, train: list[Example], validation: list[Example]) -> list[str]:
        """Return right answers first, then wrong ones."""
        right = self.right[len(self.trainings) - 1]
        said = [_said(one) for one in validation]
        return [one if place < right else "wrong" for place, one in enumerate(said)]


@dataclass
class Saying(Learner):
    """Answers as `says` has it, by the training's number and the example."""

    says: Says = field(default=lambda training, example: "")

    def answers(self, train: list[Example], validation: list[Example]) -> list[str]:
        """Return what is said of each."""
        return [self.says(len(self.trainings) - 1, one) for one in validation]


def bench(
    task: Task, llm: Session, learner: Learner, seed: int = 0, few: int | None = None
) -> Bench:
    """The bench of a task's gold data, or of its first `few` validation examples."""
    gold = task.load(seed)
    return Bench(
        task, llm, learner, gold.validation[:few], gold.train[:few], seed, task.head().metrics[0]
    )


def _said(example: Example) -> str:
    target = example.target
    return target.texts[0] if isinstance(target, Answers) else target
