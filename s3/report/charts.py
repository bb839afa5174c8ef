"""Where the parts of a chart stand: scales, ticks and marks, which the templates draw as SVG.

A chart is drawn in its own units and grows with the page. Series differ by colour and by mark, so
that no reader needs to see colours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 12, 44  # margins
COLOURS = 7  # that the style sheet has
DODGE = 4  # between the bars of two series at one place
MARKS = (  # of a series, around its point
    "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z",
    "M-4,-4h8v8h-8z",
    "M0,-5.5l5.5,5.5l-5.5,5.5l-5.5,-5.5z",
    "M0,-5l5,9h-10z",
    "M0,5l5,-9h-10z",
)


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
class Scale:
    """From values to places: `low` to `high` become `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return a value's place."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)

    @property
    def ticks(self) -> list[float]:
        """Some round numbers within the scale."""
        rough = (self.high - self.low) / 5
        power = 10 ** floor(log10(rough))
        step = next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
        places = range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)
        return [round(place * step, 10) for place in places]


def scale(values: Iterable[float], start: float, end: float, least: float = 1.0) -> Scale:
    """Return a scale with all values inside it, a little away from its ends."""
    found = list(values)
    pad = max((max(found) - min(found)) * 0.06, least / 2)
    return Scale(min(found) - pad, max(found) + pad, start, end)


@dataclass(frozen=True)
class Chart:
    """Series over an x-axis, with intervals."""

    title: str
    x_name: str
    series: Sequence[Series]

    width, height, left, right, top, bottom = WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM

    @property
    def x(self) -> Scale:
        """The scale of the x-axis."""
        places = (point.x for one in self.series if not one.level for point in one.points)
        return scale(places, LEFT, WIDTH - RIGHT)

    @property
    def y(self) -> Scale:
        """The scale of the y-axis."""
        ends = (
            end for one in self.series for point in one.points for end in (point.low, point.high)
        )
        return scale(ends, HEIGHT - BOTTOM, TOP)

    def shift(self, place: int) -> float:
        """Return how far a series stands aside, so that intervals do not hide each other."""
        return DODGE * (place - (len(self.series) - 1) / 2)

    @staticmethod
    def colour(place: int) -> str:
        """Return the class of a series' colour."""
        return f"c{place % COLOURS}"

    @staticmethod
    def mark(place: int) -> str:
        """Return the outline of a series' mark."""
        return MARKS[place % len(MARKS)]
