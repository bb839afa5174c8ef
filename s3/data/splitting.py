"""Splits of labelled rows: drawn with a seed, alike in their labels, no row on both sides."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

from s3.data.example import Example


def parts_of(examples: Sequence[Example], number: int, seed: int, *given: str) -> list[list[int]]:
    """Return the places of examples in `number` parts of nearly equal size and equal labels.

    Duplicates stay together; where a task has `given` texts, so does all that shares them: a model
    that has read the passage of a question has seen something of the question.
    """
    groups = [example.key(*given) for example in examples]
    strata = [one.target if isinstance(one.target, str) else "" for one in examples]
    return dealt(groups, strata, number, seed)


def dealt(
    groups: Sequence[Hashable], strata: Sequence[str], number: int, seed: int
) -> list[list[int]]:
    """Deal rows into parts: a group as a whole, in a drawn order, the rarest stratum first.

    Each group goes to the part that has the fewest rows of its stratum, of equals to the smallest.
    """
    rows: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, group in enumerate(groups):
        rows[group].append(place)
    order = list(rows.values())
    random.Random(seed).shuffle(order)
    often = Counter(strata)
    order.sort(key=lambda places: (often[strata[places[0]]], strata[places[0]]))
    parts: list[list[int]] = [[] for _ in range(number)]
    counts: list[Counter[str]] = [Counter() for _ in range(number)]
    for places in order:
        stratum = strata[places[0]]
        chosen = min(range(number), key=lambda part: (counts[part][stratum], len(parts[part])))
        parts[chosen] += places
        counts[chosen].update(strata[place] for place in places)
    return [sorted(part) for part in parts]
