"""Draws the figures of docs/when_to_extrapolate.md, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

DOCS = Path(__file__).parents[2] / "docs"
LEFT_OUT, WEAK = "The LLM leaves out a quarter of gold", "The student sees little"
TURNED = "The LLM takes one label for the other"
COLOURS = {"S3": "#d55e00", "half errors": "#b0508a", "rule": "#008060", "GoldGen": "#0072b2"}
MARKS = {"S3": "o", "half errors": "D", "rule": "^", "GoldGen": "s"}
RTE = (63.9, 45.8, 64.6, 60.3)  # measured: 150 seeds, a probe on three features


def draw_all(results: pd.DataFrame, maps: pd.DataFrame) -> None:
    """Draw six panels of rounds, and two maps."""
    from matplotlib import pyplot

    mpl.rcParams.update(
        {"svg.hashsalt": "s3", "svg.fonttype": "none", "font.size": 9, "axes.grid": True}
    )
    figure, axes = pyplot.subplots(2, 3, figsize=(11.5, 6), layout="constrained", sharex=True)
    for column, (group, title) in enumerate(
        ((LEFT_OUT, "The LLM leaves some out"), (WEAK, WEAK), (TURNED, "The LLM mistakes labels"))
    ):
        found = results[(results.group == group) & (results.setting == "as it is")]
        _lines(axes[0, column], found, "accuracy", 100, f"{title}: accuracy in %")
        _lines(axes[1, column], found, "distance", 1, f"{title}: distance from gold")
        axes[1, column].set_xlabel("round")
    axes[0, 0].legend(fontsize=8)
    axes[0, 1].plot(range(4), RTE, "k*--", label="S3 on real RTE", linewidth=0.8)
    axes[0, 1].legend(fontsize=8)
    figure.savefig(DOCS / "when_rounds.svg", metadata={"Date": None})
    _maps(maps, pyplot)


def _lines(axes: Any, found: pd.DataFrame, measure: str, times: int, title: str) -> None:
    for method, colour in COLOURS.items():
        rows = found[(found.method == method) & (found.measure == measure)]
        half = times * (rows["high"] - rows["mean"])
        axes.errorbar(
            rows["round"], times * rows["mean"], half, label=method, color=colour,
            marker=MARKS[method], markersize=4, capsize=2,
        )  # fmt: skip
    axes.set(title=title, xticks=range(4))


def _maps(maps: pd.DataFrame, pyplot: Any) -> None:
    figure, axes = pyplot.subplots(1, 2, figsize=(8, 3.6), layout="constrained", sharey=True)
    titles = {"left out": "LLM leaves out a quarter of gold", "complete": "LLM leaves out nothing"}
    for place, (name, title) in zip(axes, titles.items(), strict=True):
        cells = maps[maps["map"] == name].pivot_table(index="dose", columns="errors", values="mean")
        place.imshow(100 * cells, cmap="RdBu", vmin=-8, vmax=8, origin="lower", aspect="auto")
        for (row, column), value in zip(
            ((r, c) for r in range(cells.shape[0]) for c in range(cells.shape[1])),
            100 * cells.to_numpy().ravel(),
            strict=True,
        ):
            ink = "white" if abs(value) > 5 else "black"
            place.text(column, row, f"{value:+.1f}", ha="center", va="center", size=7, color=ink)
        place.set(title=title, xlabel="errors on gold in round 0, %", yticks=range(len(cells)))
        place.set_xticks(range(cells.shape[1]), [f"{100 * one:.0f}" for one in cells.columns])
        place.set_yticklabels([f"{one:g}" for one in cells.index])
        place.grid(False)
    axes[0].set_ylabel("additions a round / seeds")
    figure.savefig(DOCS / "when_map.svg", metadata={"Date": None})
