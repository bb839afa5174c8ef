"""The small model on a few gold rows beside setfit, with the same encoder and the same rows.

`--with s3` trains the default probe; `--with setfit` trains setfit, in an environment that has it
(`pip install setfit`). Both train on all rows of a draw, and each prints a line a set and size.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

SETS = {
    "sms_spam": ("sms_spam/all.jsonl", ""),
    "tweeteval_emotion": ("tweeteval_emotion/train.jsonl", "tweeteval_emotion/test.jsonl"),
}
TESTED = 1000
ROOT = Path(__file__).parents[2]
Row = tuple[str, str]  # a text and its label
Fit = Callable[[list[Row], list[Row], int], list[str]]


def main() -> None:
    """Print a line a set and size."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="a folder with a folder a set")
    options.add_argument("--with", dest="by", choices=["s3", "setfit"], required=True)
    options.add_argument("--encoder", help="setfit's: the folder of all-MiniLM-L6-v2")
    options.add_argument("--iterations", type=int, default=20, help="setfit's pairs of a row / 2")
    options.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    options.add_argument("--rows", nargs="+", type=int, default=[30, 300])
    options.add_argument("--draws", type=int, default=3)
    given = options.parse_args()
    fit = s3_probe if given.by == "s3" else setfit_of(given.encoder, given.iterations)
    for name in given.sets:
        for rows in given.rows:
            say(name, rows, given, fit)


def say(name: str, rows: int, given: argparse.Namespace, fit: Fit) -> None:
    """Train and score the draws of one size; print their means and standard deviations."""
    pool, test = split(given.data, name)
    exact, macro, seconds = [], [], []
    for draw in range(given.draws):
        train = random.Random(draw).sample(pool, rows)
        began = time.monotonic()
        said = fit(train, test, draw)
        seconds.append(time.monotonic() - began)
        gold = [label for _, label in test]
        exact.append(100 * statistics.mean(a == b for a, b in zip(said, gold, strict=True)))
        macro.append(100 * macro_f1(said, gold))
    scores = " | ".join(spread(one) for one in (exact, macro))
    by = f"{given.by}, {given.draws} draws"
    print(f"| {name} | {rows} | {by} | {scores} | {statistics.median(seconds):.0f} |", flush=True)


def spread(scores: list[float]) -> str:
    """Return the mean of scores and their standard deviation."""
    return f"{statistics.mean(scores):.1f} ± {statistics.pstdev(scores):.1f}"


def split(data: Path, name: str) -> tuple[list[Row], list[Row]]:
    """Return the rows that draws are taken from, and the test rows, the same for all."""
    source, tested = SETS[name]
    pool = shuffled(read(data / source))
    if tested:
        return pool, shuffled(read(data / tested))[:TESTED]
    return pool[TESTED:], pool[:TESTED]


def read(file: Path) -> list[Row]:
    """Return the rows of a JSON Lines file."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        return [(row["text"], str(row["label"])) for row in map(json.loads, lines)]


def shuffled(rows: list[Row]) -> list[Row]:
    """Return the rows in an order of their own."""
    return random.Random(0).sample(rows, len(rows))


def macro_f1(said: list[str], gold: list[str]) -> float:
    """Return the mean of the labels' F1."""
    scores = []
    for label in sorted(set(gold)):
        right = sum(a == b == label for a, b in zip(said, gold, strict=True))
        scores.append(2 * right / ((said.count(label) + gold.count(label)) or 1))
    return statistics.mean(scores)


def s3_probe(train: list[Row], test: list[Row], seed: int) -> list[str]:
    """Train the default student; a fifth of the rows, kept aside, sets its threshold."""
    from omegaconf import OmegaConf

    from s3.data.example import Example
    from s3.student import Classifier, Student

    config = OmegaConf.load(ROOT / "s3/conf/model/minilm.yaml")
    del config["defaults"]
    student = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Student), config))
    rows = [Example({"text": text}, label) for text, label in train]
    head = Classifier(tuple(sorted({label for _, label in test})), ("text",))
    with tempfile.TemporaryDirectory() as folder:
        aside = len(rows) // 5
        fitted = student.fit(head, rows[aside:], rows[:aside], seed=seed, folder=Path(folder))
        asked = [Example({"text": text}, label) for text, label in test]
        return list(fitted.predict(asked).answers)


def setfit_of(encoder: str, iterations: int) -> Fit:
    """Return a training of setfit's: contrastive pairs, then its logistic regression."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    def fit(train: list[Row], test: list[Row], seed: int) -> list[str]:
        model = SetFitModel(SentenceTransformer(encoder), LogisticRegression())
        labels = sorted({label for _, label in train})
        rows = [{"text": text, "label": labels.index(label)} for text, label in train]
        with tempfile.TemporaryDirectory() as folder:
            arguments = TrainingArguments(
                output_dir=folder, batch_size=16, num_epochs=1, num_iterations=iterations,
                seed=seed, report_to="none", save_strategy="no",
            )  # fmt: skip
            Trainer(model=model, args=arguments, train_dataset=Dataset.from_list(rows)).train()
        return [labels[int(one)] for one in model.predict([text for text, _ in test])]

    return fit


if __name__ == "__main__":
    main()
