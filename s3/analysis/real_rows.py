"""How many real rows alone are worth a set of synthetic ones.

Runs of `method=gold` with several `method.real` are a curve: the score of real rows alone by their
number. A set is worth the number at which the curve reaches its score.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.analysis.comparison import Comparison, compare, difference
from s3.analysis.groups import Group
from s3.analysis.intervals import Estimate
from s3.analysis.results import decides_alone
from s3.methods import GoldOnly

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Worth:
    """The real rows that a group with synthetic data is worth, and the ends of their interval.

    0 stands for the least number on the curve or fewer, infinity for more than its most.
    """

    group: Group
    sizes: Sequence[float]  # the numbers of real rows on the curve
    rows: float
    low: float
    high: float


def worths(groups: Sequence[Group]) -> Iterator[Worth]:
    """Yield what each group with synthetic data is worth, where there is a curve to hold it to.

    The differences between the curve and the set are paired by seed and test row, each with its
    95 % interval. The set is worth the number of rows at which the difference is first zero, and
    the interval has the numbers at which zero first enters and first leaves the differences'
    intervals. Between two numbers the difference is taken to be linear in their logarithm.
    """
    for one in groups:
        if is_gold(one) or one.results[0].beside or "copies_of" in one.settings:
            continue
        held = [
            (number, difference(other, one).estimate)
            for number, other in curve_of(one, groups)
            if set(other.seeds) & set(one.seeds)
        ]
        if len(held) > 1:
            yield worth(one, held)


def worth(one: Group, held: Sequence[tuple[float, Estimate]]) -> Worth:
    """Return what a group is worth, given how far real rows alone lie above it, by their number."""
    sizes = [number for number, _ in held]
    gains = [estimate for _, estimate in held]
    ends = ([gain.mean for gain in gains], [gain.high for gain in gains], [g.low for g in gains])
    return Worth(one, sizes, *(reaching_zero(sizes, end) for end in ends))


def curve_of(one: Group, groups: Sequence[Group]) -> list[tuple[float, Group]]:
    """Return the groups of real rows alone that share all with a group but data, by their size."""
    alike = [other for other in groups if is_gold(other) and alone(other) == alone(one)]
    sizes = [other.mean("data/size") or 0.0 for other in alike]
    return sorted(zip(sizes, alike, strict=True), key=lambda pair: pair[0])


def is_gold(one: Group) -> bool:
    """Say whether a group's runs were trained on real rows alone."""
    return one.settings.get("method.class") == GoldOnly.__name__ and not one.results[0].beside


def alone(one: Group) -> dict[str, Any]:
    """Return what decides the score of real rows alone: small model, task, test rows, metric."""
    return {n: value for n, value in one.settings.items() if decides_alone(n)} | {"": one.metric}


def reaching_zero(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return where rising values first reach zero: 0 if at the first size, inf if at none."""
    if values[0] >= 0:
        return 0.0
    for (size, value), (larger, reached) in pairwise(zip(sizes, values, strict=True)):
        if reached >= 0:
            return float(size * (larger / size) ** (value / (value - reached)))
    return math.inf


def said(found: Comparison) -> Iterator[str]:
    """Yield a sentence for each group of a comparison that real rows can be held against."""
    for one in worths(found.groups):
        names = [counted(one, number) for number in (one.rows, one.low, one.high)]
        yield (
            f"{found.label(one.group)}: worth {names[0]} real rows alone (95 %: {names[1]} to "
            f"{names[2]}; measured at {', '.join(f'{size:.0f}' for size in one.sizes)})"
        )


def counted(one: Worth, number: float) -> str:
    """Return a number of real rows in words, where it lies outside the curve."""
    if number == 0:
        return f"at most {one.sizes[0]:.0f}"
    return f"more than {one.sizes[-1]:.0f}" if math.isinf(number) else f"{number:.0f}"


def real_rows_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row a group of runs with synthetic data: how many real rows alone it is worth.

    Columns: the settings that tell the groups apart; `metric`, `test`; `rows` with `rows_low` and
    `rows_high` (`Worth`); `least` and `most`, the ends of the curve. Raises UserError without runs.
    """
    import pandas as pd

    found = compare(folders)
    return pd.DataFrame([
        {name: one.group.settings.get(name) for name in found.names}
        | {"metric": one.group.metric, "test": one.group.test.mean}
        | {"rows": one.rows, "rows_low": one.low, "rows_high": one.high}
        | {"least": one.sizes[0], "most": one.sizes[-1]}
        for one in worths(found.groups)
    ])  # fmt: skip
