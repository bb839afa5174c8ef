"""What the training benchmarks share: real rows, a process for each side, a table."""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from s3.data.example import Example
from s3.storage import read_jsonl
from s3.student import Classifier, Student

ROOT = Path(__file__).parents[1]
HEAD = Classifier(("entailment", "not_entailment"), ("hypothesis", "premise"))


@dataclass
class Measured:
    """One side's run: rows a second, wall and CPU seconds, peak memory of its process in MiB."""

    name: str
    rate: float
    wall: float
    cpu: float
    memory: float
    said: str = ""


def parser(description: str | None) -> argparse.ArgumentParser:
    """The options of every training benchmark."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/rte")
    options.add_argument("--rows", type=int, default=256, help="training rows")
    options.add_argument("--repeats", type=int, default=3, help="runs of each side; the median")
    options.add_argument("--threads", type=int, default=0, help="0: all physical cores")
    return options


def rte(folder: Path, split: str, rows: int) -> list[Example]:
    """Return the first rows of real RTE."""
    read = [
        Example({"premise": row["premise"], "hypothesis": row["hypothesis"]}, _label(row["label"]))
        for row in read_jsonl(folder / f"{split}.jsonl")
    ]
    return read[:rows]


def student(**changes: Any) -> Student:
    """Return the default student of s3/conf/model/minilm.yaml, fine-tuned, with changes."""
    config = OmegaConf.load(ROOT / "s3/conf/model/minilm.yaml")
    del config["defaults"]
    tuned = {"training": "finetune", **changes}
    built = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Student), config, tuned))
    assert isinstance(built, Student)
    return built


def fit(settings: Student, train: list[Example], validation: list[Example]) -> Any:
    """Train with our code in a fresh folder; the predictor's weights are read before it goes."""
    with tempfile.TemporaryDirectory() as folder:
        predictor = settings.fit(HEAD, train, validation, seed=0, folder=Path(folder))
        predictor.predict(validation[:1])
        return predictor


def tokenised(rows: list[Example], tokenizer: Any, **options: Any) -> list[dict[str, Any]]:
    """Return rows as Hugging Face's tools take them, with their labels."""
    pairs = zip(*(HEAD.texts(row) for row in rows), strict=True)
    found = tokenizer(*map(list, pairs), truncation=True, max_length=256, **options)
    labels = [HEAD.labels.index(str(row.target)) for row in rows]
    columns = {**found, "labels": labels}
    return [{name: column[i] for name, column in columns.items()} for i in range(len(rows))]


def use_threads(count: int) -> None:
    """Compute with `count` threads, 0: all physical cores; our code included."""
    import torch

    from s3.student import hardware

    count = count or hardware.cores()
    torch.set_num_threads(count)
    hardware.cores = lambda: count


def side(name: str, work: Callable[..., tuple[int, str]], threads: int, *given: Any) -> Measured:
    """Run `work(*given)` in a process of its own; it returns its rows and a remark."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_measured, name, work, threads, given).result()


def table(sides: Iterable[Callable[[], Measured]], repeats: int) -> None:
    """Run the sides in turn, `repeats` times, and print the medians; ratios to the first side.

    On a busy machine only CPU seconds with one thread can be compared.
    """
    runs = [[run() for run in list(sides)] for _ in range(repeats)]
    print("| | examples/s | wall s | CPU s | ratio by wall, by CPU | peak MiB | |")
    print("|---|---|---|---|---|---|---|")
    first = None
    for column in zip(*runs, strict=True):
        rate, wall, cpu, memory = (
            statistics.median(getattr(run, part) for run in column)
            for part in ("rate", "wall", "cpu", "memory")
        )
        first = first or (wall, cpu)
        print(
            f"| {column[0].name} | {rate:.1f} | {wall:.1f} | {cpu:.1f} | "
            f"{first[0] / wall:.2f}, {first[1] / cpu:.2f} | {memory:.0f} | {column[-1].said} |"
        )


def _label(label: int | str) -> str:
    return HEAD.labels[label] if isinstance(label, int) else label


def _measured(
    name: str, work: Callable[..., tuple[int, str]], threads: int, given: tuple[Any, ...]
) -> Measured:
    use_threads(threads)
    work(*(part[:8] if isinstance(part, list) else part for part in given))  # imports, caches
    wall, cpu = time.perf_counter(), time.process_time()
    rows, said = work(*given)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Measured(name, rows / wall, wall, cpu, _peak_memory(), said)


def _peak_memory() -> float:
    """MiB; Linux's own count, since getrusage's begins with what the parent process had."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
