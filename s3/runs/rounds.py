"""The rounds of one run: each is scored on test, written down, and told to the listeners."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from s3.audit import Audit, Auditor
from s3.data.example import Example
from s3.data.gold import GoldData
from s3.data.rows import fingerprint
from s3.errors import first_line
from s3.llm import Session
from s3.methods import Bench, GoldOnly, Method, Round
from s3.methods.base import unmixed
from s3.methods.gold import folds
from s3.runs.counts import data_row, largest_share, majority
from s3.runs.crossing import CrossValidation, joined
from s3.runs.folder import CROSSED, MetricsRow, RunFolder
from s3.runs.listeners.base import Listener
from s3.storage import digest
from s3.student import OnEpoch, Predictor, Student
from s3.tasks import Task

FOLDS = 5  # parts of gold validation, each of which a training beside the rounds keeps aside


@dataclass
class Rounds:
    """Runs a method to its end. This is the only place that sees the test split."""

    task: Task
    method: Method
    student: Student
    gold: GoldData
    seed: int
    session: Session
    folder: RunFolder
    listener: Listener
    audit: Audit
    gold_baseline: bool = False  # train on gold validation alone, too, for comparison
    rows: list[MetricsRow] = field(default_factory=list)
    best: Round | None = None  # by gold validation; the earliest of equals
    last: Round | None = None
    _crossed: CrossValidation | None = None  # where there is no test split
    _training: float = 0.0  # seconds spent in fit during the current round
    _weights: Sequence[float] | None = None  # of the training examples, in the last training

    def __post_init__(self) -> None:
        """Prepare the audit of each round's data; compare the gold splits with each other."""
        self.head = self.task.head()
        self.metric = self.student.choosing_metric(self.head, self.gold.validation)
        self._auditor = Auditor(self.audit, self.gold.apart, self.task.written, self.task.given)
        self._gold_findings = self._auditor.compare_gold()
        self.folder.write_gold_copies(self._gold_findings.copies)

    def run(self) -> None:
        """Score, write and tell each round that the method yields."""
        bench = Bench(
            self.task, self.session, self._fit_round, self.gold.validation, self.gold.train,
            self.seed, self.metric, self.student.probes(self.head),
        )  # fmt: skip
        if self.gold.validation and not self.gold.test:
            folds = replace(bench, fit=self._fit_fold)
            self._crossed = CrossValidation(self.method, folds, self.task.gold.folds)
        started = time.monotonic()
        for round_ in self.method.run(bench):
            seconds = {"seconds/training": self._training}
            seconds["seconds/synthesis"] = time.monotonic() - started - self._training
            row = self._row(round_, seconds)
            self.rows.append(row)
            self.listener.round(round_.index, row)
            name = f"validation/{self.metric}"
            if self.best is None or row[name] > self.rows[self.best.index][name]:
                self.best = round_
            self.last = round_
            started, self._training = time.monotonic(), 0.0

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the data set and the model that is best on validation; tell the summary.

        `about` says what the run was: its parts' names, its seed, its options. What the same
        student makes of gold validation, alone and with the best round's data, is in the summary
        beside the rounds, as `gold` and `with_gold`.
        """
        assert self.best is not None
        assert self.last is not None
        shipped, with_gold = self.best.predictor, self.method.with_gold
        summary = {**about, "metric": self.metric, "best_round": self.best.index}
        if not self.gold.validation:
            summary["kept_aside"] = len(self.best.validation)
        beside = unmixed(self.best.train, self.gold.validation)  # each of which is kept aside once
        for name, synthetic in {"gold": [], "with_gold": beside}.items():
            needed = with_gold and name == "with_gold"
            alone = isinstance(self.method, GoldOnly) or not self.gold.validation
            if not needed and (alone or not self.gold_baseline):
                continue
            try:
                summary[name], predictor = self._beside(name, synthetic)
            except Exception as error:  # a comparison must not cost the run its end
                if needed:
                    raise
                reason = first_line(error)
                print(f"no comparison with {name.replace('_', ' ')}: {reason}", file=sys.stderr)
            else:
                shipped = predictor if needed else shipped
        self.folder.write_products(self.last, shipped)
        summary["ships"] = "with_gold" if with_gold else "round"
        if self._crossed:
            summary["cross_validation"] = self._cross_validated(self._crossed)
        self.listener.finished({**summary, "rounds": self.rows})

    def _beside(self, name: str, synthetic: Sequence[Example]) -> tuple[MetricsRow, Predictor]:
        """Train on gold validation beside synthetic rows; return scores, and a model.

        A fifth of gold validation is kept aside in turn, and what each model answers to its fifth
        is the score on validation. Where a training takes longer than a probe's there is one, and
        its fifth, which chose the epoch, gives no score. The first model is scored on test.
        """
        parts = folds(self.gold.validation, FOLDS, self.seed)
        crossed = self.student.probes(self.head)
        models: list[Predictor] = []
        asked = parts if crossed else parts[:1]
        for aside in asked:
            gold = [one for part in parts if part is not aside for one in part]
            what = f"training {'with gold' if synthetic else 'on gold alone'}"
            models.append(self._fit([*synthetic, *gold], aside, what=what, start=None))
        kept_aside, labels = [one for part in asked for one in part], self.task.label_names
        crossfit = joined([model.validation for model in models])
        self.folder.write_beside(name, "validation", kept_aside, crossfit, labels)
        test = self.gold.test or self.gold.validation
        said = (
            self._crossed.beside(len(self.rows) - 1, bool(synthetic))
            if self._crossed
            else models[0].predict(test)
        )
        self.folder.write_beside(name, "test", test, said, labels)
        row: MetricsRow = {"size": len(synthetic) + len(self.gold.validation)}
        scores = self.head.score(test, said.answers)
        row |= {f"test/{metric}": value for metric, value in scores.items()}
        if crossed:
            scores = self.head.score(kept_aside, crossfit.answers)
            row |= {f"validation/{metric}": value for metric, value in scores.items()}
        return row, models[0]

    def _fit_round(self, *given: Any, **named: Any) -> Predictor:
        """Train for the round that is under way, whose epochs are told as they end."""
        told = partial(self.listener.epoch, len(self.rows))
        return self._fit(*given, **named, on_epoch=told)

    def _cross_validated(self, crossed: CrossValidation) -> dict[str, Any]:
        """Return how many folds there are, and how what they ship answers: the choice included."""
        last = len(self.rows) - 1
        said = crossed.beside(last, True) if self.method.with_gold else crossed.chosen(last)
        self.folder.write_beside(CROSSED, "test", crossed.rows, said, self.task.label_names)
        scores = self.head.score(crossed.rows, said.answers)
        named = {f"test/{metric}": value for metric, value in scores.items()}
        return {"folds": len(crossed.folds), "size": len(crossed.rows), **named}

    def _fit_fold(self, *given: Any, **named: Any) -> Predictor:
        """Train in a fold; what the round under way was weighted by stays."""
        weights = self._weights
        try:
            return self._fit(*given, **named)
        finally:
            self._weights = weights

    def _fit(
        self,
        train: Sequence[Example],
        validation: Sequence[Example],
        *,
        what: str,
        start: Predictor | None,
        weights: Sequence[float] | None = None,
        on_epoch: OnEpoch | None = None,
    ) -> Predictor:
        self._auditor.check(train)
        started = time.monotonic()
        self._weights = weights
        # All that decides the training, the weights that it starts from included.
        lineage = digest(
            [weighted(train, weights), fingerprint(validation), start.lineage if start else None]
        )
        predictor = self.student.fit(
            self.head, train, validation, seed=self.seed, folder=self.folder.trainings / lineage,
            what=what, start=start, weights=None if weights is None else np.asarray(weights),
            on_epoch=on_epoch,
        )  # fmt: skip
        self._training += time.monotonic() - started
        return predictor

    def _row(self, round_: Round, seconds: MetricsRow) -> MetricsRow:
        """A round's metrics; those of a round that was finished before are kept as they were."""
        train = weighted(round_.train, self._weights)
        kept = self.folder.scored(round_.index, train)
        if kept is not None:
            return kept
        findings = self._auditor.measure(round_.train)
        started = time.monotonic()
        scores = self._scores(round_)
        before = sum(row["llm/cost"] for row in self.rows)
        paid = self.session.paid - before - self.folder.spent_after(round_.index)
        row = {
            **data_row(round_, self.last),
            **self._gold_findings.metrics,
            **findings.metrics,
            **scores,
        }
        row |= {"llm/tokens": round_.added.tokens, "llm/cost": round(paid, 9), **seconds}
        if not self.session.priced:
            row["llm/unpriced"] = round_.added.tokens
        row["seconds/test"] = time.monotonic() - started
        self.folder.write_round(round_, train, row, findings)
        return row

    def _scores(self, round_: Round) -> MetricsRow:
        """Score a round on all splits, and write down what its model answered."""
        predictor, labels = round_.predictor, self.task.label_names
        row = {f"train/{name}": value for name, value in predictor.train_score.items()}
        tested = self.gold.test or self.gold.validation
        crossed = self._crossed
        answers = {"validation": (round_.validation, predictor.validation)}
        if tested:
            said = crossed.answers(round_.index) if crossed else predictor.predict(tested)
            answers["test"] = (tested, said)
        for split, (examples, said) in answers.items():
            scores = self.head.score(examples, said.answers)
            row |= {f"{split}/{name}": value for name, value in scores.items()}
            if labels:
                row[f"{split}/majority"] = majority(examples)
            self.folder.write_predictions(round_.index, split, examples, said, labels)
        if labels:
            row["validation/largest_share"] = largest_share(predictor.validation.answers)
        return row


def weighted(train: Sequence[Example], weights: Sequence[float] | None) -> str:
    """Return a digest of a training set and of what each example of it counts."""
    found = fingerprint(train)
    return found if weights is None else digest([found, [float(one) for one in weights]])
