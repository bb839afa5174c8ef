"""How subjective tasks are, by judgements of pairs of them: "which is more objective?"

The task-level subjectivity of Li et al. (EMNLP 2023), who had 540 judgements of ten tasks, 12 of
each of the 45 pairs. Here are the sheet to fill in, the judgements read from it, and what they say
of the judges; the ranking of the tasks is in `rankings.py`.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from s3.data.files import Placed, read_file
from s3.data.gold import find_column
from s3.errors import UserError

FIELDS = ("judge", "task_a", "task_b", "winner")
DRAWS = 1000  # of the bootstrap
ENDS = (2.5, 97.5)  # percentiles


@dataclass(frozen=True)
class Judgement:
    """One judge's word on which of two tasks is more objective; `first` was shown first.

    `sheet` is the file that it stands in.
    """

    judge: str
    first: str
    second: str
    winner: str
    sheet: str

    @property
    def pair(self) -> tuple[str, str]:
        """The two tasks, in whatever order they were shown."""
        return (min(self.first, self.second), max(self.first, self.second))


@dataclass(frozen=True)
class Share:
    """A share, or a number like it, with its 95 % interval."""

    value: float
    low: float
    high: float


def sheet(tasks: Sequence[str], judgements: int, seed: int) -> list[dict[str, str]]:
    """Return the rows of a sheet to fill in: every pair of tasks once for each judge.

    `judgements` is of a pair, and so the number of judges. Each judge has an own random order of
    pairs; of a pair's judgements every task stands first in half (one more where they are odd).
    """
    rng = random.Random(seed)
    asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for a, b in combinations(tasks, 2):
        shown = [(a, b), (b, a)] * (judgements // 2)
        shown += [rng.choice([(a, b), (b, a)])] * (judgements % 2)
        rng.shuffle(shown)
        for judge, pair in enumerate(shown, 1):
            asked[judge].append(pair)
    for pairs in asked.values():
        rng.shuffle(pairs)
    return [
        dict(zip(FIELDS, (str(judge), first, second, ""), strict=True))
        for judge, pairs in asked.items()
        for first, second in pairs
    ]


def read_judgements(paths: Iterable[Path]) -> tuple[list[Judgement], int]:
    """Return the judgements of filled sheets, and how many rows were left empty.

    `winner` is a, b, or the task's name. Where several files have no judge, each file is one.
    Raises UserError, with file and line, for a row that is none, or that one judge gave twice.
    """
    found: dict[tuple[str, tuple[str, str]], str] = {}
    judgements, empty = [], 0
    for path in paths:
        for placed in read_file(path):
            one = _judgement(placed, path)
            if one is None:
                empty += 1
                continue
            key = (one.judge, one.pair)
            if key in found:
                raise UserError(
                    f"{placed[0]}: judge {one.judge} judged {' and '.join(one.pair)} before, at "
                    f"{found[key]}: name judges differently, or remove one."
                )
            found[key] = placed[0]
            judgements.append(one)
    if not judgements:
        raise UserError("no judgement there: the column winner is empty in every row.")
    return judgements, empty


def _judgement(placed: Placed, path: Path) -> Judgement | None:
    place, row = placed
    judge, first, second, winner = (_text(placed, name) for name in FIELDS)
    if not winner:
        return None
    if not first or not second or first == second:
        raise UserError(f"{place}: task_a and task_b must name two tasks: {dict(row)}.")
    named = {"a": first, "b": second, first.lower(): first, second.lower(): second}
    if winner.lower() not in named:
        raise UserError(f"{place}: the winner {winner!r} is neither a, b, {first} nor {second}.")
    return Judgement(judge or path.stem, first, second, named[winner.lower()], str(path))


def _text(placed: Placed, column: str) -> str:
    name = find_column(placed[1], column)
    if name is None and column != "judge":
        columns = ", ".join(placed[1])
        raise UserError(f"{placed[0]}: no column {column!r}; columns: {columns}.")
    cell = placed[1][name] if name else ""
    return "" if cell is None else str(cell).strip()


def firsts(judgements: Sequence[Judgement]) -> Share:
    """Return how often the task shown first won, with Wilson's interval; a half is no bias."""
    from scipy.stats import binomtest

    won = sum(one.winner == one.first for one in judgements)
    test = binomtest(won, len(judgements))
    ends = test.proportion_ci(method="wilson")
    return Share(won / len(judgements), float(ends.low), float(ends.high))


def agreement_of_judges(judgements: Sequence[Judgement], seed: int = 0) -> Share | None:
    """Return how often two judges of the same pair of tasks agree, None where none has two.

    The mean over pairs of tasks of the share of pairs of their judges that agree; one half is
    chance. The interval is a bootstrap over pairs of tasks.
    """
    said: dict[Any, list[str]] = defaultdict(list)
    for one in judgements:
        said[one.pair].append(one.winner)
    return _mean_share([_alike(some) for some in said.values() if len(some) > 1], seed)


def agreement_of_sheets(
    some: Sequence[Judgement], others: Sequence[Judgement], seed: int = 0
) -> Share | None:
    """Return how often a judgement agrees with one of another sheet on the same pair of tasks.

    Mean and interval are those of `agreement_of_judges`; None where they have no pair in common.
    """
    said: dict[Any, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for side, judgements in enumerate((some, others)):
        for one in judgements:
            said[one.pair][side].append(one.winner)
    both = [list(product(*sides)) for sides in said.values() if all(sides)]
    return _mean_share([_equal(pairs) for pairs in both], seed)


def _mean_share(of_pairs: Sequence[float], seed: int) -> Share | None:
    """Return the mean over pairs of tasks and its bootstrap interval; None of no pair."""
    if not of_pairs:
        return None
    shares = np.array(of_pairs)
    rng = np.random.default_rng(seed)
    drawn = shares[rng.integers(len(shares), size=(DRAWS, len(shares)))].mean(axis=1)
    low, high = np.percentile(drawn, ENDS)
    return Share(float(shares.mean()), float(low), float(high))


def _alike(winners: Sequence[str]) -> float:
    return _equal(list(combinations(winners, 2)))


def _equal(pairs: Sequence[tuple[str, str]]) -> float:
    return sum(a == b for a, b in pairs) / len(pairs)
