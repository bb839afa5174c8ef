"""Class weights on few, unbalanced gold rows: macro-F1 with and without, over five seeds.

The rows are SMS spam's, without repeated messages; a fifth are the test rows, the same for all.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
from dataclasses import replace
from pathlib import Path

from omegaconf import OmegaConf

from s3.data.example import Example
from s3.methods.gold import held_out
from s3.student import Classifier, Student, Training

ROOT = Path(__file__).parents[2]
HEAD = Classifier(("ham", "spam"), ("text",))
DRAWS = ((100, None), (300, 0.04), (300, None))  # rows; the share of spam, None: as it comes
SEEDS = range(5)


def read(file: Path) -> tuple[list[Example], list[Example]]:
    """Return the rows that are drawn from, and the test rows."""
    rows: dict[str, Example] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        rows.setdefault(row["text"].strip().lower(), Example({"text": row["text"]}, row["label"]))
    order = list(rows.values())
    random.Random(0).shuffle(order)
    return order[len(order) // 5 :], order[: len(order) // 5]


def draw(rows: list[Example], size: int, share: float | None, seed: int) -> list[Example]:
    """Draw rows, with a share of spam where one is given."""
    chance = random.Random(1000 + seed)
    if share is None:
        return chance.sample(rows, size)
    spam = [row for row in rows if row.target == "spam"]
    ham = [row for row in rows if row.target == "ham"]
    few = round(size * share)
    drawn = chance.sample(spam, few) + chance.sample(ham, size - few)
    chance.shuffle(drawn)
    return drawn


def main() -> None:
    """Train and print a line a draw and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder with a folder a set")
    rows, test = read(parser.parse_args().data / "sms_spam" / "all.jsonl")
    config = OmegaConf.load(ROOT / "s3/conf/model" / "minilm.yaml")
    del config["defaults"]
    probe = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Student), config))
    assert isinstance(probe, Student)
    tuned = replace(probe, training=Training.finetune)
    ways = {"fine-tuned": tuned, "weights": replace(tuned, class_weights=True), "probe": probe}
    for size, share in DRAWS:
        for name, student in ways.items():
            found = []
            for seed in SEEDS:
                train, chooser = held_out(draw(rows, size, share, seed), 0.2, seed)
                with tempfile.TemporaryDirectory() as folder:
                    place = Path(folder) / "training"
                    fitted = student.fit(HEAD, train, chooser, seed=seed, folder=place)
                    found.append(100 * HEAD.score(test, fitted.predict(test).answers)["macro_f1"])
            scores = " ".join(f"{one:.1f}" for one in found)
            print(size, share, name, scores, "mean", f"{statistics.mean(found):.1f}", flush=True)


if __name__ == "__main__":
    main()
