"""The paper's form of a recipe with a thousandth of its data, through to the end, on stand-ins.

`python -m tests.experiments.thousandth table2`: the hub, its data sets and DistilBERT (of the
paper's kind, tiny, with random weights) are served on loopback, and so is the LLM. It shows that
everything runs, and no more: the scores mean nothing.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.author import question, rationales
from tests.experiments.recipes import CONF, Job, jobs
from tests.hub import Hub
from tests.runs.helpers import ROOT, finished
from tests.server import FakeLLM

CARD = """---
configs:
{configs}---
"""
# Rows of each split, a thousandth of the public sets' (RTE's ten: a round needs some errors).
SETS: dict[str, dict[str, dict[str, int]]] = {
    "stanfordnlp/imdb": {"default": {"train": 25, "test": 25}},
    "nyu-mll/glue": {
        "rte": {"train": 10, "validation": 10}, "qnli": {"train": 105, "validation": 10},
    },
    "UCLNLP/adversarial_qa": {"adversarialQA": {"train": 30, "validation": 10}},
}  # fmt: skip
TEXT = "the film was good and a plot is bad of great scene fine awful end actor"
WORDS = TEXT.split()


def row(config: str, split: str, number: int) -> Mapping[str, Any]:
    """Return a row as the hub's data set of a configuration has it."""
    text = " ".join(WORDS[(number * step) % len(WORDS)] for step in range(1, 9))
    text = f"{text} {split} {number}"
    label = number % 2
    if config == "default":
        return {"text": text, "label": label}
    if config == "rte":
        return {"sentence1": f"{text}.", "sentence2": f"{text} again", "label": label}
    if config == "qnli":
        return {"question": f"what {text}?", "sentence": f"{text}.", "label": label}
    answer = f"{split} {number}"
    answers = {"text": [answer], "answer_start": [text.index(answer)]}
    return {"context": text, "question": f"which {number}?", "answers": answers}


def data_sets() -> dict[str, dict[str, bytes]]:
    """Return the repositories of the paper's data sets, with their files."""
    repos: dict[str, dict[str, bytes]] = {}
    for repo, configs in SETS.items():
        files, said = {}, ""
        for config, splits in configs.items():
            said += f"- config_name: {config}\n  data_files:\n"
            for split, size in splits.items():
                said += f"  - split: {split}\n    path: {config}/{split}.parquet\n"
                rows = [row(config, split, number) for number in range(size)]
                table = io.BytesIO()
                pq.write_table(pa.Table.from_pylist(rows), table)
                files[f"{config}/{split}.parquet"] = table.getvalue()
        files["README.md"] = CARD.format(configs=said).encode()
        repos[f"datasets/{repo}"] = files
    return repos


def distilbert(folder: Path) -> dict[str, bytes]:
    """Return the files of a DistilBERT of two layers with random weights; it reads 512 tokens."""
    import torch
    from transformers import BertTokenizer, DistilBertConfig, DistilBertModel

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = [*special, *WORDS, *"?.,", *map(str, range(10))]
    BertTokenizer(vocab={word: i for i, word in enumerate(vocabulary)}).save_pretrained(folder)
    config = DistilBertConfig(
        vocab_size=len(vocabulary), dim=16, n_layers=2, n_heads=2, hidden_dim=32
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        DistilBertModel(config).save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def reply(prompt: str, sample: str) -> str:
    """List reasons where they are asked for; else ask a question, which every task takes."""
    return (rationales if "reasons" in prompt else question)(prompt, sample)


def divided(job: Job) -> list[str]:
    """Return the options that divide the sizes of a job by a thousand, as it composes them."""
    from hydra import compose, initialize_config_dir

    from s3.config import register

    register()
    with initialize_config_dir(str(ROOT / "s3" / "conf"), version_base="1.3"):
        search = f"hydra.searchpath=[file://{CONF}]"
        method = compose("config", overrides=[search, *job]).method
    names = ("seed_size", "size", "held_out", "first", "scored")
    least = {"held_out": 8, "first": 8, "scored": 8}
    sizes = {name: method[name] for name in names if isinstance(method.get(name), int)}
    return [
        f"method.{name}={max(value // 1000, least.get(name, 4))}" for name, value in sizes.items()
    ]


def run(recipe: str, folder: Path) -> dict[str, Path]:
    """Run all jobs of a recipe's paper form; return the finished runs by task and method.

    For a process of its own: where the hub is, is read once.
    """
    from tests.commandline import run_py

    with Hub(data_sets()) as hub, FakeLLM(reply) as llm:
        # Read when the hub's library is imported, so before anything else is.
        os.environ |= {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf")}
        os.environ |= {"S3_CACHE": str(folder / "cache")}
        hub.repos["distilbert-base-uncased"] = distilbert(folder / "distilbert")
        done: list[Job] = []
        while left := [job for job in jobs(recipe, "paper", folder) if job not in done]:
            for job in left:  # some jobs need the runs of others
                options = [
                    *(one for one in job if not one.startswith("root=")), *divided(job),
                    "llm=server", f"llm.base_url={llm.url}", "llm.model=test",
                    "model.weights=distilbert-base-uncased",  # for MiniLM as well
                    f"root={folder / 'runs'}", "wandb.mode=disabled", "llm.input_price=1",
                    "llm.output_price=2",
                ]  # fmt: skip
                ran = run_py(f"--config-dir={CONF}", *options)
                print(f"{ran.status} {' '.join(job)}", ran.errors if ran.status else "", flush=True)
                assert ran.status == 0, f"{job}: {ran.output}{ran.errors}"
            done += left
    return {"-".join(path.name.split("-")[:2]): path for path in finished(folder / "runs")}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in run(sys.argv[1], Path(scratch)).items():
            sizes = [
                row["data/size"]
                for row in json.loads((path / "summary.json").read_text())["rounds"]
            ]
            print("finished", name, *sizes)
