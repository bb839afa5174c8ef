"""The table of rounds that a run ends with."""

from __future__ import annotations

from s3.runs.folder import MetricsRow, RunFolder

# The metrics that have a column (those that a run has), with its heading.
SCORES = {
    "train/accuracy": "train",
    "validation/accuracy": "val.",
    "test/accuracy": "test",
    "validation/em": "val. EM",
    "validation/f1": "val. F1",
    "test/em": "test EM",
    "test/f1": "test F1",
}


def show(report: RunFolder) -> None:
    """Print a finished run's rounds and where its things are."""
    from rich.console import Console
    from rich.table import Table

    summary = report.summary
    assert summary is not None
    names = [name for name in SCORES if name in summary["rounds"][0]]
    headings = ["round", "data", "added", "errors left", *(SCORES[n] for n in names)]
    table = Table(*headings, "tokens", "cost $")
    for index, row in enumerate(summary["rounds"]):
        mark = " *" if index == summary["best_round"] else ""
        table.add_row(f"{index}{mark}", *_cells(row, names))
    console = Console()
    console.print(table)
    best = summary["best_round"]
    console.print(f"* round {best} is best on gold validation: its model is the one that ships.")
    for what, where in paths(report, summary).items():
        console.print(f"{what:8} {where}", soft_wrap=True, highlight=False, markup=False)


def paths(report: RunFolder, summary: dict[str, str]) -> dict[str, str]:
    """Return what a run made and where it is."""
    folder = report.folder
    made = {"folder": folder, "data": folder / "data", "model": folder / "model"}
    return {what: str(path) for what, path in made.items()} | {"W&B": summary["wandb"]}


def _cells(row: MetricsRow, names: list[str]) -> list[str]:
    counts = [f"{row[name]:.0f}" for name in ("data/size", "data/added", "mistakes")]
    scores = [f"{100 * row[name]:.1f}" for name in names]
    return [*counts, *scores, f"{row['llm/tokens']:.0f}", f"{row['llm/cost']:.4f}"]
