"""Table 8 of the paper: coverage of gold by synthetic texts, round by round: python table8.py RUNS

RUNS are folders of runs or sweeps. A line a task, method and round: the mean over seeds of the
share of gold validation texts within each radius of a synthetic one, with the 95 % interval of the
mean over seeds (Student's t). Encodings are kept in the runs' folders.
"""

from __future__ import annotations

import sys

import pandas as pd
from scipy import stats

from s3.analysis.encodings import encode
from s3.analysis.gold import gold_of, task_of
from s3.analysis.results import find_runs
from s3.analysis.similarity import coverage
from s3.runs.reading import Run

RADII = (0.7, 0.85, 1.0, 1.15)  # cosines 0.76, 0.64, 0.50, 0.34
FREE = "1.0, others"  # within 1.0, of the gold rows that no row grew from
COLUMNS = (*RADII, FREE)


def main() -> None:
    """Print the table."""
    rows = []
    for path in find_runs(sys.argv[1:]):
        run = Run.open(path)
        written, folder = task_of(run).written, run.path / "analysis"
        gold_rows = gold_of(run, "validation")
        gold = encode([one.fields[written] for one in gold_rows], folder)
        for round_ in run.rounds:
            points = encode([one.fields[written] for one in round_.train], folder)
            about = {"task": run.summary["task"], "method": run.summary["method"]}
            shares: dict[object, float] = {
                radius: 100 * coverage(gold, points, radius) for radius in RADII
            }
            grown = {one.origin.source for one in round_.train}
            free = [i for i, one in enumerate(gold_rows) if one.origin.source not in grown]
            shares[FREE] = 100 * coverage(gold[free], points)
            rows.append({**about, "round": round_.index, "rows": len(points), **shares})
    print(f"| task | method | round | seeds | rows | {' | '.join(map(str, COLUMNS))} |")
    print("|---|---|---:|---:|---:" + "|---:" * len(COLUMNS) + "|")
    for key, group in pd.DataFrame(rows).groupby(["task", "method", "round"]):
        cells = [*map(str, key), str(len(group)), f"{group['rows'].mean():.0f}"]
        print("| " + " | ".join([*cells, *(shown(group[radius]) for radius in COLUMNS)]) + " |")


def shown(values: pd.Series) -> str:
    """Return the mean and half the width of its interval."""
    if len(values) == 1:
        return f"{values.mean():.1f}"
    half = stats.t.ppf(0.975, len(values) - 1) * values.sem()
    return f"{values.mean():.1f} ± {half:.1f}"


if __name__ == "__main__":
    main()
