"""A run's identity: what decides its result is in it, what does not is not."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from s3.llm import Session
from s3.methods import Bench
from s3.runs.experiment import Experiment
from s3.runs.identity import RESULTS, identity
from s3.storage import digest
from tests.author import composed, rationales
from tests.methods.learner import Learner
from tests.runs.made import gold
from tests.server import FakeLLM

FILES = ("task.gold.source=files", "task.gold.files.validation=dev.csv")
ROWS = 'text,label\n"A fine film, with {0}.",positive\n"A dull film, with {0}.",negative\n'


def of(*overrides: str) -> dict[str, Any]:
    """The identity of what a command line composes."""
    experiment: Experiment = composed("task=imdb", *overrides)
    task, seed = experiment.task, experiment.seed
    parts = (task, experiment.llm, experiment.model, experiment.method, experiment.audit)
    return identity(*parts, task.load(seed), seed)


def data(folder: Path, thing: str = "cats") -> tuple[str, ...]:
    """Gold files in a folder, and the options that name them."""
    folder.mkdir()
    (folder / "dev.csv").write_text(ROWS.format(thing))
    (folder / "test.csv").write_text(ROWS.format("birds"))
    return (*FILES, f"task.gold.files.path={folder}", "task.gold.files.test=test.csv")


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "method.rounds=1",
        "method=zerogen",
        "model.max_length=64",
        "model.training=finetune",
        "model.metric=macro_f1",
        "llm.temperature=0.5",
        "task.reply.tokens=50",
        "task.mistake.continuation='Another $label one than $text: \"'",
        "audit.near=0.5",
        "task.gold.validation_size=20",
    ],
)
def test_what_decides_the_result_is_in_it(override: str):
    assert digest(of(override)) != digest(of())


@pytest.mark.parametrize(
    "override",
    [
        "root=elsewhere",
        "wandb.mode=disabled",
        "llm.max_requests=7",
        "llm.threads=1",
        "model.name=other",
        "task.mistake.chat='Another $label one than $text'",  # the LLM continues texts
        "task.zerogen.continuation='A $label one on $condition: \"'",  # ZeroGen's alone
    ],
)
def test_what_decides_nothing_is_not(override: str):
    assert digest(of(override)) == digest(of())


def test_an_llm_that_is_not_asked_decides_nothing():
    assert digest(of("method=gold", "llm.temperature=0.5")) == digest(of("method=gold"))


def test_gold_files_count_by_content_wherever_they_lie(tmp_path: Path):
    here, there = data(tmp_path / "here"), data(tmp_path / "there")
    assert digest(of(*here)) == digest(of(*there))
    assert digest(of(*here)) != digest(of(*data(tmp_path / "other", "dogs")))


def test_local_weights_count_by_content_wherever_they_lie(tiny: Path, tmp_path: Path):
    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    assert digest(of(f"model.weights={tiny}")) == digest(of(f"model.weights={copy}"))
    with (copy / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        last = file.read(1)[0]
        file.seek(-1, 2)
        file.write(bytes([last ^ 1]))
    assert digest(of(f"model.weights={tiny}")) != digest(of(f"model.weights={copy}"))


def test_two_servers_are_two_identities_and_no_key_is_in_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("S3_SERVER_KEY", "a-secret")
    servers = [
        of("llm=server", "llm.model=m", f"llm.base_url=http://127.0.0.1:{port}/v1")
        for port in (1, 2)
    ]
    assert digest(servers[0]) != digest(servers[1])
    assert "a-secret" not in str(servers)


def test_results_are_those_of_this_number():
    """Prompts, draws, cleaning, merging: whoever changes what they give raises the number."""
    experiment = composed("task=imdb", "seed_size=12")
    task, validation = experiment.task, gold(12)
    with FakeLLM(rationales) as server:
        author = composed("llm=server", "llm.model=m", f"llm.base_url={server.url}").llm
        author.identity = lambda: {"model": "m"}  # whatever the server's port is
        with Session(author, 0) as session:
            learner = Learner(task)
            bench = Bench(task, session, learner, validation, validation, 0, "accuracy")
            rounds = list(experiment.method.run(bench))
    made = digest([[one.id for one in round_.train] for round_ in rounds])
    assert (RESULTS, made) == PINNED, (
        "results changed: raise RESULTS in s3/runs/identity.py, and pin the new digest here"
    )


PINNED = (5, "ae0ca14821c4cdde")
