"""Accuracy and time by precision, and of warm starts, over five seeds on real RTE."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import training_common as common

SEEDS = range(5)


def main() -> None:
    options = common.parser(__doc__).parse_args()
    train = common.rte(options.data, "train", options.rows)
    test = common.rte(options.data, "validation", 277)
    print("| precision | accuracy by seed | mean | deviation | seconds |\n|---|---|---|---|---|")
    for precision in ("fp32", "bf16"):
        began, scores = time.perf_counter(), []
        for seed in SEEDS:
            settings = common.student(precision=precision)
            with tempfile.TemporaryDirectory() as folder:
                found = settings.fit(common.HEAD, train, test, seed=seed, folder=Path(folder))
            scores.append(found.history[-1]["validation/accuracy"])
        shown = " ".join(f"{score:.3f}" for score in scores)
        print(
            f"| {precision} | {shown} | {statistics.mean(scores):.3f} | "
            f"{statistics.stdev(scores):.3f} | {time.perf_counter() - began:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
