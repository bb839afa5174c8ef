"""How far from gold the training set is, round by round: S3 against GoldGen, and released rows.

`run.sh` makes the runs. Gold rows that no run has seen are what they are held against: all rows of
the split that validation was drawn from, but those that were drawn. Where DATA names the folder of
the real data, the rows that the authors released are measured, too.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from s3.analysis.gap import gap, gap_by_round
from s3.analysis.gold import gold_of, task_of
from s3.analysis.results import find_runs
from s3.data.example import Example, Origin
from s3.runs.reading import Run

HERE = Path(__file__).parent
MEASURES = ("auc", "mmd", "frechet")
RELEASED = {  # the texts' names, the gold file, the released files
    "rte": (("hypothesis", "premise"), "rte/train.jsonl", "rte_additional_{}.jsonl"),
    "imdb": (("text",), "imdb/train_sub2500.jsonl.gz", "imdb_additional_{}.jsonl.gz"),
}


def main() -> None:
    """Write SIZE_by_run.csv, SIZE_by_round.csv and released.csv; print the last two."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("size", help="begins the files' names")
    options.add_argument("folders", nargs="+", type=Path)
    asked = options.parse_args()
    runs = pd.concat([distances_of(Run.open(path)) for path in find_runs(asked.folders)])
    runs.drop(columns="run").round(4).to_csv(HERE / f"{asked.size}_by_run.csv", index=False)
    table = over_seeds(runs)
    table.round(4).to_csv(HERE / f"{asked.size}_by_round.csv", index=False)
    print(table.round(3).to_string())
    if data := os.environ.get("DATA"):
        released = pd.concat([released_rows(name, Path(data)) for name in RELEASED])
        released.round(4).to_csv(HERE / "released.csv", index=False)
        print("", released.round(3).to_string(), sep="\n")


def distances_of(run: Run) -> pd.DataFrame:
    """Return a run's distances by round from gold rows that it has not seen.

    A run that took all of them, as the paper's do, is held against those that it took.
    """
    task, seen = task_of(run), {one.id for one in gold_of(run, "validation")}
    everyone = replace(task.gold, validation_size=None).rows("validation", 0)
    unseen = [one for one in map(task.read_gold, everyone) if one.id not in seen]
    found = gap_by_round(run, unseen or None)
    scores = [round_.row["test/accuracy"] for round_ in run.rounds]
    return found.assign(accuracy=[*scores, math.nan])


def over_seeds(runs: pd.DataFrame) -> pd.DataFrame:
    """Return means over seeds with 95 % intervals (Student's t), and changes from round 0."""
    from scipy.special import stdtrit

    keys = ["task", "method", "seed"]
    first = runs[runs["round"] == 0].set_index(keys)
    rows = []
    for (task, method, name), group in runs.groupby(["task", "method", "set"], sort=False):
        row = {"task": task, "method": method, "set": name, "seeds": len(group)}
        start = first.loc[list(group[keys].itertuples(index=False, name=None))]
        for measure in (*MEASURES, "accuracy"):
            changes = group[measure].to_numpy() - start[measure].to_numpy()
            quantile = stdtrit(len(group) - 1, 0.975) / math.sqrt(len(group))
            row |= {
                measure: group[measure].mean(),
                f"{measure}_half": quantile * group[measure].std(),
            }
            row |= {
                f"{measure}_change": changes.mean(),
                f"{measure}_change_half": quantile * changes.std(ddof=1),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def released_rows(name: str, data: Path) -> pd.DataFrame:
    """Return how far GPT-3.5's released extrapolations of each round are from gold."""
    fields, gold, files = RELEASED[name]
    sets = {
        f"additions {round_}": read(data / "s3_gpt35_synthetic" / files.format(round_), fields)
        for round_ in (1, 2)
    }
    sets["both"] = [one for rows in sets.values() for one in rows]
    return gap(sets, read(data / gold, fields), fields).assign(task=name)


def read(path: Path, fields: tuple[str, ...]) -> list[Example]:
    """Return the rows of a file of JSON Lines."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Example({n: row[n] for n in fields}, str(row["label"]), Origin("file")) for row in rows]


if __name__ == "__main__":
    main()
