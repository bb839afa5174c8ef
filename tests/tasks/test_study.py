"""The ten tasks of Li et al. (2023): they compose, read their sets' forms, and rehearse."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from s3.llm import LLM, Style
from s3.runs.dryrun import Habits, rehearse
from s3.tasks import Task
from tests.author import composed
from tests.hub import Hub
from tests.runs.helpers import ROOT

DATA = ROOT.parent / "shared" / "data"
# What a row of each set's own form has for the text, and for its first and its last label.
FORMS = {
    "ag_news": ("text", "label", "World", "Sci/Tech"),
    "sms_spam": ("text", "label", "ham", "spam"),
    "financial_phrasebank": ("text", "label", "negative", "positive"),
    "reddit_emotion": ("text", "label", "anger", "surprise"),
    "relation": ("text", "label", "country", "tributary"),
    "tweet_irony": ("text", "label", "non_irony", "irony"),
    "tweet_emotion": ("text", "label", "anger", "sadness"),
    "sarcasm_news": ("headline", "is_sarcastic", 0, 1),
    "humour_speech": ("text", "humor", False, True),
}
LABELS = {"ag_news": 4, "financial_phrasebank": 3, "reddit_emotion": 6, "relation": 4}
LABELS |= {"tweet_emotion": 4}
KEPT = {  # files of ../shared/data, where they are: two of them, or one that is read as one
    "ag_news": ("ag_news", "train_sub1000.jsonl", "test.jsonl.gz"),
    "sms_spam": ("sms_spam", "all.jsonl", None),
    "financial_phrasebank": ("financial_phrasebank", "all.jsonl", None),
    "tweet_irony": ("tweeteval_irony", "train.jsonl", "test.jsonl"),
    "tweet_emotion": ("tweeteval_emotion", "train.jsonl", "test.jsonl"),
}


def of_files(name: str, folder: Path, *more: str) -> Task:
    """The task with its gold data in a folder."""
    files = ("task.gold.source=files", f"task.gold.files.path={folder}")
    return composed(f"task={name}", *files, *more).task


def write_rows(name: str, folder: Path) -> None:
    """Write four rows of train and of test in a set's own form."""
    text, label, first, last = FORMS[name]
    for split in ("train", "test"):
        rows = [
            {text: f"A made row of {split} number {n}", label: (first, last)[n % 2]}
            for n in range(4)
        ]
        lines = "\n".join(map(json.dumps, rows))
        (folder / f"{split}.jsonl").write_text(lines, encoding="utf-8")


@pytest.mark.parametrize("name", FORMS)
def test_a_set_is_read_in_its_own_form(name: str, tmp_path: Path) -> None:
    write_rows(name, tmp_path)
    task = of_files(name, tmp_path)
    gold = task.load(0)
    names = task.label_names
    assert len(names) == LABELS.get(name, 2)
    assert [one.target for one in gold.test] == [names[0], names[-1]] * 2
    assert gold.validation[3].fields == {"text": "A made row of train number 3"}


@pytest.mark.parametrize("name", KEPT)
def test_the_real_set_loads(name: str, tmp_path: Path) -> None:
    folder, train, test = KEPT[name]
    if not (DATA / folder).is_dir():
        pytest.skip("the set is not here")
    splits = [f"task.gold.files.validation={train}", f"task.gold.files.test={test}"]
    if test is None:  # no split of its own: one is made
        (tmp_path / "test.jsonl").write_bytes((DATA / folder / train).read_bytes())
        splits[1] = f"task.gold.files.test={tmp_path / 'test.jsonl'}"
    task = of_files(name, DATA / folder, *splits)
    read = [task.read_gold(placed) for placed in task.gold.rows("validation", 0)]
    assert {one.target for one in read} == set(task.label_names)
    assert len(read) >= 1000


@pytest.mark.parametrize("name", [*FORMS, "imdb"])
def test_each_label_is_asked_for_in_its_own_words(name: str) -> None:
    task = composed(f"task={name}").task
    assert task.styles
    assert task.lengths
    for style in Style:
        assert task.persona.has(style)
        asked = set()
        for label, written, length in product(task.label_names, task.styles, task.lengths):
            words = {**task.words(label), "style": written, "length": length}
            asked.add(task.generation.fill(style, words))
        assert len(asked) == len(task.label_names) * len(task.styles) * len(task.lengths)


@cache
def chat() -> LLM:
    return composed("llm=openai").llm


@pytest.mark.parametrize("method", ["zeroshot", "fewshot"])
@pytest.mark.parametrize("name", [*FORMS, "imdb"])
def test_each_task_is_rehearsed(name: str, method: str, tmp_path: Path) -> None:
    files = []
    if name in FORMS:  # IMDb's rows come along
        write_rows(name, tmp_path)
        files = ["task.gold.source=files", f"task.gold.files.path={tmp_path}"]
    made = composed(f"task={name}", f"method={method}", "seed_size=24", *files)
    gold, labels = made.task.load(0), made.task.label_names
    for llm in (made.llm, chat()):
        parts = (made.task, llm, made.method, made.model, gold, made.seed)
        plan = rehearse(*parts, Habits(kept=(1.0,), wrong=(1.0,)))
        assert plan.total.requests == 24
        shown = [plan.prompts[f"seed {label}"].text for label in labels]
        assert len(set(shown)) == len(labels)
        assert "$" not in "".join(shown)
        if name in FORMS:
            real = [one.fields["text"] for one in gold.train]
            assert all(all(one in text for one in real) == (method == "fewshot") for text in shown)


def test_the_papers_encoders_are_found_on_the_hub(tmp_path: Path) -> None:
    names = {"bert": "google-bert/bert-base-uncased", "roberta": "FacebookAI/roberta-base"}
    for name, weights in names.items():
        model = composed("task=imdb", "preset=paper", f"model={name}").model
        assert (model.weights, model.training.value) == (weights, "finetune")
    kinds = {name: json.dumps({"model_type": name}).encode() for name in names}
    files = {"tokenizer.json": b"{}", "model.safetensors": b"-"}  # their names are looked at
    repos = {names[name]: {"config.json": kind, **files} for name, kind in kinds.items()}
    with Hub(repos) as hub:
        command = [sys.executable, str(ROOT / "run.py"), "-m", "model=bert,roberta"]
        command += ["task=imdb", "method=zeroshot", "seed_size=4", "dry_run=true"]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True,
            env={**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")},
        )  # fmt: skip
        asked = " ".join(hub.asked)
    for weights in names.values():
        assert f"/{weights}/" in asked
        assert f"{weights} is fetched from the hub when the run begins" in done.stderr
    assert done.stdout.count("Nothing was sent") == 2
