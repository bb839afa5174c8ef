"""How hard is a bundled set beside the real one? `python run.py rte FOLDER --real FOLDER`."""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from omegaconf import OmegaConf
from torch.nn import functional as F
from transformers import AutoModel, AutoTokenizer

import s3
from s3.storage import cache_folder
from s3.weights import RegistryWeights

Row = dict[str, str]
Floats = NDArray[np.float64]
# Of a task: the text that is given, the one that is written for it, and the label counted as 1.
GIVEN = {"rte": ("premise",), "qnli": ("sentence", "paragraph"), "imdb": ("text",)}
WRITTEN = {"rte": "hypothesis", "qnli": "question", "imdb": None}
POSITIVE = {"rte": "entailment", "qnli": "entailment", "imdb": "positive"}
MODEL = Path(s3.__file__).parent / "conf/model/minilm.yaml"
TESTED, POOL, DRAWS = 1000, 1000, 10  # real rows tested on, trained from; trainings from them
PENALTY = {"rte": 1e-2, "qnli": 1e-2, "imdb": 1e-1}  # 384 numbers from 100 rows need more


def main() -> None:
    """Print the table of one task."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("task", choices=GIVEN)
    options.add_argument("bundled", type=Path, help="holds validation.jsonl and test.jsonl")
    options.add_argument("--real", type=Path, required=True, help="holds train* and another jsonl")
    options.add_argument("--threads", type=int, default=1)
    chosen = options.parse_args()
    torch.set_num_threads(chosen.threads)
    task = chosen.task
    validation, test = (read(chosen.bundled / f"{name}.jsonl") for name in ("validation", "test"))
    pool, tested = real_rows(chosen.real)
    print(f"| {task} | bundled | real |\n|---|---|---|")
    for name, number in measures(task):
        print(f"| {name} | {number(validation + test)} | {number(tested + pool)} |")
    ours, theirs = layers(task, validation, test), layers(task, pool, tested)
    if WRITTEN[task]:
        print(f"| AUC of the cosine | {show_auc(*ours)} | {show_auc(*theirs)} |")
    size = len(validation)
    on_ours = [accuracy(task, *ours)]
    on_theirs = [accuracy(task, draw(theirs[0], size, seed), theirs[1]) for seed in range(DRAWS)]
    crossed = [accuracy(task, draw(theirs[0], size, seed), ours[1]) for seed in range(DRAWS)]
    halves = f"| probe, {size} rows trained on, {len(test)} and {len(tested)} tested"
    print(f"{halves} | {show(on_ours, len(test))} | {show(on_theirs, len(tested))} |")
    print(f"| the probe trained on {size} real rows | {show(crossed, len(test))} | |")


def read(path: Path) -> list[Row]:
    """Return the rows of a JSONL file, plain or gzipped."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return [json.loads(line) for line in file]


def real_rows(folder: Path) -> tuple[list[Row], list[Row]]:
    """Return rows to train on and to test with; the latter are filled up from the train file."""
    files = sorted(folder.glob("*.jsonl*"), key=lambda path: path.name.startswith("train"))
    rows = []
    for found in map(read, files):
        random.Random(0).shuffle(found)
        rows += found
    return rows[-POOL:], rows[:TESTED]


def given(row: Row, task: str) -> str:
    """Return the text that a written one belongs to, or the only text."""
    return next(row[field] for field in GIVEN[task] if field in row)


def words(text: str) -> list[str]:
    """Return the lower-cased words and numbers of a text."""
    return re.findall(r"\w+", text.lower())


def measures(task: str) -> Iterator[tuple[str, Callable[[list[Row]], str]]]:
    """Yield the names of what needs no model, and how to get it from rows."""
    yield "rows", lambda rows: str(len(rows))
    yield f"of them {POSITIVE[task]}", lambda rows: f"{labels(task, rows).mean():.0%}"
    tenths = "words at 10 / 50 / 90 %"
    yield f"given text, {tenths}", lambda rows: lengths([given(row, task) for row in rows])
    if written := WRITTEN[task]:
        yield f"{written}, {tenths}", lambda rows: lengths([row[written] for row in rows])
        for value, name in ((1, POSITIVE[task]), (0, f"not {POSITIVE[task]}")):
            yield f"word overlap, {name}", lambda rows, value=value: overlap(task, rows, value)


def lengths(texts: list[str]) -> str:
    """Show three quantiles of the number of words."""
    counts = [len(text.split()) for text in texts]
    return " / ".join(f"{np.quantile(counts, level):.0f}" for level in (0.1, 0.5, 0.9))


