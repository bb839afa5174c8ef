"""Time and memory of everything that a run does with its rows but training, as a curve.

`python benchmarks/many_rows.py --rows 2000 20000 200000`: for each number, in a process of its own,
the seed's synthesis, an extrapolation of as many rows again (new among those that are known), the
merge to a fixed size, the audit against real gold rows, and the writing of files. The LLM is a
stand-in inside the process that answers with words of its own; what the engine takes besides is in
`llm_engine.py memory`, and what training takes in `training_scale.py`.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

from s3.audit import Audit, Auditor
from s3.data.example import Example, Origin
from s3.data.rows import flat_row, to_row
from s3.llm import Completion, Prompt, Session
from s3.llm.types import Style
from s3.methods.base import balanced
from s3.storage import write_jsonl, write_parquet
from s3.synthesis import extrapolate, seed_data
from s3.tasks import Classification, Task

ROOT = Path(__file__).parents[1]
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "lmnrstx"]
GOLD = 2000  # rows of each gold split
Point = tuple[int, str, float, float, float]  # rows, step, seconds, peak MiB, MiB after it


class StandIn:
    """In place of a session: replies at once with 20 words that the prompt's number decides."""

    style = Style.chat

    def complete(self, prompts: Iterable[Prompt], what: str = "") -> Iterator[Completion]:
        """Yield a reply to each prompt."""
        for number, prompt in enumerate(prompts):
            words = random.Random(f"{what}/{number}").choices(VOCABULARY, k=20)
            text = " ".join(words).capitalize() + "."
            yield Completion(
                f"{number:032x}-0", text, "stand-in", "stop", len(prompt.text) // 4, 30
            )

    def drop(self, reason: str) -> None:
        """Nothing is learnt from it."""


def imdb() -> Task:
    """Return the task as a run composes it."""
    from hydra import compose, initialize_config_dir

    from s3.config import build, register

    register()
    with initialize_config_dir(str(ROOT / "s3" / "conf"), version_base="1.3"):
        task = build(compose("config", overrides=["task=imdb"])).task
    assert isinstance(task, Classification)
    return task


def gold(task: Task, number: int) -> list[Example]:
    """Return so many made rows, each of which stands for a gold row."""
    rng, labels = random.Random(number), task.label_names
    return [
        Example(
            {task.written: " ".join(rng.choices(VOCABULARY, k=20))},
            labels[i % len(labels)],
            Origin("gold", source=f"row {i}"),
        )
        for i in range(number)
    ]


def memory(name: str) -> float:
    """Return this process's VmRSS or VmHWM in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def curve(rows: int) -> list[Point]:
    """Carry all steps out on so many rows; return what each took."""
    task, session = imdb(), cast(Session, StandIn())
    points: list[Point] = []

    def step(name: str, work: Callable[[], Any]) -> Any:
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
        began = time.perf_counter()
        made = work()
        seconds = time.perf_counter() - began
        points.append((rows, name, seconds, memory("VmHWM"), memory("VmRSS")))
        return made

    half = rows // 2
    reasons = {label: [f"reason {i} for {label}" for i in range(20)] for label in task.label_names}
    wrong = gold(task, min(half, GOLD))
    step("nothing yet", lambda: None)
    seed = step("synthesis, the seed", lambda: seed_data(task, session, [], half, 0, reasons, 3))
    repeated = [wrong[i % len(wrong)] for i in range(half)]
    added = step(
        "synthesis, extrapolation",
        lambda: extrapolate(task, session, repeated, 1, 1, seed.examples),
    )
    train = step(
        "merge to a size",
        lambda: seed.examples + balanced(added.examples, half, seed.examples),
    )
    splits = {"validation": wrong, "test": gold(task, GOLD)[::-1]}
    auditor = Auditor(Audit(), splits, task.written, task.given)
    step("audit", lambda: (auditor.check(train), auditor.measure(train)))
    with tempfile.TemporaryDirectory() as folder:
        jsonl, parquet = Path(folder) / "added.jsonl", Path(folder) / "train.parquet"
        step("writing JSON Lines", lambda: write_jsonl(jsonl, map(to_row, train)))
        step("writing Parquet", lambda: write_parquet(parquet, map(flat_row, train)))
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    print("| rows | step | seconds | peak MiB | MiB after it |\n|---|---|---|---|---|")
    for rows in parser.parse_args().rows:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
            for number, name, seconds, peak, after in fresh.submit(curve, rows).result():
                print(f"| {number:,} | {name} | {seconds:.1f} | {peak:.0f} | {after:.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
