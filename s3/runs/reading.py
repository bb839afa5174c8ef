"""Finished runs, read again: whatever uses a run after its end reads it through this file.

`Run.open(folder)` has the configuration, the identity, the summary, and the rounds with their
rows, examples, mistakes and predictions. Nothing here trains, asks an LLM or writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from s3.data.example import Example, Mistake
from s3.data.many import Spilled, chosen, joined
from s3.data.rows import from_flat_row, from_row
from s3.errors import UserError
from s3.runs import folder as layout
from s3.runs.checksums import damaged, mapping
from s3.storage import BATCH, read_jsonl


@dataclass(frozen=True)
class FinishedRound:
    """One round of a finished run; what it holds is read when it is first asked for."""

    run: Run
    index: int

    @property
    def path(self) -> Path:
        """The folder with the round's files."""
        return self.run.folder.round_folder(self.index)

    @cached_property
    def row(self) -> dict[str, float]:
        """The round's metrics, as `docs/metrics.md` lists them; shares lie in 0..1."""
        row: dict[str, float] = self.run.summary["rounds"][self.index]
        return row

    @cached_property
    def added(self) -> Sequence[Example]:
        """The examples that were written (or taken from elsewhere) for this round."""
        return self._examples(layout.ADDED)

    @cached_property
    def unused(self) -> Sequence[Example]:
        """The examples there were that did not fit into the size asked for."""
        return self._examples(layout.UNUSED)

    @cached_property
    def train(self) -> Sequence[Example]:
        """The examples that the round's model was trained on, in order."""
        try:
            return self.run.having(_json(self.path / layout.TRAIN))
        except KeyError as error:
            raise damaged(self.path / layout.TRAIN, f"no example {error}") from None

    @cached_property
    def mistakes(self) -> list[Mistake]:
        """The gold validation examples that the model got wrong."""
        answers = [row.get("predicted", "") for row in self._rows(layout.MISTAKES)]
        return list(map(Mistake, self._examples(layout.MISTAKES), answers))

    @cached_property
    def epochs(self) -> list[dict[str, float]]:
        """One row an epoch of the training."""
        return list(self._rows(layout.EPOCHS))

    @cached_property
    def copies(self) -> list[dict[str, Any]]:
        """The synthetic rows that repeat a gold row, exactly or nearly, as the audit found them."""
        return list(self._rows(layout.COPIES))

    def predictions(self, split: str) -> list[dict[str, Any]]:
        """Return what the model answered to "validation" or "test", one row an example.

        `id`, `source`, `target`, `predicted`, and `probabilities` by label (or, of an answer to a
        question, its `probability`). None of test where nothing is labelled.
        """
        if split == "test" and not self.run.tested:
            return []
        return list(self._rows(layout.predictions_file(split)))

    def _examples(self, file: str) -> Sequence[Example]:
        try:
            return Spilled(map(from_row, self._rows(file)))
        except (KeyError, TypeError) as error:
            raise damaged(self.path / file, f"no example: {error!r}") from None

    def _rows(self, file: str) -> Iterator[dict[str, Any]]:
        return _jsonl(self.path / file)


