"""What would move question answering: more gold rows, more epochs, or a model that reads already.

The default's small model is fine-tuned on AdversarialQA's public validation set, half of it by
context (that has its training set's questions, not its rows); tested on rows of the other half, and
on the bundled test set. `--cloze` trains it first on as many questions made without an LLM from the
training half's contexts: a sentence with a name, number or phrase taken out (Lewis et al. 2019).
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from s3.data.example import Answers, Example
from s3.data.rows import to_row
from s3.runs.significance import score
from s3.student import Predictor, SpanExtractor, Student
from s3.tasks.qa import candidate_spans

ROOT = Path(__file__).parents[2]
GOLD = 100  # rows of the training half that choose the epoch


def main() -> None:
    """Print a line: EM and F1 on the rows trained on, on both test sets, and by epoch on gold."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="the folder with adversarial_qa")
    options.add_argument("--rows", type=int, required=True, help="gold rows to train on")
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--cloze", type=int, default=0, help="made questions to train on before")
    options.add_argument("--tested", type=int, default=400, help="rows of the test half")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--keep", type=Path, help="where to save the model")
    given = options.parse_args()
    pool = read(given.data / "adversarial_qa/proxy_train_from_validation.jsonl.gz")
    random.Random(given.seed).shuffle(pool)
    train, gold = pool[GOLD : GOLD + given.rows], pool[:GOLD]
    other = read(given.data / "adversarial_qa/proxy_test_from_validation.jsonl.gz")
    tests = {
        "the other half": random.Random(0).sample(other, given.tested),
        "bundled test": read(ROOT / "s3/data/bundled/adversarial_qa/test.jsonl"),
    }
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        model = read_already(pool[GOLD:], gold, given, Path(place)) if given.cloze else None
        fitted = model
        if given.rows:
            fitted = student(given.epochs).fit(
                SpanExtractor(),
                train,
                gold,
                seed=given.seed,
                folder=Path(place) / "gold",
                start=model,
            )
        assert fitted is not None
        tests |= {"trained on": train[:200]} if train else {}
        found = [f"{name}: {scores(rows, fitted)}" for name, rows in tests.items()]
        by_epoch = " ".join(f"{100 * row['validation/f1']:.1f}" for row in fitted.history)
        if given.keep:
            fitted.save(given.keep)
    print(f"{given.cloze} cloze, {given.rows} gold, {given.epochs} epochs, seed {given.seed}: "
          f"{'; '.join(found)}; F1 of {GOLD} gold rows by epoch {by_epoch}; "
          f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip


def read(file: Path) -> list[Example]:
    """Return the rows of a JSON Lines file, packed or not."""
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open() as lines:
        rows: list[dict[str, Any]] = [json.loads(line) for line in lines]
    return [
        Example(
            {"question": row["question"], "context": row["context"]},
            Answers(tuple(row["answers"]["text"]), tuple(row["answers"]["answer_start"])),
        )
        for row in rows
    ]


def read_already(
    pool: list[Example], gold: list[Example], given: argparse.Namespace, place: Path
) -> Predictor:
    """Return a model trained for two epochs on made questions of the pool's contexts."""
    contexts = sorted({row.fields["context"] for row in pool})
    rng = random.Random(given.seed)
    made = [cloze(rng.choice(contexts), rng) for _ in range(given.cloze)]
    return student(2).fit(SpanExtractor(), made, gold, seed=given.seed, folder=place / "cloze")


def cloze(context: str, rng: random.Random) -> Example:
    """Return a sentence of the context with a phrase taken out, as the question for this phrase."""
    start, text = rng.choice(candidate_spans(context))
    begin = max((m.end() for m in re.finditer(r"[.!?]\s+", context[:start])), default=0)
    end = re.search(r"[.!?](\s|$)", context[start + len(text) :])
    stop = start + len(text) + end.start() if end else len(context)
    words = f"{context[begin:start]}what{context[start + len(text) : stop]}?".split()[:40]
    return Example({"question": " ".join(words), "context": context}, Answers((text,), (start,)))


def scores(rows: list[Example], fitted: Predictor) -> str:
    """Return EM and F1 in per cent with their standard errors over the rows."""
    answers = fitted.predict(rows).answers
    said = [
        {"target": to_row(row)["target"], "predicted": answer}
        for row, answer in zip(rows, answers, strict=True)
    ]
    found = {name: score(name, said) for name in ("em", "f1")}
    return ", ".join(
        f"{name.upper()} {100 * one.value:.1f} ± {100 * one.error:.1f}"
        for name, one in found.items()
    )


def student(epochs: int) -> Student:
    """Return the default student of conf/model/minilm.yaml, which trains so long."""
    config = OmegaConf.load(ROOT / "s3/conf/model/minilm.yaml")
    del config["defaults"]
    built = OmegaConf.to_object(
        OmegaConf.merge(OmegaConf.structured(Student), config, {"epochs": epochs})
    )
    assert isinstance(built, Student)
    return built


if __name__ == "__main__":
    main()
