"""Appendix B of the paper: operations and money per method: python appendix_b.py [RUNS...]

The first table is the paper's formula, 6 x tokens x parameters a record and epoch, with Table 2's
sizes, DistilBERT's 66 million parameters, the epochs of the released code (ZeroGen's: its paper's)
and the tokens of a padded record, 512, as that code pads; S3 and GoldGen train anew for each round,
so their trainings add up. The second is what finished runs took, mean over seeds.
"""

from __future__ import annotations

import sys

import pandas as pd

from s3.analysis.cost import LEARNING, llm_operations, training_operations
from s3.analysis.results import find_runs
from s3.runs.reading import Run

DISTILBERT, PADDED = 66e6, 512
EPOCHS = {"IMDb": 6, "QNLI": 10, "RTE": 20, "AdQA": 10}
ZEROGEN_EPOCHS = 3
SIZES = {  # thousand rows of the last training
    "Gold Data": {"IMDb": 25, "QNLI": 105, "RTE": 2.5, "AdQA": 30},
    "ZeroGen": {"IMDb": 200, "QNLI": 200, "RTE": 200, "AdQA": 200},
    "GoldGen": {"IMDb": 25, "QNLI": 150, "RTE": 30, "AdQA": 80},
    "S3": {"IMDb": 21.2, "QNLI": 168, "RTE": 33.6, "AdQA": 81.5},
}
ADDED = {"IMDb": (3.291, 2.882), "RTE": (0.883, 0.639)}  # thousand rows of a round, as released


def trained(method: str, task: str, size: float) -> float:
    """Return the thousand rows that all trainings of a method read in an epoch."""
    if method != "S3":
        return size
    if task in ADDED:
        first, second = ADDED[task]
        return (size - first - second) + (size - second) + size
    return 3 * size  # the rounds' sizes are not known: at most this


def of_paper() -> None:
    """Print the operations of the paper's trainings."""
    print(f"| method | {' | '.join(EPOCHS)} |\n|---|" + "---:|" * len(EPOCHS))
    for method, sizes in SIZES.items():
        cells = []
        for task, size in sizes.items():
            epochs = ZEROGEN_EPOCHS if method == "ZeroGen" else EPOCHS[task]
            rows = 1000 * trained(method, task, size)
            bound = "≤ " if method == "S3" and task not in ADDED else ""
            cells.append(f"{bound}{LEARNING * DISTILBERT * PADDED * rows * epochs:.2g}")
        print(f"| {method} | {' | '.join(cells)} |")


def of_runs(folders: list[str]) -> None:
    """Print what runs took, all their rounds together."""
    found = []
    for run in map(Run.open, find_runs(folders)):
        rounds = run.rounds
        found.append(
            {
                "task": run.summary["task"],
                "method": run.summary["method"],
                "rows": len(rounds[-1].train),
                "training": sum(training_operations(run, one) for one in rounds),
                "llm": sum(llm_operations(run, one) for one in rounds),
                "tokens": sum(one.row["llm/tokens"] for one in rounds),
                "cost": sum(one.row["llm/cost"] for one in rounds),
            }
        )
    print("\n| task | method | seeds | rows | training | LLM | LLM tokens | $ |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for (task, method), group in pd.DataFrame(found).groupby(["task", "method"]):
        mean = group.mean(numeric_only=True)
        print(
            f"| {task} | {method} | {len(group)} | {mean['rows']:.0f} | {mean['training']:.2g} "
            f"| {mean['llm']:.2g} | {mean['tokens']:.0f} | {mean['cost']:.2f} |"
        )


def main() -> None:
    """Print both tables."""
    of_paper()
    if sys.argv[1:]:
        of_runs(sys.argv[1:])


if __name__ == "__main__":
    main()
