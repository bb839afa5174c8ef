"""The page of a comparison: its table, its intervals drawn, learning curves by group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s3.analysis.comparison import Comparison
from s3.analysis.formats import cells, legend
from s3.analysis.groups import Group
from s3.analysis.intervals import Estimate, contributions, estimate
from s3.report.charts import Chart, Point, Scale, Series, scale
from s3.report.page import write_page


@dataclass(frozen=True)
class Interval:
    """A line of a picture of intervals: a group, or its gain over another, in per cent."""

    name: str
    point: Point


@dataclass(frozen=True)
class Intervals:
    """Intervals under each other on one scale."""

    title: str
    lines: Sequence[Interval]
    zero: bool = False  # whether a line stands at zero

    @property
    def scale(self) -> Scale:
        """The scale that they share."""
        ends = [end for one in self.lines for end in (one.point.low, one.point.high)]
        return scale([*ends, 0.0] if self.zero else ends, 0, 300)


@dataclass(frozen=True)
class Block:
    """Groups that are scored by one metric on the same test rows."""

    name: str
    intervals: list[Intervals]
    curves: Chart


def write_comparison(found: Comparison, path: Path) -> Path:
    """Write the page of a comparison and return its path."""
    return write_page(
        path,
        "comparison.html",
        title="Comparison of runs",
        table_rows=cells(found),
        settings=len(found.names),
        legend=legend(found),
        blocks=list(blocks(found)),
        runs=[
            str(result.run.path) for one in found.groups for result in one.results if result.round
        ],
    )


def blocks(found: Comparison) -> Iterator[Block]:
    """Yield the groups that may be drawn into one picture."""
    apart: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for place, one in enumerate(found.groups):
        where = (str(one.settings.get("task")), str(one.settings["test_rows"]), one.metric)
        apart[where].append(place)
    names = shown_names(found)
    for (task, _, metric), places in apart.items():
        groups = {names[place]: found.groups[place] for place in places}
        name = f"{task}: {metric.replace('_', '-')} on test"
        scores = [Interval(group, point(one.test)) for group, one in groups.items()]
        pictures = [Intervals("Test in per cent, 95 % intervals", scores)]
        if gains := list(gained(found, places, names)):
            pictures.append(Intervals("Gain in points, 95 % intervals", gains, zero=True))
        curves = [Series(group, list(curve(one))) for group, one in groups.items()]
        title = f"{name}, in per cent by the number of examples"
        yield Block(name, pictures, Chart(title, "examples trained on", curves))


def shown_names(found: Comparison) -> list[str]:
    """Return what tells each group from others of its task: the method, and what else differs."""
    head, *rows = cells(found)
    names = head[: len(found.names)]
    return [
        " ".join(
            value if name == "method" else f"{name}={value}"
            for name, value in zip(names, row, strict=False)
            if value and name != "task"
        )
        for row in rows
    ]


def gained(found: Comparison, places: Sequence[int], names: Sequence[str]) -> Iterator[Interval]:
    """Yield the differences to the group that the others are held against."""
    for place in places:
        if held := found.differences.get(place):
            other = names[found.groups.index(held.against)]
            yield Interval(f"{names[place]} above {other}", point(held.estimate, least=-1.0))


def point(one: Estimate, x: float = 0.0, least: float = 0.0) -> Point:
    """Return an estimate in per cent; a score's interval ends where scores end."""
    low, high = max(one.low, least), min(one.high, 1.0)
    return Point(x, 100 * one.mean, 100 * low, 100 * high)


def curve(one: Group) -> Iterator[Point]:
    """Yield a group's score after each round that all its seeds have; else its one score."""
    runs = [result.run for result in one.results if result.round]
    if not runs:
        yield point(one.test, one.mean("data/size") or 0.0)
    for index in range(min((len(run.rounds) for run in runs), default=0)):
        rounds = [run.rounds[index] for run in runs]
        scores = [contributions(one.metric, round_.predictions("test")) for round_ in rounds]
        size = sum(round_.row["data/size"] for round_ in rounds) / len(rounds)
        yield point(estimate(np.stack(scores)), size)
