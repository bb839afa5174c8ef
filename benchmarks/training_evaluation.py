"""Our evaluation against transformers.pipeline at its best batch size, and a plain loop."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

import training_common as common

from s3.data.example import Example

SIZES = (1, 8, 32, 128)


def ours(model: Path, rows: list[Example], precision: str) -> tuple[int, str]:
    """Predict with the defaults, tokenising included."""
    from s3.student import Predictor

    Predictor(common.student(precision=precision), common.HEAD, model).predict(rows)
    return len(rows), ""


def pipeline_at_best(model: Path, rows: list[Example]) -> tuple[int, str]:
    """Find the pipeline's best batch size on a part, then predict all with it."""
    from transformers import pipeline

    pipe = pipeline("text-classification", model=str(model))
    texts = [dict(zip(("text", "text_pair"), common.HEAD.texts(row), strict=True)) for row in rows]

    def seconds(size: int) -> float:
        began = time.perf_counter()
        pipe(texts[:128], batch_size=size)
        return time.perf_counter() - began

    best = min(SIZES, key=seconds)
    began = time.perf_counter()
    pipe(texts, batch_size=best)
    return len(rows), f"batch {best}: {len(rows) / (time.perf_counter() - began):.1f} examples/s"


def plain_loop(model: Path, rows: list[Example]) -> tuple[int, str]:
    """Predict in the given order, 32 rows a batch, each padded to its longest."""
    import torch
    from transformers import AutoTokenizer

    from s3.student.weights import Pretrained, load_model

    tokenizer, network = (
        AutoTokenizer.from_pretrained(model),
        load_model(common.HEAD, Pretrained(str(model))),
    )
    with torch.no_grad():
        for i in range(0, len(rows), 32):
            pairs = zip(*(common.HEAD.texts(row) for row in rows[i : i + 32]), strict=True)
            network(
                **tokenizer(*map(list, pairs), truncation=True, padding=True, return_tensors="pt")
            )
    return len(rows), ""


def main() -> None:
    import tempfile

    options = common.parser(__doc__).parse_args()
    rows = common.rte(options.data, "train", options.rows)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        settings = common.student(epochs=1, learning_rate=1e-5)
        settings.fit(common.HEAD, rows[:32], rows[:1], seed=0, folder=model)
        given = options.threads, model, rows
        sides = [
            partial(
                common.side,
                "pipeline (the search for its batch size included)",
                pipeline_at_best,
                *given,
            ),
            partial(common.side, "plain loop, fp32", plain_loop, *given),
            partial(common.side, "ours, fp32", ours, *given, "fp32"),
            partial(common.side, "ours, default precision", ours, *given, "auto"),
        ]
        common.table(sides, options.repeats)


if __name__ == "__main__":
    main()
