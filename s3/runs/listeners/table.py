"""The table of rounds that a run ends with, and that a finished run shows when asked again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s3.runs.folder import MetricsRow, RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.reading import Run

# What a score's column is called; those come that a run has, macro-F1 only where it chooses.
NAMES = {"accuracy": "", "macro_f1": " F1", "em": " EM", "f1": " F1"}
SPLITS = {"train": "train", "validation": "val.", "test": "test"}


class Table(Listener):
    """Prints the rounds when the run has finished."""

    name = "table"

    def started(self, run: RunFolder, config: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._path = run.path

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Print the table."""
        show(Run.open(self._path))


def show(run: Run) -> None:
    """Print a finished run's rounds, what chose among them, and where its things are."""
    from rich.console import Console
    from rich.table import Table as Grid

    summary, rows = run.summary, run.summary["rounds"]
    columns = score_columns(rows[0], summary["metric"])
    grid = Grid("round", "data", "added", "errors left", *columns.values(), "tokens", "cost $")
    for index, row in enumerate(rows):
        mark = " *" if index == summary["best_round"] else ""
        counts = [f"{row[name]:.0f}" for name in ("data/size", "data/added", "mistakes")]
        scores = [f"{100 * row[name]:.1f}" for name in columns]
        spent = [f"{row['llm/tokens']:.0f}", f"{row['llm/cost']:.4f}"]
        grid.add_row(f"{index}{mark}", *counts, *scores, *spent)
    console = Console()
    console.print(grid)
    best, metric = summary["best_round"], summary["metric"].replace("_", "-")
    print(f"* round {best} is best on gold validation by {metric}: its model ships.")
    if "test/majority" in rows[0]:
        majority = 100 * rows[0]["test/majority"]
        print(f"Always the most frequent label would be right on {majority:.1f} % of test.")
    places = {"folder": run.path, "data": run.path / "data", "model": run.model}
    for what, where in {**places, "W&B": run.tracked}.items():
        if str(where):
            print(f"{what:8} {where}")


def score_columns(row: MetricsRow, metric: str) -> dict[str, str]:
    """Return the scores that have a column, each with its heading."""
    shown = [name for name in NAMES if name != "macro_f1" or metric == "macro_f1"]
    names = {
        f"{split}/{name}": heading + NAMES[name]
        for split, heading in SPLITS.items()
        for name in shown
    }
    return {
        name: heading
        for name, heading in names.items()
        if name in row and not name.startswith(("train/macro", "train/em", "train/f1"))
    }
