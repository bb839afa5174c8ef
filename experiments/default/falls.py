"""Does a round fall below the one before it? Finished runs of one kind, seed by seed and together.

On test, and with `--unseen` on gold rows that none of the runs has seen, too: those of the file
that gold validation was drawn from. For these each round's probe is trained again, in seconds, as
the run trained it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from s3.analysis.gold import gold_of, task_of
from s3.analysis.intervals import contributions, estimate, mcnemar
from s3.data.example import Example
from s3.runs.reading import Run
from s3.student import Student

Floats = NDArray[np.float64]


def main() -> None:
    """Print, for each set of rows, the scores by round and the differences between rounds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folders", nargs="+", type=Path, help="runs that differ by their seed")
    options.add_argument(
        "--unseen", action="store_true", help="gold rows that no run has seen, too"
    )
    given = options.parse_args()
    runs = [Run.open(folder) for folder in given.folders]
    metric = runs[0].summary["metric"]
    say(
        "test",
        runs,
        [[contributions(metric, r.predictions("test")) for r in x.rounds] for x in runs],
    )
    if given.unseen:
        rows = unseen_by(runs)
        say("unseen gold", runs, list(again(runs, rows)))


def say(name: str, runs: Sequence[Run], rights: Sequence[Sequence[Floats]]) -> None:
    """Print a table of what is right by run and round, [runs][rounds], a number each row."""
    print(f"\n{name}, {len(rights[0][0])} rows\n")
    last = len(rights[0])
    steps = [f"{i} against {i - 1}" for i in range(1, last)]
    print("| seed | " + " | ".join([*(f"round {i}" for i in range(last)), *steps, "ships"]) + " |")
    print("|---" * (2 * last + 1) + "|")
    for run, rounds in zip(runs, rights, strict=True):
        scores = [f"{100 * one.mean():.1f}" for one in rounds]
        falls = [step(a, b) for b, a in pairwise(rounds)]
        ships = f"round {run.best.index}"
        print(f"| {run.summary['seed']} | " + " | ".join([*scores, *falls, ships]) + " |")
    every = np.array(rights)  # [seeds, rounds, rows]
    shipped = np.array([rounds[run.best.index] for run, rounds in zip(runs, rights, strict=True)])
    means = [f"{100 * every[:, i].mean():.1f}" for i in range(last)]
    gains = [over_seeds(every[:, i] - every[:, i - 1]) for i in range(1, last)]
    print(f"| mean | {' | '.join([*means, *gains])} | {100 * shipped.mean():.1f} |")
    print(f"\nwhat ships against round 0: {over_seeds(shipped - every[:, 0])}")


def step(rights: Floats, before: Floats) -> str:
    """Return a paired difference in points with its standard error; McNemar's p where it falls."""
    change = rights - before
    error = 100 * change.std() / np.sqrt(len(change))
    fall = f", p {mcnemar(rights, before):.2f}" if change.mean() < 0 else ""
    return f"{100 * change.mean():+.1f} ± {error:.1f}{fall}"


def over_seeds(change: Floats) -> str:
    """Return the mean over seeds and rows [seeds, rows] in points with its 95 % interval."""
    found = estimate(change)
    return f"{100 * found.mean:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"


def unseen_by(runs: Sequence[Run]) -> list[Example]:
    """Return the gold rows that none of the runs drew for its gold validation."""
    task = task_of(runs[0])
    seen = {one.id for run in runs for one in gold_of(run, "validation")}
    everyone = replace(task.gold, validation_size=None).rows("validation", 0)
    return [one for one in map(task.read_gold, everyone) if one.id not in seen]


def again(runs: Sequence[Run], rows: list[Example]) -> Iterator[list[Floats]]:
    """Train each run's rounds again, and yield what they have right among the rows, by round."""
    student, head = student_of(runs[0]), task_of(runs[0]).head()
    for run in runs:
        gold, found, start = gold_of(run, "validation"), [], None
        with tempfile.TemporaryDirectory() as place:
            for round_ in run.rounds:
                folder = Path(place) / str(round_.index)
                given = {"seed": run.summary["seed"], "folder": folder, "start": start}
                start = student.fit(head, round_.train, gold, **given)
                written = [row["predicted"] for row in round_.predictions("validation")]
                if start.validation.answers != written:
                    raise SystemExit(f"{run.name}: round {round_.index} is another probe by now")
                answers = start.predict(rows).answers
                pairs = zip(answers, rows, strict=True)
                found.append(np.array([float(said == row.target) for said, row in pairs]))
        yield found


def student_of(run: Run) -> Student:
    """Return the small model of a run's configuration."""
    schema = OmegaConf.structured(Student)
    built: Any = OmegaConf.to_object(OmegaConf.merge(schema, run.config["model"]))
    assert isinstance(built, Student)
    return built


if __name__ == "__main__":
    main()
