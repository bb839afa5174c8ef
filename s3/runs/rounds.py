"""The rounds of one run: each is scored on test, written down, and logged."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from s3.audit import Auditor
from s3.data.example import Example
from s3.data.gold import GoldData
from s3.data.rows import fingerprint
from s3.llm import Session
from s3.methods import Bench, Round
from s3.runs.folder import MetricsRow, RunFolder
from s3.runs.listeners.wandb import Tracker
from s3.storage import digest
from s3.student import Predictor

if TYPE_CHECKING:
    from s3.runs.experiment import Experiment


@dataclass
class Rounds:
    """Runs a method to its end. This is the only place that sees the test split."""

    experiment: Experiment
    gold: GoldData
    llm: Session
    report: RunFolder
    tracker: Tracker
    rows: list[MetricsRow] = field(default_factory=list)
    best: Round | None = None  # by gold validation; the earliest of equals
    last: Round | None = None
    _training: float = 0.0  # seconds spent in fit during the current round

    def __post_init__(self) -> None:
        """Get ready to compare each round's data with the gold data."""
        task, gold = self.experiment.task, self.gold
        splits = {"validation": gold.validation, "test": gold.test}
        if gold.train is not gold.validation:
            splits["train"] = gold.train
        self._metric = self.experiment.model.choosing_metric(task.head(), gold.validation)
        self._auditor = Auditor(self.experiment.audit, splits, task.written, task.given)

    def run(self) -> None:
        """Score, write and log each round that the method yields."""
        started = time.monotonic()
        for round_ in self.experiment.method.run(self._bench()):
            seconds = {"seconds/training": self._training}
            seconds["seconds/synthesis"] = time.monotonic() - started - self._training
            row = self._row(round_, seconds)
            self.rows.append(row)
            self.tracker.round(round_.index, row, round_.predictor.history)
            name = f"validation/{self._metric}"
            if self.best is None or row[name] > self.rows[self.best.index][name]:
                self.best = round_
            self.last = round_
            started, self._training = time.monotonic(), 0.0

    def finish(self) -> None:
        """Write the data set, the model that is best on validation, and the summary."""
        assert self.best is not None
        assert self.last is not None
        self.report.finish(self.last, self.best)
        where = self.tracker.finish(self.rows[self.best.index])
        self.report.summarise(self.best.index, self.rows, self._metric, where)

    def _bench(self) -> Bench:
        experiment, gold = self.experiment, self.gold
        return Bench(
            experiment.task, self.llm, self._fit, gold.validation, gold.train, experiment.seed
        )

    def _fit(
        self,
        train: list[Example],
        validation: list[Example],
        *,
        what: str,
        start: Predictor | None,
    ) -> Predictor:
        self._auditor.check(train)
        started = time.monotonic()
        lineage = digest([fingerprint(train), fingerprint(validation), start is not None])
        predictor = self.experiment.model.fit(
            self.experiment.task.head(),
            train,
            validation,
            seed=self.experiment.seed,
            folder=self.report.trainings / lineage,
            what=what,
            start=start,
        )
        self._training += time.monotonic() - started
        return predictor

    def _row(self, round_: Round, seconds: MetricsRow) -> MetricsRow:
        """A round's metrics; those of a round that was finished before are kept as they were."""
        train = fingerprint(round_.train)
        kept = self.report.scored(round_.index, train)
        if kept is not None:
            return kept
        audit = self._auditor.measure(round_.train)
        started = time.monotonic()
        test = self._test(round_)
        row = {**data_row(round_), **audit.metrics, **test, **self._spent(round_), **seconds}
        row["seconds/test"] = time.monotonic() - started
        self.report.round(round_, train, row, audit.copies)
        return row

    def _test(self, round_: Round) -> MetricsRow:
        head = self.experiment.task.head()
        validation = head.score(round_.validation, round_.predictor.validation.answers)
        test = head.score(self.gold.test, round_.predictor.predict(self.gold.test).answers)
        row = {f"train/{name}": value for name, value in round_.predictor.train_score.items()}
        row |= {f"validation/{name}": value for name, value in validation.items()}
        return row | {f"test/{name}": value for name, value in test.items()}

    def _spent(self, round_: Round) -> MetricsRow:
        paid = self.llm.paid - sum(row["llm/cost"] for row in self.rows)
        return {"llm/tokens": round_.added.tokens, "llm/cost": round(paid, 9)}


def data_row(round_: Round) -> MetricsRow:
    """Return the sizes of a round's data: rows in all, seeds, additions, dropped replies."""
    origins = [example.origin for example in round_.train]
    row: MetricsRow = {
        "data/size": len(round_.train),
        "data/seed": sum(origin.kind == "seed" for origin in origins),
        "data/added": len(round_.added.examples) if round_.index else 0,
        "data/missing": round_.added.wanted - len(round_.added.examples),
        "data/duplicates": round_.added.dropped["duplicate"],
        "mistakes": len(round_.mistakes),
        "llm/completions": round_.added.completions,
    }
    return row | {f"data/dropped/{why}": count for why, count in round_.added.dropped.items()}
