"""Memory and time of what reads a finished run's rows: the analyses, the maps, the page.

`python benchmarks/analysis_memory.py --rows 20000 200000`: for each number a made run of two rounds
with 500 gold rows, half of its rows a seed and half grown from gold rows, texts of 20 words. Each
line of the table is a process of its own, its memory the most that it ever had: what every analysis
begins with (the run opened, its rows read and as points), each measure after that, and the whole
commands. All-MiniLM-L6-v2, which would take an hour, has a stand-in here: points by chance;
`--encoder --only made` measures what the model itself takes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
from many_rows import VOCABULARY, memory

from s3.analysis import diversity, encodings, extrapolations, maps, measures, quality
from s3.analysis.encodings import WEIGHTS, WIDTH, Points, encode
from s3.analysis.gap import gap_by_round
from s3.analysis.gold import gold_of
from s3.analysis.similarity import coverage, similarity_to_gold
from s3.audit import Findings
from s3.data.example import Example, Mistake, Origin
from s3.data.rows import fingerprint
from s3.methods import Round
from s3.report.run import write_report
from s3.runs.folder import RunFolder
from s3.runs.reading import Run
from s3.storage import write_jsonl
from s3.student import Predictions
from s3.synthesis import SynthesisedSet
from tests.runs.made import ABOUT, LABELS, Model, row

GOLD = 500
Work = Callable[[Run], Any]


def text(rng: random.Random) -> str:
    return " ".join(rng.choices(VOCABULARY, k=20))


def made(folder: Path, rows: int) -> None:
    """Write a finished run of two rounds with so many rows, half of them extrapolations."""
    rng = random.Random(rows)
    plain = [{"text": text(rng), "label": LABELS[i % 2]} for i in range(GOLD)]
    for split in ("validation", "test"):
        write_jsonl(folder / f"{split}.jsonl", plain)
    gold = [
        Example({"text": one["text"]}, one["label"], Origin("gold", 0, f"validation.jsonl:{i + 1}"))
        for i, one in enumerate(plain)
    ]
    seed, new = (
        [
            Example(
                {"text": text(rng)},
                LABELS[i % 2],
                Origin(kind, index, gold[i % GOLD].origin.source if index else "", "a prompt"),
            )
            for i in range(rows // 2)
        ]
        for index, kind in enumerate(("seed", "extrapolation"))
    )
    files = {"path": str(folder), "validation": "validation.jsonl", "test": "test.jsonl"}
    task = {"name": "films", "labels": dict(zip(LABELS, LABELS, strict=True)), "written": "text"}
    task |= {"label": "label", "gold": {"source": "files", "files": files}}
    config = {"task": task, "model": {"max_length": 64}, "seed": 3}
    prints = {"validation": fingerprint(gold), "train": fingerprint(gold)}
    run = RunFolder(folder / "run")
    with run.hold(config, {"gold": prints}, fresh=False):
        for index, label in enumerate(("positive", "negative")):
            model = Model(gold, label)
            wrong = [Mistake(one, label) for one in gold if one.target != label]
            added = new if index else seed
            one = SynthesisedSet(len(added), added, 0, 0)
            round_ = Round(index, seed + new * index, one, wrong, model, gold, [])  # type: ignore[arg-type]
            said = Predictions([label] * GOLD, model.validation.probabilities)
            for split in ("validation", "test"):
                run.write_predictions(index, split, gold, said, LABELS)
            run.write_round(round_, f"train {index}", row(0.5), Findings({}, []))
        run.write_products(round_, model)  # type: ignore[arg-type]
        shutil.rmtree(run.path / "model")
        shutil.copytree(WEIGHTS.folder(), run.path / "model", symlinks=False)
        shown = {**ABOUT, "metric": "accuracy", "best_round": 1, "rounds": [row(0.5), row(0.5)]}
        run.write_summary(shown)


def by_chance(texts: Sequence[str]) -> Points:
    """In place of the encoder: points of unit length, by chance."""
    chance = np.random.default_rng(crc32(texts[0].encode()))
    found = chance.normal(size=(len(texts), WIDTH)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def texts_of(rows: Sequence[Example]) -> list[str]:
    return [one.fields["text"] for one in rows]


def points_of(run: Run) -> tuple[Points, Points]:
    """Return the points of gold and of the last round's training data."""
    gold, train = gold_of(run, "validation"), run.rounds[-1].train
    gold_points, points = (encode(texts_of(one), run.path / "analysis") for one in (gold, train))
    return gold_points, points


def diverse(run: Run) -> None:
    words = diversity.sampled(texts_of(run.rounds[-1].train))
    diversity.self_bleu(words)
    points = points_of(run)[1]
    for measure in (diversity.remote_clique, diversity.chamfer, diversity.vendi):
        measure(points)


def near(run: Run) -> None:
    gold, points = points_of(run)
    similarity_to_gold(gold, points)
    coverage(gold, points)


def pure(run: Run) -> None:
    gold, train = gold_of(run, "validation"), run.rounds[-1].train
    asked, labels = ([str(one.target) for one in some] for some in (train, gold))
    known, new = points_of(run)
    quality.label_purity(known, labels, new, asked)


def grown(run: Run) -> None:
    known = {one.origin.source: one.fields["text"] for one in gold_of(run, "validation")}
    new = run.rounds[-1].added
    before = [known[one.origin.source] for one in new]
    extrapolations.compared(before, texts_of(new), run.path / "analysis")


STEPS: dict[str, Work] = {
    "(the run opened)": lambda run: run.summary,
    "its rows, read": lambda run: run.rounds[-1].train,
    "encodings made and kept": points_of,
    "encodings read again": points_of,
    "diversity": diverse,
    "similarity to gold, coverage (Table 8)": near,
    "distances from gold (AUC, MMD, Fréchet)": gap_by_round,
    "label purity": pure,
    "extrapolations beside their errors (Table 6)": grown,
    "all of it: `s3 analyze`": measures.measures,
    "`extrapolations_df`": measures.extrapolations_df,
    "map, PCA": lambda run: maps.coordinates(run, "pca"),
    "page, `report.html`": write_report,
}


def step(folder: Path, rows: int, name: str, encoder: bool) -> None:
    """Carry one out, and print what its process took."""
    stand_in = nullcontext() if encoder else patch.object(encodings, "_encoded", by_chance)
    began, before = time.perf_counter(), time.process_time()
    with stand_in:
        STEPS[name](Run.open(folder / "run"))
    seconds, busy = time.perf_counter() - began, time.process_time() - before
    print(f"| {rows:,} | {name} | {seconds:.0f} | {busy:.0f} | {memory('VmHWM'):.0f} |", flush=True)


def alone(work: Callable[..., None], *given: Any) -> None:
    """Carry work out in a process of its own."""
    fresh = multiprocessing.get_context("spawn").Process(target=work, args=given)
    fresh.start()
    fresh.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 20_000, 200_000])
    parser.add_argument("--only", default="", help="steps whose names hold this")
    parser.add_argument("--encoder", action="store_true", help="encodings by the model itself")
    options = parser.parse_args()
    names = [name for name in STEPS if options.only in name]
    print("| rows | step | seconds | of a core | peak MiB |\n|---|---|---|---|---|", flush=True)
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as name:
            alone(made, Path(name), rows)
            for one in names:
                alone(step, Path(name), rows, one, options.encoder)


if __name__ == "__main__":
    main()
