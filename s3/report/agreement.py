"""Draws test scores over annotators' agreement: several groups of runs in one chart a test set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s3.report.charts import Chart, Point, Series

OWN = {
    "agreement_of",
    "metric",
    "agreement",
    "rows",
    "share",
    "seeds",
    "test",
    "test_low",
    "test_high",
}
Record = Mapping[str, Any]


def agreement_charts(rows: Sequence[Record]) -> Iterator[Chart]:
    """Yield a chart for each task, metric and set of test rows, with the share of rows left."""
    blocks: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for row in rows:
        blocks[str(row.get("task")), str(row.get("test_rows", "")), row["metric"]].append(row)
    for (task, _, metric), block in blocks.items():
        groups: dict[str, list[Record]] = defaultdict(list)
        for row in block:
            groups[_name(row)].append(row)
        series = [Series(name, list(map(_point, some))) for name, some in groups.items()]
        left = {row["agreement"]: 100 * row["share"] for row in block}
        series.append(Series("rows left", [Point(x, y, y, y) for x, y in left.items()]))
        score = metric.replace("_", "-")
        who = block[0].get("agreement_of", "annotators")
        title = f"{task}: {score} over agreement of {who}"
        yield Chart(title, f"agreement of {who} at least", series, f"{score} and rows left, %")


def _name(row: Record) -> str:
    told = {name: value for name, value in row.items() if name not in OWN | {"task", "test_rows"}}
    return " ".join(
        str(value) if name == "method" else f"{name}={value}"
        for name, value in told.items()
        if value is not None
    )


def _point(row: Record) -> Point:
    ends = (row["test"], row["test_low"], row["test_high"])
    return Point(row["agreement"], *(100 * value for value in ends))
