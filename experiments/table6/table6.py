"""Table 6 of the paper from the released rows: python table6.py DATA

DATA holds s3_gpt35_synthetic/, rte/train.jsonl and imdb/train_sub2500.jsonl.gz. The released rows
do not name the error that each grew from. An RTE row has its premise and label: its error is among
the gold rows with both. Of IMDb nothing is known but the label, and only 2,500 of 25,000 gold rows
are at hand: its rows are measured by themselves, and beside random gold rows of the same label.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd

from s3.analysis.extrapolations import COLUMNS, compared

KEPT = Path("outputs/table6")  # encodings
DRAWS = 1000  # of the bootstrap over rows


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read JSON Lines, packed or not."""
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    return [json.loads(line) for line in text.splitlines()]


def interval(values: pd.Series) -> str:
    """Return a mean with its 95 % bootstrap interval over rows, NaN left out."""
    known = values.dropna().to_numpy(float)
    rng = np.random.default_rng(0)
    means = [known[rng.integers(0, len(known), len(known))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [0.025, 0.975])
    digits = 4 if abs(known.mean()) < 2 else 2
    return f"{known.mean():.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def show(name: str, frame: pd.DataFrame) -> None:
    """Print a line of the table."""
    print(
        f"| {name} | {len(frame)} | " + " | ".join(interval(frame[one]) for one in COLUMNS) + " |"
    )


def rte(data: Path, numbers: tuple[int, ...]) -> None:
    """Print the lines of RTE; where several gold rows fit a released one, their mean counts."""
    by_premise = defaultdict(list)
    for row in rows_of(data / "rte/train.jsonl"):
        by_premise[row["premise"], row["label"]].append(row["hypothesis"])
    released = [
        row
        for number in numbers
        for row in rows_of(data / f"s3_gpt35_synthetic/rte_additional_{number}.jsonl")
    ]
    said = f"RTE round {numbers[0]}" if len(numbers) == 1 else "RTE"
    fits = [(by_premise[row["premise"], row["label"]], row["hypothesis"]) for row in released]
    each = compared(
        [gold for found, _ in fits for gold in found],
        [new for found, new in fits for _ in found],
        KEPT,
    )
    owner = np.repeat(range(len(fits)), [len(found) for found, _ in fits])
    show(said, each.groupby(owner).mean())
    if len(numbers) > 1:
        show("RTE, of several the nearest", each.loc[each.groupby(owner)["cosine"].idxmax()])
        every = [text for found in by_premise.values() for text in found]
        gold = random.Random(0).choices(every, k=len(fits))
        show("RTE, random gold rows: the floor", compared(gold, [new for _, new in fits], KEPT))


def imdb(data: Path) -> None:
    """Print the line of IMDb: random gold rows of the same label, the floor of the cosine."""
    by_label = defaultdict(list)
    for row in rows_of(data / "imdb/train_sub2500.jsonl.gz"):
        by_label[row["label"]].append(row["text"])
    released = [
        row
        for number in (1, 2)
        for row in rows_of(data / f"s3_gpt35_synthetic/imdb_additional_{number}.jsonl.gz")
    ]
    rng = random.Random(0)
    gold = [rng.choice(by_label[row["label"]]) for row in released]
    show(
        "IMDb, random gold rows of the label",
        compared(gold, [row["text"] for row in released], KEPT),
    )


def main() -> None:
    """Print the table."""
    data = Path(sys.argv[1])
    print("| rows | number | cosine | edit distance | error length | new length |")
    print("|---|---:|---:|---:|---:|---:|")
    for numbers in ((1, 2), (1,), (2,)):
        rte(data, numbers)
    if "--rte" not in sys.argv:
        imdb(data)


if __name__ == "__main__":
    main()
