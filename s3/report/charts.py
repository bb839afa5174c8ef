"""What a chart shows, apart from how it is drawn: values with intervals, counts, points of texts.

`drawing.py` draws each of them. All values are in per cent where they are scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """A value in per cent with the ends of its interval, at a place on the x-axis."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True)
class Series:
    """Points that belong together; a single one may be drawn as a line across the chart."""

    name: str
    points: Sequence[Point]
    level: bool = False


@dataclass(frozen=True)
class Chart:
    """Series over an x-axis, with intervals."""

    title: str
    x_name: str
    series: Sequence[Series]
    y_name: str = "per cent"
    whole: bool = False  # whether only whole numbers stand on the x-axis

    @property
    def values(self) -> list[list[str]]:
        """What is drawn as a table: the headings, then a row a point."""
        rows = [
            [one.name, "" if one.level else number(point.x), f"{point.y:.1f}", interval(point)]
            for one in self.series
            for point in one.points
        ]
        return [["", self.x_name, self.y_name, "95 %"], *rows]


@dataclass(frozen=True)
class Interval:
    """A line of a picture of intervals: a group, or its gain over another, in per cent."""

    name: str
    point: Point


@dataclass(frozen=True)
class Intervals:
    """Intervals under each other on one scale."""

    title: str
    x_name: str
    lines: Sequence[Interval]
    zero: bool = False  # whether a line stands at zero

    @property
    def values(self) -> list[list[str]]:
        """What is drawn as a table: the headings, then a row a line."""
        rows = [[one.name, f"{one.point.y:.1f}", interval(one.point)] for one in self.lines]
        return [["", self.x_name, "95 %"], *rows]


@dataclass(frozen=True)
class Confusions:
    """How often each answer was given to rows of each label, in one round."""

    title: str
    labels: list[str]
    counts: list[list[int]]  # a row a gold label
    values = ()  # a page has them as a table of its own


@dataclass(frozen=True)
class Cloud:
    """Texts of one kind as points of a map."""

    name: str
    places: Sequence[tuple[float, float]]
    texts: Sequence[str]
    ring: bool = False  # drawn around points that another cloud has


@dataclass(frozen=True)
class Map:
    """Texts as points of a plane, where near points are texts alike."""

    title: str
    method: str  # how the plane was found
    clouds: Sequence[Cloud]
    values = ()  # a point's text is its title


def number(value: float) -> str:
    """Return a number with as many digits as matter."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.4g}"


def interval(point: Point) -> str:
    """Return a point's interval as text; nothing where there is none."""
    return "" if point.low == point.high else ends(point)


def ends(point: Point) -> str:
    """Return the ends of an interval."""
    return f"{point.low:.1f} to {point.high:.1f}"
