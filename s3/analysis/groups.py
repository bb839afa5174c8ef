"""Groups of results that differ by their seed alone, and what tells the groups apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from s3.analysis.intervals import Estimate, Floats, contributions, estimate
from s3.analysis.results import GOLD_SIZES, Result, Settings, gold_rows
from s3.runs.folder import CHOICES

MISSING = object()
APART = ("gold_rows", "copies_of")  # settings that are there only where they tell groups apart
TAKEN = ("method.seed_from", "method.add_from")  # where a run's data come from, by content


@dataclass(frozen=True)
class Group:
    """Results of the same settings, one a seed, in the seeds' order."""

    settings: Settings
    results: Sequence[Result]
    metric: str = field(default="")

    @property
    def seeds(self) -> list[int]:
        """The seeds."""
        return [result.seed for result in self.results]

    @cached_property
    def rows(self) -> list[str]:
        """The ids of the test rows."""
        return [row["id"] for row in self.results[0].answers]

    @cached_property
    def scores(self) -> Floats:
        """What each test row contributes to the metric [seeds, test rows]."""
        return np.stack([contributions(self.metric, one.answers) for one in self.results])

    @cached_property
    def test(self) -> Estimate:
        """The mean over seeds of the metric on test."""
        return estimate(self.scores)

    def mean(self, name: str) -> float | None:
        """Return the mean over seeds of one of the shown round's metrics, None without."""
        found = [result.row[name] for result in self.results if name in result.row]
        return sum(found) / len(found) if found else None

    def spent(self, prefix: str) -> float | None:
        """Return the mean over seeds of what whole runs took, such as `llm/tokens`."""
        found = [value for one in self.results if (value := one.spent(prefix)) is not None]
        return sum(found) / len(found) if found else None


def number_gold(results: Sequence[Result]) -> None:
    """Number the kinds of gold rows in the settings, the oldest first, where there are several.

    The same options stand for other rows once a file has changed. Rows that are drawn with the
    seed can be held against those of the same seed only.
    """
    kinds: dict[Hashable, dict[str, float]] = defaultdict(dict)
    places = [(one, _gold_place(one), gold_rows(one.run)) for one in results]
    for one, place, rows in places:
        age = (one.run.path / "identity.json").stat().st_mtime
        kinds[place][rows] = min(age, kinds[place].get(rows, age))
    for one, place, rows in places:
        if len(kinds[place]) > 1:
            order = sorted(kinds[place], key=lambda kind: (kinds[place][kind], kind))
            one.settings["gold_rows"] = order.index(rows) + 1


def _gold_place(result: Result) -> Hashable:
    sizes = [result.settings.get(f"task.gold.{name}") for name in GOLD_SIZES]
    drawn = any(size is not None for size in sizes)
    names = [result.settings.get(name) for name in ("task", "test_rows")]
    return (*names, *sizes, result.seed if drawn else None)


def drop_own_data(results: Sequence[Result]) -> None:
    """Drop from the settings where data were taken from, where each seed took its own.

    So does the paper's Table 5: a run adds what the run of S3 with the same seed had added.
    """
    for name in TAKEN:
        alike: dict[Hashable, list[Result]] = defaultdict(list)
        for one in results:
            if name in one.settings:
                alike[_key({**one.settings, name: None})].append(one)
        for some in alike.values():
            pairs = {(one.seed, str(one.settings[name])) for one in some}
            seeds, values = map(set, zip(*pairs, strict=True))
            if len(pairs) == len(seeds) == len(values) > 1:
                for one in some:
                    one.settings.pop(name)


def _key(settings: Settings) -> Hashable:
    return tuple(sorted((name, str(value)) for name, value in settings.items()))


def group(results: Iterable[Result]) -> tuple[list[Group], int]:
    """Return the groups, and how many results were the same run as another's."""
    found: dict[Hashable, dict[int, Result]] = defaultdict(dict)
    repeated = 0
    for one in results:
        key = _key(one.settings)
        repeated += one.seed in found[key] and one.round is not None
        found[key].setdefault(one.seed, one)
    groups = []
    for seeds in found.values():
        members = [seeds[seed] for seed in sorted(seeds)]
        groups.append(Group(members[0].settings, members))
    return groups, repeated


def choose_metrics(groups: Sequence[Group], metric: str | None) -> list[Group]:
    """Return the groups with the metric that they are compared by; those without it are left out.

    Unless one is named, it is the one that chose between rounds in most runs on these test rows.
    """
    votes: dict[Any, Counter[str]] = defaultdict(Counter)
    for one in groups:
        said = (result.run.summary["metric"] for result in one.results)
        votes[one.settings["test_rows"]].update(said)
    chosen = []
    for one in groups:
        count = votes[one.settings["test_rows"]]
        name = metric or max(sorted(count), key=lambda name: count[name])
        if all(name in result.metrics for result in one.results):
            chosen.append(Group(one.settings, one.results, name))
    return chosen


def telling(groups: Sequence[Group]) -> list[str]:
    """Return the names of the settings that tell groups apart: task, method and what else differs.

    Groups are told from those on the same test rows. What follows from another choice is not
    named: a method's own options are held against each other within the method, the LLM's within
    the LLM, and so on, on the same task and preset.
    """
    blocks: dict[str, list[Group]] = defaultdict(list)
    tests: dict[Any, set[str]] = defaultdict(set)
    for one in groups:
        blocks[one.settings["test_rows"]].append(one)
        tests[one.settings.get("task")].add(one.settings["test_rows"])
    found = dict.fromkeys(("task", "method"))
    if any(len(rows) > 1 for rows in tests.values()):
        found["test_rows"] = None
    found |= {name: None for name in APART if any(name in one.settings for one in groups)}
    names = {name for one in groups for name in one.settings}
    for name in sorted(names, key=lambda name: (name not in CHOICES, "." in name, name)):
        if any(_tells(name, block) for block in blocks.values()):
            found[name] = None
    return list(found)


def _tells(name: str, groups: Sequence[Group]) -> bool:
    """Return whether two groups that chose alike have another value of this setting."""
    if name in CHOICES:
        return len({one.settings[name] for one in groups if name in one.settings}) > 1
    part = name.partition(".")[0]
    own = {"task": "llm", "method": "method", "llm": "llm", "model": "model"}.get(part, "task")
    context = ("task", "preset", own)
    alike, within = defaultdict(set), defaultdict(set)
    for one in groups:
        value = str(one.settings.get(name, MISSING))
        alike[tuple(one.settings.get(choice) for choice in CHOICES)].add(value)
        if name in one.settings:
            within[tuple(one.settings.get(choice) for choice in context)].add(value)
    return any(len(values) > 1 for values in (*alike.values(), *within.values()))
