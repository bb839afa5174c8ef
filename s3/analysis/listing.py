"""Which runs there are, a line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from s3.analysis.results import find_runs, roots
from s3.errors import UserError
from s3.runs.finding import begun_runs
from s3.runs.reading import Run
from s3.runs.rows import shipped

HEADINGS = ("task", "method", "seed", "options", "rounds", "test", "folder")


def listing(folders: Iterable[Path | str] = ()) -> Iterator[list[str]]:
    """Yield the cells of each run's line: the finished ones first, then those only begun."""
    given = list(folders)
    for path in find_runs(given):
        try:
            run = Run.open(path)
            summary, metric = run.summary, run.summary["metric"]
            reached = shipped(summary).get(f"test/{metric}")
            score = "no gold" if reached is None else f"{100 * reached:.1f} {metric}"
            what = [str(summary.get(name, "")) for name in ("task", "method", "seed")]
            also = "" if run.ships_round else " with gold"
            rounds = f"{len(run.rounds)}, ships {run.best.index}{also}"
            yield [*what, options(summary.get("options", {})), rounds, score, str(path)]
        except UserError as error:
            yield ["", "", "", str(error), "", "", str(path)]
    for root in roots(given):
        for run in begun_runs(root):
            what = [str(run.chosen.get(name, "")) for name in ("task", "method")]
            done = len(list(run.path.glob("rounds/*/metrics.json")))
            yield [*what, str(run.config.get("seed", "")), "", f"{done}, begun", "", str(run.path)]


def options(changed: Mapping[str, Any]) -> str:
    """Return options as one says them on a command line."""
    return " ".join(f"{name}={value}" for name, value in changed.items())
