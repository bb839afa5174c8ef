"""A run's folder as it is written; the names of its files stand here and nowhere else.

Every file appears whole or not at all. `reading.py` reads them again.
What is damaged when a run begins or continues is made again: rounds from the stored completions and
their trainings, the rest from the rounds.
"""

from __future__ import annotations

import fcntl
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count, takewhile
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from s3.audit import Findings
from s3.data.example import Example, Mistake
from s3.data.rows import flat_row, to_row
from s3.errors import UserError
from s3.llm import Failure
from s3.methods import Round
from s3.runs.checksums import Checksums, mapping
from s3.runs.rows import prediction_rows
from s3.storage import write_json, write_jsonl, write_parquet, write_text
from s3.student import Predictions, Predictor

MetricsRow = dict[str, float]
Content = Mapping[str, Any]

SUMMARY, CONFIG, IDENTITY, ATTEMPT = "summary.json", "config.yaml", "identity.json", "attempt.json"
FAILURES, GOLD_COPIES = "failures.jsonl", "gold_copies.jsonl"
DATA, MODEL, TRACKED = "data/train.parquet", "model", "wandb.json"
REPORT, LOG = "report.html", "run.log"
CROSSED = "cross_validation"  # answers of what the folds ship, where there is no test split
CHOICES = ("task", "method", "llm", "model", "preset")  # groups of options that make a run
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
        return f"{self.name}-{mapping(self.path / ATTEMPT)['attempt']}"

    @property
    def checksums(self) -> Checksums:
        """What tells whether its files are as they were written."""
        return Checksums(self.path)

    @property
    def trainings(self) -> Path:
        """Where trainings keep what they need to be continued."""
        return self.path / "trainings"

    @contextmanager
    def hold(self, config: Content, identity: Content, fresh: bool) -> Iterator[None]:
        """Hold the folder for this process and write what decides the result into it.

        `fresh` moves what is there aside first. Raises UserError while another process holds it,
        and where it cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = (self.path.parent / f".{self.name}.lock").open("w")
        except OSError as error:
            raise UserError(f"{error}: root=/a/folder makes run folders elsewhere.") from None
        with file as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{self.path}: another process is running this.") from None
            if fresh:
                self._move_aside()
            self.checksums.keep(self.changed())
            if not isinstance(mapping(self.path / ATTEMPT).get("attempt"), str):
                self._begin_attempt()
            write_text(self.path / CONFIG, OmegaConf.to_yaml(OmegaConf.create(dict(config))))
            write_json(self.path / IDENTITY, identity)
            self.checksums.seal(CONFIG, IDENTITY)
            yield

    def changed(self) -> list[str]:
        """Return the files that are not as they were written: cut, edited, gone.

        A model that is gone as a whole was thrown away, and is not missed. A summary that cannot be
        read is among them where checksums are lost, too: nothing can be shown without it.
        """
        found, missed = self.checksums.changed(), (self.path / MODEL).exists()
        if self.finished and not mapping(self.path / SUMMARY):
            found = sorted({*found, SUMMARY})
        return [name for name in found if missed or not name.startswith(f"{MODEL}/")]

    def _begin_attempt(self) -> None:
        if (self.path / ATTEMPT).exists():
            print(
                f"{self.path / ATTEMPT}: damaged, and it cannot be made again: what this run has "
                "paid so far counts no longer towards its caps, and W&B sees another run.",
                file=sys.stderr,
            )
        write_json(self.path / ATTEMPT, {"attempt": secrets.token_hex(3)})

    def _move_aside(self) -> None:
        """Give what is in the folder another name: it may hold notes, or W&B's unsent files."""
        if not self.path.exists():
            return
        names = (self.path.with_name(f"{self.name}-old-{number}") for number in count(1))
        aside = next(path for path in names if not path.exists())
        self.path.rename(aside)
        print(f"fresh=true: what was there is now {aside}", file=sys.stderr)

    def round_folder(self, index: int) -> Path:
        """Where the files of a round are: 0 for the seed data and their training."""
        return self.path / self._round(index)

    def scored(self, index: int, train: str) -> MetricsRow | None:
        """The metrics of a round on the data with that fingerprint, if it was finished before."""
        kept = self._metrics(index)
        same = kept and kept["train"] == train
        return kept["metrics"] if same and not self.checksums.changed(self._round(index)) else None

    def spent_after(self, index: int) -> float:
        """US dollars of the rounds after one that is scored again: they were paid for before."""
        later = (self._metrics(number) for number in count(index + 1))
        return sum(float(kept["metrics"]["llm/cost"]) for kept in takewhile(bool, later))

    def _metrics(self, index: int) -> dict[str, Any]:
        """What a round's last file holds; nothing unless it is as it was written."""
        name = f"{self._round(index)}/{METRICS}"
        kept = self.checksums.sealed(name) and not self.checksums.changed(name)
        return mapping(self.path / name) if kept else {}

    @staticmethod
    def _round(index: int) -> str:
        return f"rounds/{index:02d}"

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
        self.checksums.seal(self._round(round_.index))

    def write_predictions(
        self,
        index: int,
        split: str,
        examples: Sequence[Example],
        said: Predictions,
        labels: Sequence[str],
    ) -> None:
        """Write what a round's model answers to a gold split."""
        rows = prediction_rows(examples, said, labels)
        write_jsonl(self.round_folder(index) / predictions_file(split), rows)

    def write_beside(
        self,
        name: str,
        split: str,
        examples: Sequence[Example],
        said: Predictions,
        labels: Sequence[str],
    ) -> None:
        """Write what a model that stands beside the rounds answers to rows of a gold split."""
        file = f"{name}/{predictions_file(split)}"
        write_jsonl(self.path / file, prediction_rows(examples, said, labels))
        self.checksums.seal(file)

    def write_gold_copies(self, copies: Sequence[Content]) -> None:
        """Write which gold rows are in two splits."""
        write_jsonl(self.path / GOLD_COPIES, copies)
        self.checksums.seal(GOLD_COPIES)

    def write_failures(self, failures: Sequence[Failure]) -> None:
        """Write the prompts that got no completion, with their causes."""
        if failures:
            write_jsonl(self.path / FAILURES, map(asdict, failures))

    def write_products(self, last: Round, shipped: Predictor) -> None:
        """Write the last round's data set and the model that ships."""
        write_parquet(self.path / DATA, map(flat_row, last.train))
        shipped.save(self.path / MODEL)
        self.checksums.seal(DATA, MODEL)

    def write_summary(self, summary: Content) -> None:
        """Write the summary, which marks the run as finished; trainings are needed no more."""
        write_json(self.path / SUMMARY, summary)
        self.checksums.seal(SUMMARY)
        shutil.rmtree(self.trainings, ignore_errors=True)


def predictions_file(split: str) -> str:
    """Return the name of the file with a round's answers to "validation" or "test"."""
    return f"predictions_{split}.jsonl"


def _mistake_row(mistake: Mistake) -> dict[str, Any]:
    return {**to_row(mistake.example), "predicted": mistake.predicted}
