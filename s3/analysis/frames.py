"""Finished runs as pandas data frames: a row a run, a round, an epoch, a prediction, an example.

Each function takes folders of runs or sweeps (default: outputs and multirun). The first columns say
which run a row is of: `run` (its folder), `task`, `method`, `seed`. All are in `docs/compare.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.analysis.intervals import rights
from s3.analysis.results import rows_of, settings_of
from s3.data.rows import flat_row
from s3.runs.reading import Run
from s3.runs.rows import probability, shipped

if TYPE_CHECKING:
    import pandas as pd

Records = Iterator[Mapping[str, Any]]


def runs_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row a run: its settings, the metrics of the model that ships, what it took."""
    return _frame(folders, _of_run)


def rounds_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row a round: `round`, whether it `ships`, and its metrics."""
    return _frame(folders, _of_rounds)


def epochs_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row an epoch: `round`, `epoch`, `loss`, scores on train and validation by epoch.

    `test/...` are those of the round's kept epoch: only the rounds are scored on test, so what S3's
    Fig. 1 draws of test by epoch is drawn of validation. A probe has one row, of epoch 0.
    """
    return _frame(folders, _of_epochs)


def predictions_df(*folders: Path | str, split: str = "test") -> pd.DataFrame:
    """Return a row a gold example of "test" or "validation" and round: what the model answered."""
    return _frame(folders, lambda run: _of_predictions(run, split))


def examples_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row an example: its fields, label or answers, its origin, whether it is `used`.

    These are all that a round was trained on or left out; the last round's training uses it or not.
    """
    return _frame(folders, _of_examples)


def _frame(folders: tuple[Path | str, ...], of: Callable[[Run], Records]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows_of(folders, of))


def _of_run(run: Run) -> Records:
    summary = run.summary
    found = {"metric": summary["metric"], "rounds": len(run.rounds), "ships": run.best.index}
    rows = [round_.row for round_ in run.rounds]
    for column, start in (("tokens", "llm/tokens"), ("cost", "llm/cost"), ("seconds", "seconds/")):
        found[column] = sum(v for row in rows for name, v in row.items() if name.startswith(start))
    beside = {f"gold/{name}": value for name, value in summary.get("gold", {}).items()}
    yield {**settings_of(run), **found, **shipped(summary), **beside}


def _of_rounds(run: Run) -> Records:
    for round_ in run.rounds:
        ships = run.ships_round and round_.index == run.best.index
        yield {"round": round_.index, "ships": ships, **round_.row}


def _of_epochs(run: Run) -> Records:
    for round_ in run.rounds:
        test = {name: value for name, value in round_.row.items() if name.startswith("test/")}
        for epoch in round_.epochs:
            yield {"round": round_.index, **epoch, **test}


def _of_predictions(run: Run, split: str) -> Records:
    for round_ in run.rounds:
        answers = round_.predictions(split)
        for row, right in zip(answers, rights(answers), strict=True):
            kept = {name: row[name] for name in ("id", "source", "target", "predicted")}
            yield {
                "round": round_.index, "split": split, **kept, "right": bool(right),
                "probability": probability(row),
            }  # fmt: skip


def _of_examples(run: Run) -> Records:
    used = {example.id for example in run.rounds[-1].train}
    for example in run.examples:
        yield {"used": example.id in used, **flat_row(example)}
