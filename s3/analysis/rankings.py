"""A ranking of tasks, the most objective first, from judgements of pairs of them.

How Li et al. (EMNLP 2023) made a ranking of their judgements is not known to us; here it is the win
rate, and the strengths of Bradley and Terry (Biometrika 39, 1952), in which task a is said to be
more objective than b with probability 1 / (1 + exp(b - a)).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3.analysis.judgements import (
    DRAWS,
    ENDS,
    Judgement,
    Share,
    agreement_of_judges,
    agreement_of_sheets,
    firsts,
)
from s3.errors import UserError

Floats = NDArray[np.float64]

FEW = 5  # judges, from which they are drawn as wholes
PRIOR = 0.1  # of a win, each way of each pair: strengths are finite where a task wins every time


@dataclass(frozen=True)
class Ranked:
    """A task: how often it was called the more objective, its strength, its place, 1 the first."""

    task: str
    judgements: int
    win_rate: Share
    strength: Share
    place: Share


def ranking(judgements: Sequence[Judgement], seed: int = 0) -> list[Ranked]:
    """Return the tasks, the most objective by Bradley and Terry's strengths first.

    Intervals are percentiles of a bootstrap with a seed: from five judges on, judges are drawn as
    wholes, for what one says hangs together; of fewer, judgements are. Raises UserError where the
    pairs do not connect all tasks.
    """
    tasks = sorted({name for one in judgements for name in one.pair})
    _check_connected(judgements)
    whole = wins(judgements, tasks)
    counts = [whole, *(wins(some, tasks) for some in _resampled(judgements, seed))]
    strong = [strengths(one) for one in counts]
    rates, places = _shares(map(win_rates, counts)), _shares(map(_places, strong))
    strength = _shares(strong)
    seen = (whole + whole.T).sum(axis=1)
    found = [
        Ranked(task, int(seen[i]), rates[i], strength[i], places[i]) for i, task in enumerate(tasks)
    ]
    return sorted(found, key=lambda one: one.place.value)


def wins(judgements: Iterable[Judgement], tasks: Sequence[str]) -> Floats:
    """Return how often each task won against each other [winner, loser]."""
    place = {task: index for index, task in enumerate(tasks)}
    counts = np.zeros((len(tasks), len(tasks)))
    for one in judgements:
        loser = one.second if one.winner == one.first else one.first
        counts[place[one.winner], place[loser]] += 1
    return counts


def win_rates(counts: Floats) -> Floats:
    """Return each task's share of wins; a half where a draw of the bootstrap has none of it."""
    won, lost = counts.sum(axis=1), counts.sum(axis=0)
    shares: Floats = np.divide(won, won + lost, out=np.full(len(won), 0.5), where=won + lost > 0)
    return shares


def strengths(counts: Floats) -> Floats:
    """Return Bradley and Terry's strengths, log-odds with mean zero."""
    import choix

    met = (counts + counts.T) > 0
    found: Floats = choix.ilsr_pairwise_dense(counts + PRIOR * met, alpha=1e-6, max_iter=1000)
    return np.asarray(found - found.mean())


def _places(values: Floats) -> Floats:
    from scipy.stats import rankdata

    return np.asarray(rankdata(-values, method="min"), dtype=float)


def _shares(values: Iterable[Floats]) -> list[Share]:
    """Return a share for each task; the first values are the whole sample's, the others draws'."""
    whole, *drawn = values
    low, high = np.percentile(drawn, ENDS, axis=0)
    ends = zip(whole, low, high, strict=True)
    return [Share(*map(float, one)) for one in ends]


def _resampled(judgements: Sequence[Judgement], seed: int) -> Iterable[list[Judgement]]:
    by_judge: dict[str, list[Judgement]] = defaultdict(list)
    for one in judgements:
        by_judge[one.judge].append(one)
    units = list(by_judge.values()) if len(by_judge) >= FEW else [[one] for one in judgements]
    rng = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield [one for index in rng.integers(len(units), size=len(units)) for one in units[index]]


def _check_connected(judgements: Sequence[Judgement]) -> None:
    """Raise UserError where the tasks fall into parts that were never held against each other."""
    parts: list[set[str]] = []
    for pair in {one.pair for one in judgements}:
        met = [part for part in parts if part & set(pair)]
        parts = [part for part in parts if part not in met] + [set(pair).union(*met)]
    if len(parts) > 1:
        shown = "; ".join(", ".join(sorted(part)) for part in parts)
        raise UserError(f"no judgement holds these parts against each other: {shown}.")


def cells(ranked: Sequence[Ranked]) -> list[list[str]]:
    """Return a ranking as text, win rates in per cent, its headings first."""
    head = ["place", "task", "judgements", "wins %", "95 %", "strength", "95 %", "place 95 %"]
    return [
        head,
        *(
            [
                f"{one.place.value:.0f}",
                one.task,
                str(one.judgements),
                f"{100 * one.win_rate.value:.1f}",
                f"{100 * one.win_rate.low:.1f} to {100 * one.win_rate.high:.1f}",
                f"{one.strength.value:+.2f}",
                f"{one.strength.low:+.2f} to {one.strength.high:+.2f}",
                f"{one.place.low:.0f} to {one.place.high:.0f}",
            ]
            for one in ranked
        ),
    ]


def record(one: Ranked) -> dict[str, Any]:
    """Return a ranked task as a flat row, with numbers as they are."""
    row: dict[str, Any] = {"task": one.task, "judgements": one.judgements}
    for name in ("place", "win_rate", "strength"):
        share: Share = getattr(one, name)
        row |= {name: share.value, f"{name}_low": share.low, f"{name}_high": share.high}
    return row


def findings(judgements: Sequence[Judgement], empty: int) -> Iterator[str]:
    """Yield what is to be said of the judgements: their number, agreement, position bias.

    Where there are several sheets, a line of each follows: of all together, one's bias may be even.
    """
    judges = len({one.judge for one in judgements})
    yield (
        f"{len(judgements)} judgements by {judges} judges"
        + (f"; {empty} rows are empty." if empty else ".")
        + (f" Fewer than {FEW} judges: nothing is known of others." if judges < FEW else "")
    )
    if agreed := agreement_of_judges(judgements):
        yield f"Two judges of a pair of tasks agree in {_percent(agreed)}; by chance in 50 %."
    yield f"The task shown first won in {_bias(judgements)}"
    sheets = sorted({one.sheet for one in judgements})
    for sheet in sheets if len(sheets) > 1 else ():
        yield f"{sheet}: {_of_sheet(judgements, sheet)}"


def _of_sheet(judgements: Sequence[Judgement], sheet: str) -> str:
    own = [one for one in judgements if one.sheet == sheet]
    agreed = agreement_of_sheets(own, [one for one in judgements if one.sheet != sheet])
    return (
        f"{len(own)} judgements; "
        + (f"agree with those of other sheets in {_percent(agreed)}; " if agreed else "")
        + f"the first won in {_bias(own)}"
    )


def _bias(judgements: Sequence[Judgement]) -> str:
    first = firsts(judgements)
    biased = not first.low <= 0.5 <= first.high
    return f"{_percent(first)}: " + ("position bias." if biased else "no position bias is seen.")


def _percent(one: Share) -> str:
    return f"{100 * one.value:.1f} % (95 %: {100 * one.low:.1f} to {100 * one.high:.1f})"
