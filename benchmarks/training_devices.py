"""Rows a second of fine-tuning MiniLM on IMDb's reviews, 256 tokens, on a GPU if there is one.

A line a precision and batch size: one epoch, scored on 256 rows. The seconds are the epoch's;
loading, tokenising and a warm-up come before. Hide the GPU with CUDA_VISIBLE_DEVICES= to
have the CPU's line beside it.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import training_common as common

from s3.data.example import Example
from s3.data.files import read_file
from s3.student import Classifier, Student

HEAD = Classifier(("negative", "positive"), ("text",))
HELD = 256  # rows of the test set that score the epoch


def reviews(file: Path) -> list[Example]:
    """Return real IMDb rows."""
    return [Example({"text": row["text"]}, row["label"]) for _, row in read_file(file)]


def epoch(settings: Student, train: list[Example], held: list[Example]) -> dict[str, float]:
    """Train one epoch; return what is known of it."""
    with tempfile.TemporaryDirectory() as folder:
        return dict(settings.fit(HEAD, train, held, seed=0, folder=Path(folder)).history[0])


def main() -> None:
    import torch

    options = common.parser(__doc__)
    options.set_defaults(data=common.ROOT.parent / "shared/data/imdb", rows=8000)
    options.add_argument("--batch", type=int, nargs="+", default=[16, 128], help="rows a step")
    given = options.parse_args()
    pool = reviews(given.data / "train_sub2500.jsonl.gz")
    held = reviews(given.data / "test_sub2500.jsonl.gz")[:HELD]
    train = [pool[i % len(pool)] for i in range(given.rows)]
    epoch(common.student(epochs=1), pool[:64], held)
    gpu = torch.cuda.is_available()
    print(torch.cuda.get_device_name() if gpu else f"CPU, {torch.get_num_threads()} threads")
    print("| | rows | rows/s | seconds | accuracy | GPU MiB |\n|---|---|---|---|---|---|")
    for batch in given.batch:
        for precision in ("fp32", "bf16"):
            settings = common.student(epochs=1, batch_size=batch, precision=precision)
            found = epoch(settings, train, held)
            held_by_gpu = torch.cuda.max_memory_allocated() / 2**20 if gpu else 0
            print(
                f"| {precision}, {batch} rows a step | {given.rows} | "
                f"{given.rows / found['seconds']:.0f} | {found['seconds']:.1f} | "
                f"{found['validation/accuracy']:.3f} | {held_by_gpu:.0f} |", flush=True,
            )  # fmt: skip
            if gpu:
                torch.cuda.reset_peak_memory_stats()


if __name__ == "__main__":
    main()
