"""A run's folder: each round's rows, mistakes and metrics; the final data set, model, summary."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from s3.data.example import Example, Mistake
from s3.data.rows import flat_row, to_row
from s3.errors import UserError
from s3.llm import Failure
from s3.methods import Round
from s3.storage import write_json, write_jsonl, write_text

MetricsRow = dict[str, float]
Content = Mapping[str, Any]


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run. Every file appears whole or not at all."""

    folder: Path

    @property
    def summary(self) -> dict[str, Any] | None:
        """The summary of a finished run, else None."""
        path = self.folder / "summary.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    @property
    def trainings(self) -> Path:
        """Where trainings keep what they need to be continued."""
        return self.folder / "trainings"

    @contextmanager
    def open(self, config: Content, identity: Content, fresh: bool) -> Iterator[None]:
        """Hold the folder for this process and write what decides the result into it.

        Raises UserError while another process holds it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder.parent / f".{self.folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{self.folder}: another process is running this.") from None
            if fresh:
                shutil.rmtree(self.folder)
            write_text(
                self.folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(dict(config)))
            )
            write_json(self.folder / "identity.json", identity)
            yield

    def scored(self, index: int, train: str) -> MetricsRow | None:
        """The metrics of a round on that data, if an interrupted run has finished it."""
        path = self._round(index) / "metrics.json"
        if not path.exists():
            return None
        kept = json.loads(path.read_text(encoding="utf-8"))
        return kept["metrics"] if kept["train"] == train else None

    def round(
        self, round_: Round, train: str, metrics: MetricsRow, copies: list[dict[str, Any]]
    ) -> None:
        """Write a round: its added rows, mistakes, copies of gold, epochs, and last its metrics."""
        folder = self._round(round_.index)
        write_jsonl(folder / "added.jsonl", map(to_row, round_.added.examples))
        write_jsonl(folder / "mistakes.jsonl", map(_mistake_row, round_.mistakes))
        write_jsonl(folder / "copies.jsonl", copies)
        write_jsonl(folder / "epochs.jsonl", round_.predictor.history)
        write_json(folder / "metrics.json", {"train": train, "metrics": metrics})

    def failures(self, failures: list[Failure]) -> None:
        """Write the prompts that got no completion, with their causes."""
        if failures:
            write_jsonl(self.folder / "failures.jsonl", map(asdict, failures))

    def finish(self, last: Round, best: Round) -> None:
        """Write the last round's data set and the best round's model."""
        write_parquet(self.folder / "data" / "train.parquet", last.train)
        best.predictor.save(self.folder / "model")

    def summarise(self, best: int, rows: list[MetricsRow], metric: str, wandb: str) -> None:
        """Write the summary, which marks the run as finished; trainings are needed no more."""
        content = {"best_round": best, "metric": metric, "wandb": wandb, "rounds": rows}
        write_json(self.folder / "summary.json", content)
        shutil.rmtree(self.trainings, ignore_errors=True)

    def _round(self, index: int) -> Path:
        return self.folder / "rounds" / f"{index:02d}"


def write_parquet(path: Path, examples: Iterable[Example]) -> None:
    """Write examples as Parquet that `datasets.load_dataset(folder)` reads."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    pq.write_table(pa.Table.from_pylist([flat_row(example) for example in examples]), partial)
    partial.replace(path)


def _mistake_row(mistake: Mistake) -> dict[str, Any]:
    return {**to_row(mistake.example), "predicted": mistake.predicted}
