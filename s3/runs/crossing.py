"""Cross-validation of a whole method, for gold data without a test set.

Errors on gold validation are extrapolated, and it chooses the round: a score on it is too high, and
one on folds of a finished training set is so, too, since the data grew from the rows that are kept
aside. What must be repeated is the method. For each fold it runs with the other folds as its gold
validation (contexts, examples, errors and the choice of the round come from these), and its models
answer to the fold, of which nothing went into them. Together the folds' answers are one for each
row, as on a test set. (Stone 1974; for models that are chosen: Varma and Simon 2006.)

It costs trainings, and little of an LLM: a method that runs once more asks its prompts again and
gets the same replies (`Session.afresh`), so only those are paid for that are new, such as of errors
that the run on all rows did not make.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from s3.data.example import Example
from s3.data.splitting import parts_of
from s3.methods import Bench, Method, Round
from s3.methods.base import unmixed
from s3.progress import progress, quiet
from s3.student import Predictions


class FoldRound(NamedTuple):
    """What is kept of a fold's round; its model is not."""

    train: Sequence[Example]
    score: float  # on the fold's own gold validation
    answers: Predictions  # to the rows of the fold


@dataclass
class Fold:
    """The method on gold validation without one fold; rounds are made when they are asked for."""

    bench: Bench
    aside: Sequence[Example]
    going: Iterator[Round]
    rounds: list[FoldRound] = field(default_factory=list)

    def at(self, index: int) -> FoldRound:
        """Return a round, or the last where there are fewer."""
        while len(self.rounds) <= index and (made := next(self.going, None)):
            scores = self.bench.task.head().score(
                made.validation, made.predictor.validation.answers
            )
            said = made.predictor.predict(self.aside)
            self.rounds.append(FoldRound(made.train, scores[self.bench.metric], said))
        return self.rounds[min(index, len(self.rounds) - 1)]

    def best(self, until: int) -> FoldRound:
        """Return the round that ships, of those up to one."""
        self.at(until)
        return max(self.rounds[: until + 1], key=lambda one: one.score)


class CrossValidation:
    """Answers to each row of gold validation, by models that nothing of it went into."""

    def __init__(self, method: Method, bench: Bench, number: int) -> None:
        self.rows = bench.validation
        number = min(number, len(self.rows))
        self._parts = parts_of(self.rows, number, bench.seed, *bench.task.given)
        self._parts = [part for part in self._parts if part]
        self.folds = [self._fold(method, bench, set(part)) for part in self._parts]

    def _fold(self, method: Method, bench: Bench, places: set[int]) -> Fold:
        aside = [one for place, one in enumerate(self.rows) if place in places]
        rest = [one for place, one in enumerate(self.rows) if place not in places]
        train = rest if bench.train is bench.validation else bench.train
        own = replace(bench, llm=bench.llm.afresh(), validation=rest, train=train)
        return Fold(own, aside, method.run(own))

    def answers(self, index: int) -> Predictions:
        """Return the folds' answers in a round, in the order of the rows."""
        said = []
        with progress(f"cross-validation, round {index}", len(self.folds)) as work:
            for done, fold in enumerate(self.folds, 1):
                with quiet():  # what a round does has been seen in the run itself
                    said.append(fold.at(index).answers)
                work.update(done)
        return self._joined(said)

    def chosen(self, until: int) -> Predictions:
        """Return the answers of what each fold ships, of its rounds up to one."""
        return self._joined([fold.best(until).answers for fold in self.folds])

    def beside(self, until: int, synthetic: bool) -> Predictions:
        """Return the answers of models that learn the other folds, beside synthetic rows or alone.

        The next fold chooses the epoch, and is not learnt.
        """
        said = []
        for place, fold in enumerate(self.folds):
            chooser = self.folds[(place + 1) % len(self.folds)].aside
            known = {id(one) for one in chooser}
            gold = [one for one in fold.bench.validation if id(one) not in known]
            made = unmixed(fold.best(until).train, self.rows) if synthetic else []
            with quiet():
                model = fold.bench.fit([*made, *gold], chooser, what="with gold", start=None)
            said.append(model.predict(fold.aside))
        return self._joined(said)

    def _joined(self, said: Sequence[Predictions]) -> Predictions:
        order = np.argsort([place for part in self._parts for place in part])
        found = joined(said)
        shares = None if found.probabilities is None else found.probabilities[order]
        return Predictions([found.answers[place] for place in order], shares)


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Return what several models answered, each to rows of its own, as one."""
    likely = [one.probabilities for one in parts if one.probabilities is not None]
    answers = [answer for one in parts for answer in one.answers]
    return Predictions(answers, np.concatenate(likely) if len(likely) == len(parts) else None)