@dataclass(frozen=True)
class Run:
    """A finished run."""

    folder: layout.RunFolder

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """Return the run of a folder.

        Raises UserError where it is no run's, the run is not finished, or a file is damaged.
        """
        run = cls(layout.RunFolder(Path(path)))
        if not (run.path / layout.IDENTITY).exists():
            raise UserError(f"{path}: not the folder of a run (it has no {layout.IDENTITY}).")
        if not run.folder.finished:
            raise UserError(
                f"{path}: this run is not finished; the command it was started with continues it."
            )
        if missing := {"rounds", "best_round", "metric"} - set(run.summary):
            raise damaged(run.path / layout.SUMMARY, f"no {min(missing)}")
        return run

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.folder.path

    @property
    def name(self) -> str:
        """The folder's name: parts, seed, digest of the identity."""
        return self.folder.name

    @cached_property
    def config(self) -> dict[str, Any]:
        """The composed configuration, with the option chosen for each group as `choices`."""
        path = self.path / layout.CONFIG
        try:
            found = OmegaConf.to_container(OmegaConf.load(path))
        except (OSError, ValueError, YAMLError, OmegaConfBaseException) as error:
            raise damaged(path, str(error)) from None
        if not isinstance(found, dict):
            raise damaged(path, "no mapping")
        return {str(name): value for name, value in found.items()}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """What decided the result, with fingerprints of the gold data."""
        found: dict[str, Any] = _json(self.path / layout.IDENTITY)
        return found

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Task, method, seed, the metric that chose, the best round, and all rounds' rows.

        `gold` has the `size` and the scores of the same student on gold validation alone,
        `with_gold` those of gold validation and the best round's data together. Scores on
        validation are cross-fitted; there are none where the student is fine-tuned.
        """
        found: dict[str, Any] = _json(self.path / layout.SUMMARY)
        if not isinstance(found, dict):
            raise damaged(self.path / layout.SUMMARY, "no mapping")
        return found

    @cached_property
    def rounds(self) -> list[FinishedRound]:
        """The rounds, the seed's first."""
        return [FinishedRound(self, index) for index in range(len(self.summary["rounds"]))]

    @property
    def best(self) -> FinishedRound:
        """The round that gold validation chose: its model ships, or its data's with gold."""
        best: int = self.summary["best_round"]
        return self.rounds[best]

    @property
    def ships_round(self) -> bool:
        """Whether the best round's own model ships, not one that learnt gold validation, too."""
        return bool(self.summary.get("ships", "round") == "round")

    @property
    def tested(self) -> bool:
        """Whether scores on test stand in the run; none do where no row was labelled."""
        return self.identity.get("gold", {}).get("test", "") is not None

    @property
    def chooser(self) -> str:
        """What chose the model: gold validation, or synthetic rows in its place."""
        aside = self.summary.get("kept_aside")
        return f"{aside} synthetic rows kept aside" if aside else "gold validation"

    @property
    def chosen(self) -> dict[str, str]:
        """The option chosen for each group; without groups that the run knows nothing of."""
        choices = self.config.get("choices", {})
        return {name: choices[name] for name in layout.CHOICES if choices.get(name)}

    @property
    def model(self) -> Path:
        """The folder of the model that ships, as transformers loads it."""
        return self.path / layout.MODEL

    @cached_property
    def gold_copies(self) -> list[dict[str, Any]]:
        """The gold rows that are in two splits."""
        return list(_jsonl(self.path / layout.GOLD_COPIES))

    def beside(self, name: str, split: str = "test") -> list[dict[str, Any]]:
        """Return what a model that stands beside the rounds answers to test, or to validation.

        `name`: "gold", the same student trained on gold validation alone, or "with_gold", on gold
        validation and the best round's data. To a row of validation answers one that has not
        learnt it. Rows as in `FinishedRound.predictions`; none where the run did without.
        """
        path = self.path / name / layout.predictions_file(split)
        return list(_jsonl(path)) if name in self.summary else []

    def shipped_predictions(self, split: str) -> list[dict[str, Any]]:
        """Return what the model that ships answers to "validation" or "test"; rows likewise."""
        if self.ships_round:
            return self.best.predictions(split)
        return self.beside(str(self.summary["ships"]), split)

    @cached_property
    def cross_validation(self) -> list[dict[str, Any]]:
        """What models of the folds answer to gold validation, each fold's best round's; else none.

        Rows as in `FinishedRound.predictions`. There are some where the run had no test set: what
        is called test is then such answers, round by round.
        """
        path = self.path / layout.CROSSED / layout.predictions_file("test")
        return list(_jsonl(path)) if layout.CROSSED in self.summary else []

    @cached_property
    def failures(self) -> list[dict[str, Any]]:
        """The prompts that got no completion, with their causes."""
        return list(_jsonl(self.path / layout.FAILURES))

    @property
    def tracked(self) -> str:
        """Where W&B has the run, or the command that takes it there; else empty."""
        path = self.path / layout.TRACKED
        return str(mapping(path).get("where", f"{path} is damaged")) if path.exists() else ""

    @property
    def examples(self) -> Sequence[Example]:
        """Every example that a round was trained on or left unused, once."""
        return self.having(self._numbers)

    def having(self, ids: Iterable[str]) -> Sequence[Example]:
        """Return those of `examples` that have these ids. Raises KeyError for one that none has."""
        return chosen(self._written, (self._numbers[id_] for id_ in ids))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """Where each id's example stands in `_written`."""
        return {example.id: number for number, example in enumerate(self._written)}

    @cached_property
    def _written(self) -> Sequence[Example]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path / layout.DATA
        try:
            with pq.ParquetFile(path) as file:
                batches = (batch.to_pylist() for batch in file.iter_batches(BATCH))
                last = Spilled(from_flat_row(row) for rows in batches for row in rows)
        except (OSError, KeyError, pa.ArrowException) as error:
            raise damaged(path, str(error)) from None
        return joined(last, *(one for made in self.rounds for one in (made.added, made.unused)))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from None


def _jsonl(path: Path) -> Iterator[dict[str, Any]]:
    if path.name == layout.FAILURES and not path.exists():
        return
    try:
        yield from read_jsonl(path)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from None
