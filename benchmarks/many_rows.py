"""Time and memory of everything that a run does with its rows, as a curve.

`python benchmarks/many_rows.py --rows 2000 20000 200000`: for each number, in a process of its own,
the seed's synthesis, an extrapolation of as many rows again (new among those that are known), the
merge to a fixed size, the audit against gold rows, the writing of files, `s3 predict` of such a
file, tokenisation, and with `--train` the training of a probe, over MiniLM's word embeddings.
Seconds are those on the clock, which other work on the machine makes longer, and of a core. The
LLM is a stand-in inside the process that answers with words of its own; what the engine takes
besides is in `llm_engine.py memory`, and what fine-tuning takes in `training_scale.py`. `--made`
begins with the files, on rows that no LLM wrote.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

from s3.audit import Audit, Auditor
from s3.data.example import Example, Origin
from s3.data.many import Spilled, joined
from s3.data.rows import flat_row, to_row
from s3.llm import Completion, Prompt, Session
from s3.llm.types import Style
from s3.methods.drawing import merged
from s3.prediction.files import Columns, predict_file
from s3.prediction.model import Model
from s3.runs.experiment import Experiment
from s3.storage import write_jsonl, write_parquet
from s3.student import Predictor, Settings
from s3.synthesis import extrapolate, seed_data
from s3.tasks import Classification, Task

ROOT = Path(__file__).parents[1]
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "lmnrstx"]
GOLD = 2000  # rows of each gold split
Step = Callable[[str, Callable[[], Any]], Any]  # carries a step out by its name


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


def imdb() -> Experiment:
    """Return the experiment as `task=imdb model=static` composes it."""
    from hydra import compose, initialize_config_dir

    from s3.config import build, register

    register()
    with initialize_config_dir(str(ROOT / "s3/conf"), version_base="1.3"):
        return build(compose("config", overrides=["task=imdb", "model=static"]))


def gold(task: Task, number: int) -> Iterator[Example]:
    """Yield so many made rows, each of which stands for a gold row."""
    rng, labels = random.Random(number), task.label_names
    for i in range(number):
        text = " ".join(rng.choices(VOCABULARY, k=20))
        origin = Origin("gold", source=f"row {i}")
        yield Example({task.written: text}, labels[i % len(labels)], origin)


def memory(name: str) -> float:
    """Return this process's VmRSS or VmHWM in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def taken(rows: int, name: str, work: Callable[[], Any]) -> Any:
    """Carry a step out, and print what it took; return what it made."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    began, before = time.perf_counter(), time.process_time()
    made = work()
    seconds, busy = time.perf_counter() - began, time.process_time() - before
    peak, after = memory("VmHWM"), memory("VmRSS")
    print(
        f"| {rows:,} | {name} | {seconds:.1f} | {busy:.1f} | {peak:.0f} | {after:.0f} |", flush=True
    )
    return made


def curve(rows: int, made: bool, train_too: bool) -> None:
    """Carry all steps out on so many rows; where they are made, those from the files on."""
    experiment = imdb()
    task = experiment.task
    assert isinstance(task, Classification)
    step = partial(taken, rows)
    step("nothing yet", lambda: None)
    train = (
        step("rows", lambda: Spilled(gold(task, rows))) if made else written(task, step, rows // 2)
    )
    with tempfile.TemporaryDirectory() as name:
        used(experiment, step, train, Path(name), train_too)


def written(task: Classification, step: Step, half: int) -> Sequence[Example]:
    """Have the stand-in write a seed and as many rows again; return them, merged and audited."""
    session = cast(Session, StandIn())
    reasons = {label: [f"reason {i} for {label}" for i in range(20)] for label in task.label_names}
    wrong = list(gold(task, min(half, GOLD)))
    seed = step("synthesis, the seed", lambda: seed_data(task, session, [], half, 0, reasons, 3))
    repeated = [wrong[i % len(wrong)] for i in range(half)]
    added = step(
        "synthesis, extrapolation",
        lambda: extrapolate(task, session, repeated, 1, 1, seed.examples),
    )

    def merge() -> Sequence[Example]:
        chosen, unused = merged(seed.examples, (), added.examples, (), half)
        assert not unused
        return joined(seed.examples, chosen)

    train: Sequence[Example] = step("merge to a size", merge)
    splits = {"validation": wrong, "test": list(gold(task, GOLD))[::-1]}
    auditor = Auditor(Audit(), splits, task.written, task.given)

    def audit() -> None:
        auditor.check(train)
        auditor.measure(train)

    step("audit", audit)
    return train


def used(
    experiment: Experiment, step: Step, train: Sequence[Example], folder: Path, train_too: bool
) -> None:
    """Write rows to files, tokenise them, answer them with a model, and train one."""
    task, student = experiment.task, experiment.model
    head, file, few = task.head(), folder / "train.parquet", list(gold(task, GOLD))
    step("writing JSON Lines", lambda: write_jsonl(folder / "added.jsonl", map(to_row, train)))
    step("writing Parquet", lambda: write_parquet(file, map(flat_row, train)))
    step("tokenisation", lambda: student.encoder.tokens(head).select(train, targets=True))
    student.encoder.forget()
    student.fit(head, few, few, seed=0, folder=folder / "few").save(folder / "model")
    saved = {"weights": str(folder / "model"), "package": None}
    settings = Settings(**{**student.plain(), **saved})
    columns = Columns(Model(task, Predictor(settings, head, folder / "model")), {}, "said_")
    step("s3 predict", lambda: predict_file(columns, file, folder / "answered.jsonl"))
    if train_too:
        fit = partial(student.fit, head, train, few, seed=0, folder=folder / "all")
        step("training a probe", fit)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    parser.add_argument("--train", action="store_true", help="train a probe on all rows, too")
    parser.add_argument("--made", action="store_true", help="only what comes after the audit")
    options = parser.parse_args()
    print("| rows | step | seconds | of a core | peak MiB | MiB after it |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    for rows in options.rows:
        fresh = multiprocessing.get_context("spawn").Process(
            target=curve, args=(rows, options.made, options.train)
        )
        fresh.start()
        fresh.join()


if __name__ == "__main__":
    main()
