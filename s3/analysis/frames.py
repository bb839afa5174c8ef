"""Finished runs as pandas data frames: a row a run, a round, an epoch, a prediction, an example.

Each function takes folders of runs or sweeps (default: outputs and multirun). The first columns say
which run a row is of: `run` (its folder), `task`, `method`, `seed`. All are in `docs/compare.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.analysis.intervals import contributions
from s3.analysis.results import find_runs, settings_of
from s3.data.rows import flat_row
from s3.runs.reading import Run

if TYPE_CHECKING:
    import pandas as pd

Records = Iterator[Mapping[str, Any]]


def runs_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row a run: its settings, the metrics of the round that ships, what it took."""
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

    rows = []
    for path in find_runs(folders):
        run = Run.open(path)
        said = {name: run.summary.get(name) for name in ("task", "method", "seed")}
        rows += [{"run": str(path), **said, **row} for row in of(run)]
    return pd.DataFrame(rows)


def _of_run(run: Run) -> Records:
    summary = run.summary
    found = {"metric": summary["metric"], "rounds": len(run.rounds), "ships": run.best.index}
    rows = [round_.row for round_ in run.rounds]
    for column, start in (("tokens", "llm/tokens"), ("cost", "llm/cost"), ("seconds", "seconds/")):
        found[column] = sum(v for row in rows for name, v in row.items() if name.startswith(start))
    beside = {f"gold/{name}": value for name, value in summary.get("gold", {}).items()}
    yield {**settings_of(run), **found, **run.best.row, **beside}


def _of_rounds(run: Run) -> Records:
    for round_ in run.rounds:
        yield {"round": round_.index, "ships": round_.index == run.best.index, **round_.row}


def _of_epochs(run: Run) -> Records:
    for round_ in run.rounds:
        test = {name: value for name, value in round_.row.items() if name.startswith("test/")}
        for epoch in round_.epochs:
            yield {"round": round_.index, **epoch, **test}


def _of_predictions(run: Run, split: str) -> Records:
    for round_ in run.rounds:
        answers = round_.predictions(split)
        metric = "em" if answers and isinstance(answers[0]["target"], dict) else "accuracy"
        for row, right in zip(answers, contributions(metric, answers), strict=True):
            sure = row.get("probability", row.get("probabilities", {}).get(row["predicted"]))
            kept = {name: row[name] for name in ("id", "source", "target", "predicted")}
            yield {
                "round": round_.index, "split": split, **kept, "right": bool(right),
                "probability": sure,
            }  # fmt: skip


def _of_examples(run: Run) -> Records:
    used = {example.id for example in run.rounds[-1].train}
    for id_, example in run.examples.items():
        yield {"used": id_ in used, **flat_row(example)}
