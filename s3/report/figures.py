"""Figures of runs and comparisons as files for a paper."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from s3.analysis.comparison import Comparison
from s3.errors import UserError
from s3.report.comparison import blocks
from s3.report.drawing import draw, style
from s3.report.findings import confusions, epochs_chart, scores_chart
from s3.report.maps import run_map
from s3.runs.reading import Run

STAMPS = {"pdf": {"CreationDate": None}, "svg": {"Date": None}}  # the same figure is the same file


def run_figures(run: Run, map_method: str) -> tuple[dict[str, Any], list[str]]:
    """Return the charts of a run by their files' names, and why others cannot be drawn."""
    found, missing = {}, []
    parts: dict[str, Callable[[], Any]] = {
        "scores": lambda: scores_chart(run),
        "epochs": lambda: epochs_chart(run),
        "confusions": lambda: next(iter(confusions(run)[run.best.index :]), None),
        "map": lambda: run_map(run, map_method),
    }
    for name, of in parts.items():
        try:
            if (chart := of()) is not None:
                found[name] = chart
        except (UserError, KeyError, ValueError) as error:
            missing.append(f"{run.name}: no {name}: {error}")
    return found, missing


def comparison_figures(found: Comparison) -> dict[str, Any]:
    """Return the charts of a comparison by their files' names, numbered where tasks are several."""
    parts = list(blocks(found))
    return {
        f"{name}-{place}" if len(parts) > 1 else name: chart
        for place, block in enumerate(parts, 1)
        for name, chart in block.charts.items()
    }


def write_figures(charts: Mapping[str, Any], folder: Path, kind: str) -> Iterator[Path]:
    """Write charts as files of a kind, "pdf" or "svg", and yield their paths; fonts are in them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with style():
            for name, chart in charts.items():
                path = folder / f"{name}.{kind}"
                draw(chart).savefig(path, metadata=STAMPS[kind])
                yield path
    except OSError as error:
        raise UserError(f"{error}: -o DIR names another folder.") from None