def overlap(task: str, rows: list[Row], value: int) -> str:
    """Show which share of the written text's words the given text has, for one label."""
    pairs = [
        (words(row[str(WRITTEN[task])]), set(words(given(row, task))))
        for row in np.array(rows)[labels(task, rows) == value]
    ]
    return f"{np.mean([sum(word in known for word in own) / len(own) for own, known in pairs]):.2f}"


def labels(task: str, rows: list[Row]) -> Floats:
    """Return 1 for a row of the positive label, else 0."""
    return np.array([row["label"] == POSITIVE[task] for row in rows], dtype=float)


Layer = tuple[Floats, Floats]  # numbers that a probe reads, a row each, and labels


def layers(task: str, *parts: list[Row]) -> list[Layer]:
    """Return each part's numbers from MiniLM, cached by its rows, and its labels."""
    found = []
    for rows in parts:
        texts = [[given(row, task), row.get(str(WRITTEN[task]), "")] for row in rows]
        key = hashlib.sha256(json.dumps([task, texts]).encode()).hexdigest()[:16]
        file = cache_folder() / "difficulty" / f"{key}.npy"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, [interaction(*pair) if pair[1] else mean(pair[0]) for pair in texts])
        found.append((np.load(file), labels(task, rows)))
    return found


def interaction(premise: str, hypothesis: str) -> list[float]:
    """Return the cosine of the means, and the mean and least of the tokens' best cosines."""
    a, b = tokens(premise), tokens(hypothesis)
    cosine = F.cosine_similarity(a.mean(0), b.mean(0), dim=0)
    best = (F.normalize(b, dim=1) @ F.normalize(a, dim=1).T).max(1).values
    return [float(cosine), float(best.mean()), float(best.min())]


def mean(text: str) -> list[float]:
    """Return the normalised mean of a text's token embeddings."""
    return [float(number) for number in F.normalize(tokens(text).mean(0), dim=0)]


@torch.inference_mode()
def tokens(text: str) -> torch.Tensor:
    """Return the embedding of each token, the two special ones included."""
    tokenizer, model = encoder()
    batch = tokenizer(text, truncation=True, max_length=256, return_tensors="pt")
    return model(**batch).last_hidden_state[0].float()


@cache
def encoder() -> tuple[AutoTokenizer, AutoModel]:
    """Load the tokenizer and the model that s3/conf/model/minilm.yaml names."""
    package = OmegaConf.load(MODEL).package
    folder = RegistryWeights(**package).folder()
    return AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


def show_auc(*parts: Layer) -> str:
    """Show the chance that a positive row has a higher cosine than another, and its error."""
    numbers, truth = map(np.concatenate, zip(*parts, strict=True))
    cosines = numbers[:, 0]
    high, low = cosines[truth == 1], cosines[truth == 0]
    wins = (high[:, None] > low).astype(float)
    error = np.sqrt(wins.mean(1).var() / len(high) + wins.mean(0).var() / len(low))
    return f"{wins.mean():.2f} ± {error:.2f}"


def draw(layer: Layer, size: int, seed: int) -> Layer:
    """Return `size` random rows."""
    kept = np.random.default_rng(seed).permutation(len(layer[1]))[:size]
    return layer[0][kept], layer[1][kept]


def accuracy(task: str, train: Layer, test: Layer) -> float:
    """Return the test accuracy of a logistic regression, fitted by Newton's method."""
    centre, scale = train[0].mean(0), train[0].std(0) + 1e-9
    x, held_out = (np.c_[(rows - centre) / scale, np.ones(len(rows))] for rows, _ in (train, test))
    weights, penalty = np.zeros(x.shape[1]), PENALTY[task] * np.eye(x.shape[1])
    penalty[-1, -1] = 0
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(x @ weights, -30, 30)))
        slope = x.T @ (chance - train[1]) / len(x) + penalty @ weights
        bend = (x.T * (chance * (1 - chance))) @ x / len(x) + penalty
        weights -= np.linalg.solve(bend + 1e-9 * np.eye(len(bend)), slope)
    return float(np.mean((held_out @ weights > 0) == (test[1] == 1)))


def show(accuracies: list[float], tested: int) -> str:
    """Show the mean accuracy in per cent and the error of the tested rows."""
    found = np.mean(accuracies)
    return f"{100 * found:.1f} ± {100 * np.sqrt(found * (1 - found) / tested):.1f}"


if __name__ == "__main__":
    main()
