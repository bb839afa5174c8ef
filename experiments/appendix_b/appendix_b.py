"""Appendix B of the paper: operations and money per method: python appendix_b.py [RUNS...]

The first table is the paper's formula, 6 x tokens x parameters a record and epoch, with Table 2's
sizes, DistilBERT's 66 million parameters, the epochs of the released code (ZeroGen's: its paper's)
and the tokens of a padded record, 512, as that code pads; S3 and GoldGen train anew for each round,
so their trainings add up. The second is what finished runs took, mean over seeds.
"""

from __future__ import annotations

import sys

from s3.analysis.cost import LEARNING
from s3.analysis.measures import measures_df

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
SUMS = ("training_operations", "llm_operations", "llm_tokens", "llm_cost")


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
    frame = measures_df(*folders)
    whole = frame.groupby(["task", "method", "seed", "run"], as_index=False)[list(SUMS)].sum(
        min_count=1
    )
    last = frame.groupby("run")["rows"].last()
    whole["rows"] = whole["run"].map(last)
    print("\n| task | method | seeds | rows | training | LLM | LLM tokens | $ |")
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for (task, method), group in whole.groupby(["task", "method"]):
        mean = group[["rows", *SUMS]].mean()
        print(
            f"| {task} | {method} | {len(group)} | {mean['rows']:.0f} "
            f"| {mean['training_operations']:.2g} | {mean['llm_operations']:.2g} "
            f"| {mean['llm_tokens']:.0f} | {mean['llm_cost']:.2f} |"
        )


def main() -> None:
    """Print both tables."""
    of_paper()
    if sys.argv[1:]:
        of_runs(sys.argv[1:])


if __name__ == "__main__":
    main()
