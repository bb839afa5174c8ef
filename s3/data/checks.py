"""What gold data must be for a run to mean something: splits apart, more than one label in each.

What makes a run meaningless is refused before anything is paid for; the rest is counted and said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from s3.data.example import Example
from s3.data.gold import GoldData
from s3.errors import UserError

Keys = dict[tuple[str, ...], set[str]]  # the normal texts of rows, with the labels they stand under
REFUSED_FROM = 0.5  # the share of the smaller split from which two that overlap are refused


def remarks(gold: GoldData, labels: Sequence[str]) -> list[str]:
    """Return what is to be said of gold data. Raises UserError where no score would mean anything.

    That is: a split with one label only, or one that has half of its rows in another, for whoever
    learns from test rows is not tested by them.
    """
    said = []
    keys: dict[str, Keys] = {}
    for name, examples in gold.apart.items():
        keys[name] = _keys(examples)
        said += _labels(name, examples, labels) + _contradictions(name, examples, keys[name])
    for one, other in (("validation", "test"), ("train", "test")):
        if one in keys and other in keys:
            said += _shared(one, other, keys)
    return said


def _keys(examples: Sequence[Example]) -> Keys:
    found: Keys = defaultdict(set)
    for example in examples:
        found[example.key()].add(str(example.target))
    return found


def _labels(name: str, examples: Sequence[Example], labels: Sequence[str]) -> list[str]:
    there = {example.target for example in examples}
    absent = [label for label in labels if label not in there]
    if labels and len(there) == 1:
        raise UserError(
            f"gold {name} has rows of one label only ({examples[0].target}, {len(examples)} rows): "
            "no model can be chosen or judged by it. Is the file sorted, or cut?"
        )
    return [f"gold {name} has no row of the label {', '.join(absent)}"] if absent else []


def _contradictions(name: str, examples: Sequence[Example], keys: Keys) -> list[str]:
    if not isinstance(examples[0].target, str):  # a question may have several answers
        return []
    torn = [example for example in examples if len(keys[example.key()]) > 1]
    if not torn:
        return []
    places = ", ".join(example.origin.source for example in torn[:4]) + ", ..." * (len(torn) > 4)
    return [f"gold {name} has {len(torn)} rows whose text stands under two labels ({places})"]


def _shared(one: str, other: str, keys: dict[str, Keys]) -> list[str]:
    shared = len(keys[one].keys() & keys[other].keys())
    if not shared:
        return []
    count = f"gold: {shared} of {len(keys[other])} {other} rows stand in {one} too"
    if shared >= REFUSED_FROM * min(len(keys[one]), len(keys[other])):
        raise UserError(
            f"{count}: the run would learn from the rows that it is scored on. Take them out of "
            f"{one}, or split the rows anew."
        )
    return [
        f"{count}: what is learnt from them makes test scores too high. Take them out of {one} (a "
        "run's gold_copies.jsonl lists them)"
    ]
