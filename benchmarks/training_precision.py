"""Accuracy and time of bf16 beside fp32, and of warm starts, on real tweets with four labels."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import training_common as common

from s3.data.example import Example
from s3.storage import read_jsonl
from s3.student import Classifier, Predictor, Student

HEAD = Classifier(("anger", "joy", "optimism", "sadness"), ("text",))


def tweets(folder: Path, split: str, rows: int) -> list[Example]:
    """Return the first rows of TweetEval's emotion task."""
    read = read_jsonl(folder / f"{split}.jsonl")
    return [Example({"text": row["text"]}, row["label"]) for row in read][:rows]


def compare(name: str, seeds: int, train: Callable[[int, Path], Predictor]) -> None:
    """Print the best epoch's score of each seed; `train` trains into a folder of its own."""
    wall, cpu, scores = time.perf_counter(), time.process_time(), []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            found = train(seed, Path(folder))
            scores.append(found.history[found.best_epoch - 1]["validation/accuracy"])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    shown = " ".join(f"{score:.3f}" for score in scores)
    mean, deviation = statistics.mean(scores), statistics.stdev(scores)
    print(
        f"| {name} | {shown} | {mean:.3f} | {deviation:.3f} | {wall:.0f} | {cpu:.0f} |", flush=True
    )


def main() -> None:
    options = common.parser(__doc__)
    options.set_defaults(data=common.ROOT.parent / "shared/data/tweeteval_emotion")
    options.add_argument("--seeds", type=int, default=5)
    given = options.parse_args()
    common.use_threads(given.threads)
    train = tweets(given.data, "train", given.rows)
    validation = tweets(given.data, "validation", 374)
    print("| | accuracy by seed | mean | deviation | wall s | CPU s |\n|---|---|---|---|---|---|")

    def fresh(settings: Student) -> Callable[[int, Path], Predictor]:
        return lambda seed, folder: settings.fit(HEAD, train, validation, seed=seed, folder=folder)

    compare("fp32", given.seeds, fresh(common.student(precision="fp32")))
    compare("bf16", given.seeds, fresh(common.student(precision="bf16")))
    with tempfile.TemporaryDirectory() as kept:
        half, settings = train[: len(train) // 2], common.student()
        start = settings.fit(HEAD, half, validation, seed=0, folder=Path(kept))
        for epochs in (3, 1):
            warm = common.student(epochs=epochs)
            compare(
                f"default precision, warm from half the rows, {epochs} epochs",
                given.seeds,
                lambda seed, folder, warm=warm: warm.fit(  # type: ignore[misc]
                    HEAD, train, validation, seed=seed, folder=folder, start=start
                ),
            )


if __name__ == "__main__":
    main()
