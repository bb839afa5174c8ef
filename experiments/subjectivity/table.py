"""The table of the study, the subjectivity of the tasks beside it, and how the two go together.

`python experiments/subjectivity/table.py RUNS --rows 24 --judgements SHEET.csv`
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from s3.analysis.intervals import Estimate, Floats, contributions, estimate, rank_correlation
from s3.analysis.judgements import read_judgements
from s3.analysis.rankings import findings, ranking
from s3.analysis.results import Result, find_runs, results_of
from s3.runs.reading import Run

METRICS = ("accuracy", "macro_f1")
SYNTHETIC = ("zeroshot", "fewshot")
FEWEST = 4  # tasks that a rank correlation is given of
Seeds = dict[int, Result]
Found = Mapping[tuple[str, str], Seeds]  # by task and kind of rows


def collected(folder: Path, rows: int, most: int) -> Found:
    """Return the results by task and kind: `real`, `zeroshot`, `fewshot` of so many rows, `more`.

    `more` are the runs on `most` real rows; runs of other sizes are left out.
    """
    found: dict[tuple[str, str], Seeds] = defaultdict(dict)
    for run in map(Run.open, find_runs([folder])):
        kind = str(run.summary["method"])
        real = kind == "gold"
        size = run.config["task"]["gold"]["train_size"] if real else run.config["seed_size"]
        if size not in (rows, most):
            continue
        if real:
            kind = "real" if size == rows else "more"
        for one in results_of(run, "best"):
            found[str(run.summary["task"]), kind][one.seed] = one
    return found


def scores(seeds: Seeds, metric: str) -> Floats:
    """Return what each test row contributes to a metric, in per cent [seeds, test rows]."""
    return 100 * np.stack([contributions(metric, seeds[seed].answers) for seed in sorted(seeds)])


def drop(found: Found, task: str, kind: str, metric: str) -> Estimate:
    """Return how far synthetic rows are above as many real ones: over seeds that have both."""
    one, real = found[task, kind], found[task, "real"]
    both = one.keys() & real.keys()
    kept = [{seed: some[seed] for seed in both} for some in (one, real)]
    return estimate(scores(kept[0], metric) - scores(kept[1], metric))


def table(found: Found, tasks: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table in the paper's form: mean and deviation, difference to real."""
    yield "| task | metric | seeds | real | zero-shot | few-shot | more real |"
    yield "|---|---|---|---|---|---|---|"
    for task in tasks:
        for metric in METRICS:
            cells = [shown(found, task, kind, metric) for kind in ("real", *SYNTHETIC, "more")]
            yield f"| {task} | {metric} | {len(found[task, 'real'])} | {' | '.join(cells)} |"


def shown(found: Found, task: str, kind: str, metric: str) -> str:
    """Return a cell: mean, deviation over seeds, and of synthetic rows the difference to real."""
    if not (seeds := found.get((task, kind))):
        return ""
    one = estimate(scores(seeds, metric))
    cell = f"{one.mean:.1f}" + ("" if np.isnan(one.deviation) else f" ± {one.deviation:.1f}")
    if kind in SYNTHETIC:
        less = drop(found, task, kind, metric)
        cell += f" ({less.mean:+.1f}, {less.low:+.1f} to {less.high:+.1f})"
    return cell


def beside(found: Found, tasks: Sequence[str], sheets: Sequence[Path]) -> Iterator[str]:
    """Yield the ranking of the tasks, and its correlation with the differences to real rows."""
    judgements, empty = read_judgements(list(sheets))
    ranked = [one for one in ranking(judgements) if one.task in tasks]
    yield "\n| task | place, the most objective first (95 %) | strength (95 %) |"
    yield "|---|---|---|"
    for one in ranked:
        place, strength = one.place, one.strength
        yield (
            f"| {one.task} | {place.value:.0f} ({place.low:.0f} to {place.high:.0f}) | "
            f"{strength.value:+.2f} ({strength.low:+.2f} to {strength.high:+.2f}) |"
        )
    yield ""
    yield from findings(judgements, empty)
    for kind in SYNTHETIC:
        with_both = [one for one in ranked if (one.task, kind) in found]
        if len(with_both) < FEWEST:
            continue
        places = np.array([one.place.value for one in with_both])
        drops = np.array([drop(found, one.task, kind, "macro_f1").mean for one in with_both])
        rho, low, high = rank_correlation(places, drops)
        yield (
            f"{kind}: Spearman's correlation of a task's place (the higher, the more subjective) "
            f"with the difference to real, over {len(places)} tasks: {rho:+.2f} "
            f"({low:+.2f} to {high:+.2f})"
        )


def main() -> None:
    """Print the table and, with sheets of judgements, what stands beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--rows", type=int, default=24)
    parser.add_argument("--most", type=int, default=800)
    parser.add_argument("--judgements", type=Path, nargs="*", default=[])
    given = parser.parse_args()
    found = collected(given.runs, given.rows, given.most)
    tasks = list(dict.fromkeys(task for task, kind in found if kind == "real"))
    if not tasks:
        sys.exit(f"{given.runs}: no run of {given.rows} real rows")
    print("\n".join(table(found, tasks)))
    if given.judgements:
        print("\n".join(beside(found, tasks, given.judgements)))


if __name__ == "__main__":
    main()
