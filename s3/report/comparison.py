"""The page of a comparison: its table, intervals, learning curves, what scores have cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from s3.analysis.comparison import Comparison
from s3.analysis.formats import cells, legend
from s3.analysis.groups import Group
from s3.analysis.intervals import Estimate, contributions, estimate
from s3.analysis.real_rows import curve_of, worths
from s3.report.charts import Chart, Interval, Intervals, Point, Series
from s3.report.page import write_page

# What runs took: the name of the chart's file, the metrics, the unit.
SPENT = {
    "cost-tokens": ("llm/tokens", "tokens of the LLM a run"),
    "cost-money": ("llm/cost", "US dollars a run"),
    "cost-time": ("seconds/", "seconds a run"),
}


@dataclass(frozen=True)
class Block:
    """Groups that are scored by one metric on the same test rows, and their charts by name."""

    name: str
    charts: dict[str, Any]


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
        yield Block(name, dict(charts(found, name, groups)))


def charts(found: Comparison, name: str, groups: Mapping[str, Group]) -> Iterator[tuple[str, Any]]:
    """Yield the charts of groups, each with what its file is called."""
    per_cent = f"{name.rpartition(': ')[2].partition(' ')[0]} in per cent"
    scores = [Interval(group, point(one.test)) for group, one in groups.items()]
    yield "intervals", Intervals(name, "test in per cent", scores)
    if gains := list(gained(found, groups)):
        yield "gains", Intervals(f"{name}, gains", "gain in points", gains, zero=True)
    curves = [Series(group, list(curve(one))) for group, one in groups.items()]
    yield (
        "curves",
        Chart(f"{name} by the size of the data", "examples trained on", curves, per_cent),
    )
    if held := list(mixing(groups)):
        yield "real-rows", Chart(f"{name} by real rows alone", "real rows", held, per_cent)
    for title, (prefix, unit) in SPENT.items():
        paid = {group: one.spent(prefix) for group, one in groups.items()}
        if any(paid.values()):
            yield title, Chart(f"{name} by {unit}", unit, list(costs(groups, paid)), per_cent)


def mixing(groups: Mapping[str, Group]) -> Iterator[Series]:
    """Yield the curves of real rows alone, and as levels the sets that are held against them."""
    everyone, curves = list(groups.values()), list[Any]()
    held = [one.group for one in worths(everyone)]
    for one in held:
        if (found := curve_of(one, everyone)) not in curves:
            curves.append(found)
            points = [point(other.test, number) for number, other in found]
            yield Series(f"{one.settings.get('model')}, real rows alone", points)
    for name, one in groups.items():
        if one in held:
            yield Series(name, [point(one.test)], level=True)


def costs(groups: Mapping[str, Group], paid: Mapping[str, float | None]) -> Iterator[Series]:
    """Yield each group's score at what its runs took; a line for one that took nothing known."""
    for group, one in groups.items():
        place = paid[group]
        yield Series(group, [point(one.test, place or 0.0)], level=not place)


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


def gained(found: Comparison, groups: Mapping[str, Group]) -> Iterator[Interval]:
    """Yield the differences to the group that the others are held against."""
    names = shown_names(found)
    for name, one in groups.items():
        if held := found.differences.get(found.groups.index(one)):
            other = names[found.groups.index(held.against)]
            yield Interval(f"{name} above {other}", point(held.estimate, least=-1.0))


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
