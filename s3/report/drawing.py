"""Draws charts with matplotlib, for pages and papers alike: one column wide, eight points high.

Colours are those of Okabe and Ito, which the colour-blind tell apart; series differ by mark as
well. No text is read as a formula, whatever signs it has.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from s3.report.charts import Chart, Cloud, Confusions, Intervals, Map, Point, ends
from s3.text import sanitised

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 3.35  # inches: a column of ACL's, ICML's and IEEE's papers is 3.0 to 3.5 wide
# Okabe and Ito, "Color Universal Design" (2008), without the yellow, which paper swallows.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKS = "osD^vP"  # as many as go together with the colours 42 times
DODGE = 2.5  # points between the bars of two series at one place
SOFT, RULE = "#595959", "#d9d9d9"
NAME = 44  # characters of a name in a line
LONGEST = 120  # of a name
MANY = 20  # times the least value, from which an axis is logarithmic
STYLE: Any = {
    "font.family": "DejaVu Sans",  # matplotlib brings it; it has most alphabets
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": "#000000",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4.5,
    "text.parse_math": False,
    "text.usetex": False,
    "pdf.fonttype": 42,  # embedded as TrueType: publishers refuse type 3
    "svg.hashsalt": "s3",  # the same picture is the same file
}


@contextmanager
def style() -> Iterator[None]:
    """Draw and save in the style of all figures, whatever the user's own matplotlibrc says."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


@singledispatch
def draw(shown: Any) -> Figure:
    """Return a chart, intervals, confusions or a map as a figure; call it inside `style`."""
    raise TypeError(f"no drawing for {type(shown).__name__}")


def _figure(height: float) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.add_subplot()


@draw.register(Chart)
def _lines(chart: Chart) -> Figure:
    """Return series over an x-axis, their legend above them."""
    names = [one.name for one in chart.series]
    figure, axes = _figure(2.3 + _legend_height(names))
    for place, one in enumerate(chart.series):
        colour, name = COLOURS[place % len(COLOURS)], wrapped(one.name)
        if one.level:
            axes.axhline(one.points[0].y, color=colour, linestyle=(0, (4, 3)), label=name)
            continue
        aside = DODGE * (place - (len(names) - 1) / 2)
        axes.errorbar(
            [point.x for point in one.points],
            [point.y for point in one.points],
            yerr=_reach(one.points),
            color=colour,
            marker=MARKS[place % len(MARKS)],
            label=name,
            transform=_shifted(figure, axes, aside),
        )
        axes.update_datalim([(p.x, end) for p in one.points for end in (p.low, p.high)])
    axes.autoscale_view()
    axes.margins(0.08)
    axes.set_xlabel(wrapped(chart.x_name))
    axes.set_ylabel(wrapped(chart.y_name))
    _scale(axes, chart)
    _legend(figure, names)
    return figure


def _shifted(figure: Figure, axes: Any, points: float) -> Any:
    from matplotlib.transforms import ScaledTranslation

    return axes.transData + ScaledTranslation(points / 72, 0, figure.dpi_scale_trans)


def _scale(axes: Any, chart: Chart) -> None:
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    places = [point.x for one in chart.series for point in one.points if not one.level]
    if min(places) > 0 and max(places) >= MANY * min(places):
        axes.set_xscale("log")
    elif chart.whole:
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _reach(points: Sequence[Point]) -> list[list[float]]:
    """Return how far the intervals reach below and above the points."""
    below = [max(point.y - point.low, 0.0) for point in points]
    return [below, [max(point.high - point.y, 0.0) for point in points]]


@draw.register(Intervals)
def _intervals(shown: Intervals) -> Figure:
    """Return intervals under each other, each with its name and its numbers above it."""
    lines = list(shown.lines)
    names = [wrapped(one.name, NAME - 16) for one in lines]
    step = 0.34 + 0.12 * max(name.count("\n") for name in names)
    figure, axes = _figure(0.5 + step * len(lines))
    if shown.zero:
        axes.axvline(0, color=SOFT, linewidth=1)
    for place, (name, one) in enumerate(zip(names, lines, strict=True)):
        point = one.point
        axes.errorbar(
            [point.y], [-place], xerr=_reach([point]), color=COLOURS[0], marker="o", capsize=2
        )
        sides = ((0, "left", name), (1, "right", f"{point.y:.1f} ({ends(point)})"))
        for x, side, text in sides:
            axes.annotate(
                text, (x, -place), xycoords=axes.get_yaxis_transform(), xytext=(0, 4),
                textcoords="offset points", ha=side, va="bottom", fontsize=7.5,
            )  # fmt: skip
    axes.set_ylim(-len(lines) + 0.6, 0.9)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel(wrapped(shown.x_name))
    return figure


@draw.register(Confusions)
def _matrix(shown: Confusions) -> Figure:
    """Return counts in squares, darker where a gold label's share is larger."""
    import numpy as np
    from matplotlib.colors import LinearSegmentedColormap

    counts = np.array(shown.counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _figure(WIDTH * 0.8)
    blues = LinearSegmentedColormap.from_list("blues", ["#ffffff", COLOURS[0]])
    axes.imshow(shares, cmap=blues, vmin=0, vmax=1)
    for row, column in np.ndindex(*counts.shape):
        ink = "#ffffff" if shares[row, column] > 0.5 else "#000000"
        axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=ink)
    names = [textwrap.fill(_shown(label), 14) for label in shown.labels]
    turned = 45 if len(names) > 4 else 0
    axes.set_xticks(range(len(names)), names, rotation=turned, ha="right" if turned else "center")
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    axes.set_xlabel("answer of the model")
    axes.set_ylabel("gold label")
    return figure


@draw.register(Map)
def _map(shown: Map) -> Figure:
    """Return clouds of points; a cloud's points are a group of the SVG named `cloud-N`."""
    names = [one.name for one in shown.clouds]
    figure, axes = _figure(WIDTH * 0.9 + _legend_height(names))
    for place, one in enumerate(shown.clouds):
        _cloud(axes, place, one)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.set_xlabel(wrapped(shown.method))
    _legend(figure, names)
    return figure


def _cloud(axes: Any, place: int, one: Cloud) -> None:
    colour = COLOURS[(place - 1) % len(COLOURS)]  # the first, gold, is black
    face = "none" if one.ring else colour
    mark, size, over = ("o", 40, 3) if one.ring else (MARKS[place % len(MARKS)], 9, 2)
    x, y = zip(*one.places, strict=True)
    axes.scatter(
        x, y, s=size, marker=mark, facecolors=face, edgecolors=colour if one.ring else "none",
        linewidths=0.9 if one.ring else 0, zorder=over, label=wrapped(one.name),
        gid=f"cloud-{place}",
    )  # fmt: skip


def _legend(figure: Figure, names: Sequence[str]) -> None:
    if len(names) > 1:
        columns = _columns(names)
        figure.legend(loc="outside upper left", ncols=columns, borderpad=0, handletextpad=0.5)


def _columns(names: Sequence[str]) -> int:
    longest = max(map(len, names))
    return max(1, min(len(names), NAME // (longest + 4)))


def _legend_height(names: Sequence[str]) -> float:
    lines = sum(wrapped(name).count("\n") + 1 for name in names)
    return 0.16 * -(-lines // _columns(names)) if len(names) > 1 else 0.0


def wrapped(name: str, width: int = NAME) -> str:
    """Return a name in lines, a very long one cut."""
    return textwrap.fill(_shown(name), width)


def _shown(text: str) -> str:
    clean = " ".join(sanitised(text).split()) or " "
    return clean if len(clean) <= LONGEST else f"{clean[:LONGEST]}…"
