"""The paper's Figure 1 from finished runs: accuracy on train and on gold validation, by epoch.

`python experiments/figure1/figure.py SIZE RUN_FOLDER ...`: a Markdown table into SIZE.md beside
this file, in per cent, each figure the mean over the seeds of a method. The paper draws test by
epoch; here test scores the shipped epoch alone, and what the model has not seen is gold validation.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean

from s3.runs.reading import Run

Curves = dict[tuple[str, int], list[float]]  # method and split, epoch -> one score a seed


def main(size: str, folders: list[str]) -> None:
    """Write the table, and print it."""
    curves: Curves = defaultdict(list)
    test: dict[str, list[float]] = defaultdict(list)
    for run in (Run.open(folder) for folder in folders if Path(folder, "summary.json").exists()):
        method = str(run.summary["method"])
        test[method].append(run.best.row["test/accuracy"])
        for number, epoch in enumerate(run.rounds[0].epochs, 1):
            for split in ("train", "validation"):
                curves[f"{method}, {split}", number].append(epoch[f"{split}/accuracy"])
    if not curves:  # after a dry run
        return
    names = sorted({name for name, _ in curves})
    lines = [f"| epoch | {' | '.join(names)} |", f"| ---: |{' ---: |' * len(names)}"]
    for number in sorted({number for _, number in curves}):
        scores = [f"{100 * mean(curves[name, number]):.1f}" for name in names]
        lines.append(f"| {number} | {' | '.join(scores)} |")
    shipped = [
        f"{name} {100 * mean(scores):.1f} ({len(scores)} seeds)" for name, scores in test.items()
    ]
    text = "\n".join([*lines, "", f"Test of the epoch that ships: {', '.join(shipped)}.", ""])
    Path(__file__).with_name(f"{size}.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
