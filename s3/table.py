"""The table of rounds that a run ends with."""

from __future__ import annotations

from s3.report import Report, Row


def show(report: Report) -> None:
    """Print a finished run's rounds and where its things are."""
    from rich.console import Console
    from rich.table import Table

    summary = report.summary
    assert summary is not None
    names = _scores(summary["rounds"][0])
    table = Table("round", "data", "added", "errors left", *names, "tokens", "cost $")
    for index, row in enumerate(summary["rounds"]):
        mark = " *" if index == summary["best_round"] else ""
        scores = [f"{100 * row[name]:.1f}" for name in names]
        size, added, left = (f"{row[k]:.0f}" for k in ("data/size", "data/added", "mistakes"))
        spent = (f"{row['llm/tokens']:.0f}", f"{row['llm/cost']:.4f}")
        table.add_row(f"{index}{mark}", size, added, left, *scores, *spent)
    console = Console()
    console.print(table)
    best = summary["best_round"]
    console.print(f"* round {best} is best on gold validation: its model is the one that ships.")
    for what, where in paths(report, summary).items():
        console.print(f"{what:8} {where}", soft_wrap=True, highlight=False, markup=False)


def paths(report: Report, summary: dict[str, str]) -> dict[str, str]:
    """Return what a run made and where it is."""
    folder = report.folder
    made = {"folder": folder, "data": folder / "data", "model": folder / "model"}
    return {what: str(path) for what, path in made.items()} | {"W&B": summary["wandb"]}


def _scores(row: Row) -> list[str]:
    wanted = ("train/accuracy", "validation/accuracy", "test/accuracy", "validation/em")
    return [name for name in (*wanted, "validation/f1", "test/em", "test/f1") if name in row]
