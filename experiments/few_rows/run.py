"""The probe and fine-tuning on fifty to five hundred gold rows: accuracy, collapse, seconds.

Each draw takes as many rows of every label as it can, and 150 further rows as gold validation; the
test rows are the same for all draws.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

from omegaconf import OmegaConf

from s3.data.example import Example
from s3.student import Classifier, Student

ROOT = Path(__file__).parents[2]
GOLD = 150  # rows of gold validation
# Each set: training rows, the file they are drawn from, the test file, its rows, the texts' names.
SETS: dict[str, tuple[int, str, str, int, tuple[str, ...]]] = {
    "rte": (300, "rte/train.jsonl", "rte/validation.jsonl", 277, ("hypothesis", "premise")),
    "qnli": (
        100,
        "qnli/train_sub9999.jsonl.gz",
        "qnli/validation.jsonl.gz",
        600,
        ("question", "sentence"),
    ),
    "chaosnli": (200, "chaosnli/snli.jsonl", "", 600, ("hypothesis", "premise")),
    "imdb": (100, "imdb/train_sub2500.jsonl.gz", "imdb/test_sub2500.jsonl.gz", 400, ("text",)),
    "sms_spam": (100, "sms_spam/all.jsonl", "", 600, ("text",)),
    "financial_phrasebank": (100, "financial_phrasebank/all.jsonl", "", 600, ("text",)),
    "tweeteval_irony": (
        200,
        "tweeteval_irony/train.jsonl",
        "tweeteval_irony/test.jsonl",
        600,
        ("text",),
    ),
    "tweeteval_emotion": (
        200,
        "tweeteval_emotion/train.jsonl",
        "tweeteval_emotion/test.jsonl",
        600,
        ("text",),
    ),
    "ag_news": (200, "ag_news/train_sub1000.jsonl", "ag_news/test.jsonl.gz", 600, ("text",)),
}


def main() -> None:
    """Print the table, a line as soon as it is known."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="a folder with a folder a set")
    options.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options.add_argument("--training", nargs="+", default=["probe", "finetune"])
    options.add_argument("--draws", type=int, default=5)
    options.add_argument("--model", nargs="*", default=[], help="options, as learning_rate=2e-5")
    given = options.parse_args()
    print("| set, rows | training | accuracy | worst share of one label | seconds |")
    print("|---|---|---|---|---|")
    for name in given.sets:
        for training in given.training:
            say(name, training, given)


def say(name: str, training: str, given: argparse.Namespace) -> None:
    """Print one line of the table."""
    rows, source, tested, count, fields = SETS[name]
    pool = shuffled(read(given.data / source, fields))
    test = shuffled(read(given.data / tested, fields))[:count] if tested else pool[-count:]
    pool = pool if tested else pool[:-count]
    head = Classifier(tuple(sorted({row.target for row in test})), fields)
    small = student([f"training={training}", *given.model])
    scores, shares, seconds = [], [], []
    for draw in range(given.draws):
        train, gold = drawn(pool, rows, draw)
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            fitted = small.fit(head, train, gold, seed=draw, folder=Path(folder))
            seconds.append(time.monotonic() - began)
            answers = fitted.predict(test).answers
        scores.append(100 * head.score(test, answers)["accuracy"])
        shares.append(100 * max(Counter(answers).values()) / len(answers))
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    print(
        f"| {name}, {rows} | {training}, {given.draws} draws | "
        f"{statistics.mean(scores):.1f} ± {spread:.1f} | "
        f"{max(shares):.0f} % | {statistics.median(seconds):.1f} |",
        flush=True,
    )


def student(changes: list[str]) -> Student:
    """Return the default student of s3/conf/model/minilm.yaml, with changes (`option=value`)."""
    config = OmegaConf.load(ROOT / "s3/conf/model/minilm.yaml")
    del config["defaults"]
    given = OmegaConf.from_dotlist(changes)
    built = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Student), config, given))
    assert isinstance(built, Student)
    return built


def read(file: Path, fields: tuple[str, ...]) -> list[Example]:
    """Return the rows of a JSON Lines file, packed or not."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        rows = [json.loads(line) for line in lines]
    return [Example({name: row[name] for name in fields}, str(row["label"])) for row in rows]


def shuffled(rows: list[Example], seed: int = 0) -> list[Example]:
    """Return the rows in an order of this seed's own."""
    return random.Random(seed).sample(rows, len(rows))


def drawn(pool: list[Example], count: int, seed: int) -> tuple[list[Example], list[Example]]:
    """Return training rows, as many of each label as can be, and others for gold validation."""
    gold, *rest = shuffled(pool, seed)[:GOLD], *shuffled(pool, seed)[GOLD:]
    labels = sorted({row.target for row in pool})
    of = {label: [row for row in rest if row.target == label] for label in labels}
    turns = [of[label][i] for i in range(count) for label in labels if i < len(of[label])]
    return turns[:count], gold


if __name__ == "__main__":
    main()
