"""How far from gold each round's data are in a finished run: the gap of the paper's section 2.6.

`distances.py` says what is measured. A row is a point by its texts and its label, so that wrong
labels and other shares of labels are distances too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s3.analysis.distances import DRAWN, KEPT, LEAST, Points, Sample, distances
from s3.analysis.encodings import encode
from s3.analysis.gold import gold_of, task_of
from s3.analysis.results import known_as
from s3.data.example import Example
from s3.errors import UserError
from s3.runs.reading import Run

if TYPE_CHECKING:
    import pandas as pd

GOLD = "gold"  # the set that is the floor


def gap_by_round(run: Run, gold: Sequence[Example] | None = None, seed: int = 0) -> pd.DataFrame:
    """Return the distances of each round's training data from gold, and of gold from itself.

    A row a set: "round 0", "round 1" ..., and last "gold", the floor. Columns: those that all
    frames of runs begin with, `set`, `round` (none for gold), `rows` (of the set), `gold_rows`,
    `drawn` (rows of each that a draw takes), and for each measure of `distances` its mean and the
    ends of its 95 % interval: `auc`, `auc_low`, `auc_high` ... `gold` are rows to hold against
    in place of the run's gold validation rows. Encodings are kept in the run's folder.
    Raises UserError where there are too few rows, or gold has changed since.
    """
    import pandas as pd

    task = task_of(run)
    against = list(gold) if gold is not None else gold_of(run, "validation")
    sets = {f"round {round_.index}": round_.train for round_ in run.rounds}
    frame = gap(sets, against, (task.written, *task.given), run.path / "analysis", seed)
    rounds = [*range(len(run.rounds)), None]
    return pd.DataFrame({**known_as(run), "set": frame["set"], "round": rounds}).join(
        frame.drop(columns="set")
    )


def gap(
    sets: Mapping[str, Sequence[Example]],
    gold: Sequence[Example],
    fields: Sequence[str],
    folder: Path | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the distances of some sets of rows from gold, and of gold from itself, a row a set.

    `fields` are the texts of a row, the written one first. Columns as in `gap_by_round`, from
    `set` on. Of large sets some rows are drawn first, so that neither time nor memory grow.
    """
    import pandas as pd

    everyone = {**sets, GOLD: gold}
    smallest = min(map(len, everyone.values()))
    number = min(DRAWN, smallest // KEPT)
    if number < LEAST:
        raise UserError(
            f"distances from gold need {KEPT * LEAST} rows of each set, the least has {smallest}."
        )
    labels = sorted({str(one.target) for one in gold if isinstance(one.target, str)})
    samples = {
        name: sample_of(_some(rows, KEPT * DRAWN, seed), fields, labels, folder)
        for name, rows in everyone.items()
    }
    return pd.DataFrame(
        {
            "set": name,
            "rows": len(everyone[name]),
            "gold_rows": len(gold),
            "drawn": number,
            **dict(_columns(samples[name], samples[GOLD], number, seed)),
        }
        for name in samples
    )


def _columns(rows: Sample, gold: Sample, number: int, seed: int) -> Iterator[tuple[str, float]]:
    for name, found in distances(rows, gold, number, seed).items():
        yield from {name: found.mean, f"{name}_low": found.low, f"{name}_high": found.high}.items()


def _some(rows: Sequence[Example], number: int, seed: int) -> Sequence[Example]:
    """Return a seeded draw of the rows, or all where they are no more."""
    if len(rows) <= number:
        return rows
    return [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:number]]


def sample_of(
    rows: Sequence[Example], fields: Sequence[str], labels: Sequence[str], folder: Path | None
) -> Sample:
    """Return rows as points, with what each may not stand beside."""
    strata = np.array([one.origin.round for one in rows])
    return Sample(
        points_of(rows, fields, labels, folder), strata, [_shared(o, fields) for o in rows]
    )


def _shared(example: Example, fields: Sequence[str]) -> frozenset[str]:
    """Return what a row has in common with itself, what it grew from and what grew from it."""
    own = [f"row {example.id}"]
    if example.origin.source:
        own.append(f"source {example.origin.source}")
    return frozenset([*own, *(f"{name} {example.fields[name]}" for name in fields[1:])])


def points_of(
    rows: Sequence[Example], fields: Sequence[str], labels: Sequence[str], folder: Path | None
) -> Points:
    """Return rows as points of unit length, [rows, labels * size].

    Encodings u, v of two texts stand beside each other with |u - v|, as sentence encoders are used
    to judge pairs (Reimers and Gurevych, EMNLP 2019). They stand in the block of the row's label,
    the others being zero; where targets are answers there is one block.
    """
    first, *others = (encode([one.fields[name] for one in rows], folder) for name in fields)
    features = np.concatenate([first, *others, *(np.abs(first - one) for one in others)], axis=1)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    blocks = np.zeros((len(rows), max(len(labels), 1), features.shape[1]), np.float32)
    places = [labels.index(one.target) if one.target in labels else 0 for one in rows]
    blocks[np.arange(len(rows)), places] = features
    return blocks.reshape(len(rows), -1)
