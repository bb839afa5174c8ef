"""A run's folder as it is written; the names of its files stand here and nowhere else.

Every file appears whole or not at all. `reading.py` reads them again.
"""

from __future__ import annotations

import fcntl
import json
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from s3.audit import Findings
from s3.data.example import Example, Mistake, plain_target
from s3.data.rows import flat_row, to_row
from s3.errors import UserError
from s3.llm import Failure
from s3.methods import Round
from s3.storage import write_json, write_jsonl, write_parquet, write_text
from s3.student import Predictions, Predictor

MetricsRow = dict[str, float]
Content = Mapping[str, Any]

SUMMARY, CONFIG, IDENTITY, ATTEMPT = "summary.json", "config.yaml", "identity.json", "attempt.json"
FAILURES, GOLD_COPIES = "failures.jsonl", "gold_copies.jsonl"
DATA, MODEL, TRACKED = "data/train.parquet", "model", "wandb.json"
METRICS, ADDED, UNUSED, TRAIN = "metrics.json", "added.jsonl", "unused.jsonl", "train.json"
MISTAKES, COPIES, EPOCHS = "mistakes.jsonl", "copies.jsonl", "epochs.jsonl"


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run, for who carries it out."""

    path: Path

    @property
    def name(self) -> str:
        """The run's name: its parts, its seed, a digest of what decides its result."""
        return self.path.name

    @property
    def finished(self) -> bool:
        """Whether the run has come to its end."""
        return (self.path / SUMMARY).exists()

    @property
    def attempt(self) -> str:
        """What names this attempt at the run in the LLM's books and on W&B.

        A continued run is the same attempt. One that was begun afresh, or whose folder was thrown
        away, is another: what an earlier one has paid or logged is not its own.
        """
        kept = json.loads((self.path / ATTEMPT).read_text(encoding="utf-8"))
        return f"{self.name}-{kept['attempt']}"

    @property
    def trainings(self) -> Path:
        """Where trainings keep what they need to be continued."""
        return self.path / "trainings"

    @contextmanager
    def hold(self, config: Content, identity: Content, fresh: bool) -> Iterator[None]:
        """Hold the folder for this process and write what decides the result into it.

        `fresh` empties it first. Raises UserError while another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path.parent / f".{self.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{self.path}: another process is running this.") from None
            if fresh:
                shutil.rmtree(self.path)
            if not (self.path / ATTEMPT).exists():
                write_json(self.path / ATTEMPT, {"attempt": secrets.token_hex(3)})
            write_text(self.path / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dict(config))))
            write_json(self.path / IDENTITY, identity)
            yield

    def round_folder(self, index: int) -> Path:
        """Where the files of a round are: 0 for the seed data and their training."""
        return self.path / "rounds" / f"{index:02d}"

    def scored(self, index: int, train: str) -> MetricsRow | None:
        """The metrics of a round on the data with that fingerprint, if it was finished before."""
        path = self.round_folder(index) / METRICS
        if not path.exists():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["metrics"] if kept["train"] == train else None

    def write_round(
        self, round_: Round, train: str, metrics: MetricsRow, findings: Findings
    ) -> None:
        """Write a round: its data, mistakes, copies of gold and epochs, and last its metrics."""
        folder = self.round_folder(round_.index)
        write_jsonl(folder / ADDED, map(to_row, round_.added.examples))
        write_jsonl(folder / UNUSED, map(to_row, round_.unused))
        write_json(folder / TRAIN, [example.id for example in round_.train])
        write_jsonl(folder / MISTAKES, map(_mistake_row, round_.mistakes))
        write_jsonl(folder / COPIES, findings.copies)
        write_jsonl(folder / EPOCHS, round_.predictor.history)
        write_json(folder / METRICS, {"train": train, "metrics": metrics})

    def write_predictions(
        self,
        index: int,
        split: str,
        examples: Sequence[Example],
        said: Predictions,
        labels: Sequence[str],
    ) -> None:
        """Write what a round's model answers to a gold split."""
        rows = _prediction_rows(examples, said, labels)
        write_jsonl(self.round_folder(index) / predictions_file(split), rows)

    def write_beside(
        self, name: str, test: Sequence[Example], said: Predictions, labels: Sequence[str]
    ) -> None:
        """Write what a model that stands beside the rounds answers to test."""
        write_jsonl(
            self.path / name / predictions_file("test"), _prediction_rows(test, said, labels)
        )

    def write_gold_copies(self, copies: Sequence[Content]) -> None:
        """Write which gold rows are in two splits."""
        write_jsonl(self.path / GOLD_COPIES, copies)

    def write_failures(self, failures: Sequence[Failure]) -> None:
        """Write the prompts that got no completion, with their causes."""
        if failures:
            write_jsonl(self.path / FAILURES, map(asdict, failures))

    def write_products(self, last: Round, shipped: Predictor) -> None:
        """Write the last round's data set and the model that ships."""
        write_parquet(self.path / DATA, map(flat_row, last.train))
        shipped.save(self.path / MODEL)

    def write_summary(self, summary: Content) -> None:
        """Write the summary, which marks the run as finished; trainings are needed no more."""
        write_json(self.path / SUMMARY, summary)
        shutil.rmtree(self.trainings, ignore_errors=True)


def predictions_file(split: str) -> str:
    """Return the name of the file with a round's answers to "validation" or "test"."""
    return f"predictions_{split}.jsonl"


def _prediction_rows(
    examples: Sequence[Example], said: Predictions, labels: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row an example, with the probabilities of its answer.

    They are by label where the task has labels; else `probability` is that of the answer.
    """
    rows = []
    for place, (example, answer) in enumerate(zip(examples, said.answers, strict=True)):
        row = {
            "id": example.id,
            "source": example.origin.source,
            "target": plain_target(example.target),
            "predicted": answer,
        }
        if said.probabilities is not None:
            shares = [round(float(one), 6) for one in said.probabilities[place]]
            named = dict(zip(labels, shares, strict=True)) if labels else None
            row |= {"probabilities": named} if named else {"probability": shares[0]}
        rows.append(row)
    return rows


def _mistake_row(mistake: Mistake) -> dict[str, Any]:
    return {**to_row(mistake.example), "predicted": mistake.predicted}
