"""Plays settings and returns what came out, with 95 % intervals over draws."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.when_to_extrapolate.discrete import Kinds, course
from experiments.when_to_extrapolate.gaussian import METHODS, World, gold_alone, played
from experiments.when_to_extrapolate.settings import COMPLETE, LEFT_OUT, Setting

Floats = NDArray[np.float64]
Measured = Mapping[str, Floats]  # by measure, [draws, rounds + 1]

SIGNALS = (0.3, 0.5, 0.75, 1.0, 1.3, 1.7, 2.2)  # of the map: what the student sees
DOSES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


def outcome(world: World | Kinds, share: float | None, draws: int, seed: int) -> Measured:
    """Play one method in one world."""
    found: Any = (
        played(world, share, draws, seed)
        if isinstance(world, World)
        else course(world, share, draws, seed)
    )
    return {one.name: getattr(found, one.name) for one in fields(found)}


def rows_of(setting: Setting, draws: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield a row a method, round and measure; `gain` is the accuracy above GoldGen's.

    Draws are paired: the methods of a draw have the same world, gold and seeds.
    """
    said = {"group": setting.group, "setting": setting.name}
    found = {name: outcome(setting.world, share, draws, seed) for name, share in METHODS.items()}
    for method, measures in found.items():
        above = measures["accuracy"] - found["GoldGen"]["accuracy"]
        for measure, values in {**measures, "gain": above}.items():
            for round_ in range(values.shape[1]):
                row = {**said, "method": method, "round": round_, "measure": measure}
                yield row | interval(values[:, round_])
    if isinstance(setting.world, World):
        row = {**said, "method": "gold alone", "round": 0, "measure": "accuracy"}
        yield row | interval(gold_alone(setting.world, draws, seed))


def map_of(name: str, world: World, draws: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the gain of S3 over GoldGen after two rounds, by what the student sees and the dose."""
    for signal in SIGNALS:
        for dose in DOSES:
            one = replace(world, signal=signal, dose=dose, rounds=2)
            s3, goldgen = (outcome(one, share, draws, seed) for share in (1.0, 0.0))
            gain = s3["accuracy"][:, -1] - goldgen["accuracy"][:, -1]
            errors = float(s3["errors"][:, 0].mean())
            yield {"map": name, "signal": signal, "errors": errors, "dose": dose} | interval(gain)


MAPS = {"left out": LEFT_OUT, "complete": COMPLETE}


def interval(values: Floats) -> dict[str, float]:
    """Return the mean over draws, its 95 % interval, and between what 80 % of draws lie."""
    mean, half = float(values.mean()), 1.96 * float(values.std(ddof=1)) / len(values) ** 0.5
    tenth, last = (float(one) for one in np.quantile(values, [0.1, 0.9]))
    found = {"mean": mean, "low": mean - half, "high": mean + half, "p10": tenth, "p90": last}
    return {name: round(value, 5) for name, value in found.items()}
