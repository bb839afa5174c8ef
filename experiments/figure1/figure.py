"""The paper's Figure 1 from finished runs: accuracy on train and on gold validation, by epoch.

`python experiments/figure1/figure.py SIZE RUN_FOLDER ...`: a picture into SIZE.svg beside this file
and a Markdown table to the end of SIZE.md, in per cent: the mean over the seeds of a method with
the ends of its 95 % interval (Student's t over the seeds). The paper draws test by epoch; here test
scores the shipped epoch alone, and what the model has not seen is gold validation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from scipy import stats

import s3
from s3.report.charts import Chart, Point, Series, interval
from s3.report.figures import write_figures

HERE = Path(__file__).parent


def main(size: str, folders: list[str]) -> None:
    """Draw the picture, add the table and print it."""
    finished = [folder for folder in folders if Path(folder, "summary.json").exists()]
    if not finished:  # after a dry run
        return
    curves = list(curves_of(s3.epochs_df(*finished)))
    chart = Chart("", "epoch", curves, "accuracy in per cent", whole=True)
    list(write_figures({size: chart}, HERE, "svg"))
    text = "\n".join(["", *table(curves), ""])
    with (HERE / f"{size}.md").open("a", encoding="utf-8") as file:
        file.write(text)
    print(text)


def curves_of(epochs: pd.DataFrame) -> Iterator[Series]:
    """Yield the scores of a method on a split, by epoch."""
    for method, rows in epochs.groupby("method"):
        for split in ("train", "validation"):
            by_epoch = rows.groupby("epoch")[f"{split}/accuracy"]
            points = [point(int(epoch), scores) for epoch, scores in by_epoch]
            yield Series(f"{method}, {split}", points)


def point(epoch: int, scores: pd.Series) -> Point:
    """Return the mean over seeds in per cent; one seed has no interval."""
    mean, half = 100 * scores.mean(), 0.0
    if len(scores) > 1:
        half = 100 * stats.t.ppf(0.975, len(scores) - 1) * scores.sem()
    return Point(epoch, mean, max(mean - half, 0), min(mean + half, 100))


def table(curves: list[Series]) -> list[str]:
    """Return the lines of a table, a row an epoch."""
    lines = [
        f"| epoch | {' | '.join(one.name for one in curves)} |",
        f"| ---: |{' ---: |' * len(curves)}",
    ]
    for points in zip(*(one.points for one in curves), strict=True):
        lines.append(f"| {points[0].x} | {' | '.join(map(cell, points))} |")
    return lines


def cell(point: Point) -> str:
    """Return a mean with its interval."""
    return f"{point.y:.1f}" + (f" ({interval(point)})" if interval(point) else "")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
