"""Compares finished runs: groups of seeds, each with its scores, and one group against the others.

What must not be compared is kept apart and said: other test rows, other gold rows under the same
options, runs whose synthetic rows are copies of gold rows.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from s3.analysis.groups import Group, choose_metrics, drop_own_data, group, number_gold, telling
from s3.analysis.intervals import Estimate, estimate, mcnemar
from s3.analysis.results import Result, find_runs, results_of
from s3.errors import UserError
from s3.runs.reading import Run

RIGHT_OR_WRONG = ("accuracy", "em")  # metrics of which McNemar's test is one


@dataclass(frozen=True)
class Difference:
    """How much better a group is than the one it is held against, over the seeds of both."""

    against: Group
    estimate: Estimate
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Groups of runs, the settings that tell them apart, differences, and what is to be said."""

    groups: list[Group]
    names: list[str]
    against: Sequence[str] = ()  # settings of the groups that the others are held against
    differences: dict[int, Difference] = field(default_factory=dict)  # by the group's place
    notes: list[str] = field(default_factory=list)

    def label(self, one: Group) -> str:
        """Return what tells a group from the others, `name=value` after `name=value`."""
        shown = {name: one.settings.get(name) for name in self.names}
        return " ".join(f"{name}={value}" for name, value in shown.items() if value is not None)


def compare(
    folders: Iterable[Path | str] = (),
    *,
    against: Sequence[str] = (),
    metric: str | None = None,
    round: str = "best",
) -> Comparison:
    """Compare the finished runs below some folders (default: outputs and multirun).

    `against` names the group to hold the others against, by its settings (`method=gold`); `metric`
    is one of those on test (default: what chose between the rounds); `round` is "best" (the one
    that ships), "last" or a number. Raises UserError where there is nothing to compare.
    """
    if round not in ("best", "last") and not round.isdecimal():
        raise UserError(f"--round {round}: best, last or a number")
    results, notes = collect(folders, round)
    number_gold(results)
    drop_own_data(results)
    everyone, repeated = group(results)
    groups = choose_metrics(everyone, metric)
    if not groups:
        known = sorted({name for one in results for name in one.metrics})
        raise UserError(f"no run has the metric {metric}; known: {', '.join(known)}")
    names = telling(groups)
    order = [name for name in names if name not in ("task", "method")]
    groups.sort(key=lambda one: [placed(one.settings.get(n)) for n in ("task", *order, "method")])
    if repeated:
        notes.append(f"{repeated} runs are the same as another, by all that decides: counted once.")
    if left := len(everyone) - len(groups):
        notes.append(f"{left} groups have no {metric}: left out.")
    found = Comparison(groups, names, against, notes=[*notes, *kept_apart(groups)])
    for place in range(len(groups) if against else 0):
        hold(found, place)
    return found


def placed(value: Any) -> tuple[float, str]:
    """Return where a setting's value stands among others: numbers by size, before all else."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return (value, "") if number else (np.inf, "" if value is None else str(value))


def collect(folders: Iterable[Path | str], round: str) -> tuple[list[Result], list[str]]:
    """Return the results of all runs that can be read, and what is to be said of the others."""
    results, notes = [], []
    for path in find_runs(folders):
        try:
            run = Run.open(path)
            found = list(results_of(run, round))
            [one.answers for one in found]  # read here, where a damaged file can be said
        except UserError as error:
            notes.append(f"left out: {error}")
            continue
        if not any(one.round for one in found):
            notes.append(f"left out: {path} has no round {round}.")
        results += found
    if not results:
        where = ", ".join(map(str, folders)) or "outputs and multirun"
        none = f"no finished run to compare in {where} ({Path.cwd()})."
        raise UserError("\n".join([none, *notes]))
    return results, notes


def kept_apart(groups: Sequence[Group]) -> Iterator[str]:
    """Yield what must not be compared with each other, and why."""
    rows: dict[Any, dict[str, int]] = defaultdict(dict)
    kinds: dict[Any, set[int]] = defaultdict(set)
    for one in groups:
        task = one.settings.get("task")
        rows[task][one.settings["test_rows"]] = len(one.rows)
        kinds[task].add(one.settings.get("gold_rows", 1))
        if split := one.settings.get("copies_of"):
            count, of = one.mean(f"audit/{split}/same_row"), one.mean("audit/rows")
            paths = ", ".join(str(result.run.path) for result in one.results)
            yield (
                f"{count:.0f} of {of or 0:.0f} synthetic rows are copies of gold {split} rows, so "
                f"this is compared with nothing: {paths}"
            )
    for task, found in rows.items():
        if len(found) > 1:
            listed = ", ".join(f"{name} ({size} rows)" for name, size in found.items())
            yield f"{task}: scored on different test rows, kept apart: {listed}."
        if len(kinds[task]) > 1:
            yield (
                f"{task}: the same options stood for {len(kinds[task])} kinds of gold rows "
                "(gold_rows, the oldest is 1), kept apart."
            )


def hold(found: Comparison, place: int) -> None:
    """Hold a group against the one asked for; say it where that cannot be.

    Of several that match, it is the one on the same test rows with the most settings in common.
    """
    one = found.groups[place]
    matching = [other for other in found.groups if matches(other, found.against, found.groups)]
    if one in matching or one.settings.get("copies_of"):
        return
    near = [
        other
        for other in matching
        if all(other.settings.get(n) == one.settings.get(n) for n in ("test_rows", "gold_rows"))
        and other.metric == one.metric
        and not other.settings.get("copies_of")
        and set(other.seeds) & set(one.seeds)
    ]
    alike = [sum(one.settings.get(n) == v for n, v in o.settings.items()) for o in near]
    closest = [other for other, count in zip(near, alike, strict=True) if count == max(alike)]
    if len(closest) == 1:
        found.differences[place] = difference(one, closest[0])
    elif closest:
        listed = "; ".join(map(found.label, closest))
        found.notes.append(f"{found.label(one)}: --against fits several, say which: {listed}")
    else:
        found.notes.append(
            f"{found.label(one)}: nothing to hold it against: {' '.join(found.against)} has no run "
            "with the same test rows, gold rows and seed."
        )


def matches(one: Group, against: Sequence[str], groups: Sequence[Group]) -> bool:
    """Return whether a group has the settings asked for, each `name=value`.

    Raises UserError for a setting or a value that no group has.
    """
    for asked in against:
        name, _, value = asked.partition("=")
        known = {str(other.settings[name]) for other in groups if name in other.settings}
        if value not in known:
            names = sorted({name for other in groups for name in other.settings})
            near = difflib.get_close_matches(name, names, 1)
            hint = f"{name} is {', '.join(sorted(known))}" if known else ", ".join(near or names)
            raise UserError(f"--against {asked}: no run has it ({hint}).")
        if str(one.settings.get(name)) != value:
            return False
    return True


def difference(one: Group, other: Group) -> Difference:
    """Return how much better one group is than another, seeds and test rows paired."""
    if one.rows != other.rows:
        raise UserError(f"{one.results[0].run.path}, {other.results[0].run.path}: other test rows.")
    seeds = sorted(set(one.seeds) & set(other.seeds))
    mine, theirs = (
        [group.scores[group.seeds.index(seed)] for seed in seeds] for group in (one, other)
    )
    found = estimate(np.array(mine) - np.array(theirs))
    exact = len(seeds) == 1 and one.metric in RIGHT_OR_WRONG
    return Difference(other, found, mcnemar(mine[0], theirs[0]) if exact else found.p_value)
