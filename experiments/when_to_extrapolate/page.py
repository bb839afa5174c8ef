"""The study as one page: what tells when errors are worth extrapolating, by charts and tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from experiments.when_to_extrapolate.figures import LEFT_OUT, RTE, TURNED, WEAK
from s3.report.charts import Chart, Point, Series
from s3.report.page import write_page

PAGE = Path(__file__).parent / "page.html"
METHODS = ("S3", "half errors", "rule", "GoldGen")
DRAWN = {
    "accuracy": ("Accuracy", 100, "per cent"),
    "distance": ("Distance from gold", 1, "Fréchet"),
}
VERDICT = (
    "Extrapolate errors (S3) where the LLM leaves something out that the small model can learn: "
    "gold alone is well above round 0, which gets at most about a fifth of gold validation wrong.",
    "Extrapolate random gold (GoldGen), or let the default rule mix, where the small model sees "
    "little: gold alone is level with round 0, or round 0 gets more than 30 % wrong.",
    "Extrapolate errors, as the default rule then does, where round 0 answers the wrong way round: "
    "clearly less right than answers that have nothing to do with the rows.",
)


@dataclass(frozen=True)
class Part:
    """A section of the page."""

    name: str
    words: str
    charts: list[Chart] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    note: str = "means of all draws with 95 % intervals"


def write_study(results: pd.DataFrame, maps: pd.DataFrame) -> Path:
    """Write the page and return its path."""
    return write_page(
        PAGE,
        "study.html",
        title="When to extrapolate errors, and when random gold",
        verdict=VERDICT,
        parts=[*worlds(results), doses(maps), variants(results)],
        command="python -m experiments.when_to_extrapolate; words and limits: "
        "docs/when_to_extrapolate.md",
    )


def worlds(results: pd.DataFrame) -> Iterator[Part]:
    """Yield the worlds by round."""
    words = {
        LEFT_OUT: "S3 reaches in one round what GoldGen has not in three. Then it overshoots: what "
        "is still wrong cannot be mended, and further rounds move its data away from gold.",
        WEAK: "The model's errors are the rows on which its features mislead. One round of them "
        "turns it round, the next turns it back; real RTE did the same. Mixtures do not swing.",
        TURNED: "The model learns the labels the other way round. Its errors are what shows the "
        "right way: they turn it sooner than random gold. Where it is turned, more of them turn it "
        "back; the rule extrapolates errors until then, and a mixture afterwards.",
    }
    for group, said in words.items():
        found = results[(results.group == group) & (results.setting == "as it is")]
        charts = [_chart(found, measure) for measure in DRAWN]
        if group == WEAK:
            real = Series("S3, real RTE", [Point(i, y, y, y) for i, y in enumerate(RTE)])
            charts[0] = replace(charts[0], series=[*charts[0].series, real])
        yield Part(group, said, charts)


def _chart(found: pd.DataFrame, measure: str) -> Chart:
    title, times, unit = DRAWN[measure]
    rows = found[found.measure == measure]
    series = [
        Series(
            method,
            [
                Point(one["round"], *(times * one[value] for value in ("mean", "low", "high")))
                for _, one in rows[rows.method == method].sort_values("round").iterrows()
            ],
        )
        for method in METHODS
    ]
    return Chart(f"{title} by round", "round", series, unit, whole=True)


def doses(maps: pd.DataFrame) -> Part:
    """Return S3 less GoldGen by the dose of additions and by round 0's errors."""
    tables = {}
    for name, title in (("left out", "The LLM leaves out a quarter of gold"),
                        ("complete", "The LLM leaves out nothing")):  # fmt: skip
        cells = maps[maps["map"] == name].pivot_table(index="dose", columns="errors", values="mean")
        head = ["additions / seeds", *(f"{100 * one:.0f} % wrong" for one in cells.columns)]
        rows = [
            [f"{dose:g}", *(f"{100 * value:+z.1f}" for value in row)]
            for dose, row in zip(cells.index, cells.to_numpy(), strict=True)
        ]
        tables[title] = [head, *rows]
    return Part(
        "The dose and the errors",
        "S3 less GoldGen after two rounds, in points of accuracy: a column what round 0 gets wrong "
        "on gold, a row how many additions a round makes.",
        tables=tables,
    )


def variants(results: pd.DataFrame) -> Part:
    """Return S3 less GoldGen in every setting, after the last round."""
    gain = results[(results.measure == "gain") & (results.method == "S3")]
    last = gain[gain["round"] == gain["round"].max()]
    tables = {}
    for group, rows in last.groupby("group", sort=False):
        lines = [
            [
                one.setting,
                f"{100 * one['mean']:+z.1f}",
                f"{100 * one.low:z.1f} to {100 * one.high:z.1f}",
            ]
            for _, one in rows.iterrows()
        ]
        tables[str(group)] = [["setting", "S3 less GoldGen", "95 %"], *lines]
    words = "S3 less GoldGen after three rounds, in points of accuracy, paired by draw."
    return Part("What changes it", words, tables=tables)
