"""Composition through the command line: every option builds, every mistake is one clear line."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from typing import Any

import pytest

from s3.errors import UserError
from tests.author import composed
from tests.runs.helpers import ROOT

CONF = ROOT / "conf"
HEAVY = ("torch", "transformers", "datasets", "pytorch_lightning", "wandb", "aiohttp", "xllamacpp")


def run(*overrides: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "run.py"), *overrides]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def names(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@pytest.mark.parametrize(("task", "method"), itertools.product(names("task"), names("method")))
def test_every_task_goes_with_every_method(task: str, method: str) -> None:
    if (task, method) == ("adversarial_qa", "progen"):
        pytest.skip("ProGen is for classification")
    assert composed(f"task={task}", f"method={method}").task.name == task


# The paper's Table 2 in thousands, and the additional rows of its Table 6, which S3's sizes hold.
TABLE_2 = {
    "s3": {"imdb": 21.2, "qnli": 168, "rte": 33.6, "adversarial_qa": 81.5},
    "goldgen": {"imdb": 25, "qnli": 150, "rte": 30, "adversarial_qa": 80},
    "zerogen": dict.fromkeys(("imdb", "qnli", "rte", "adversarial_qa"), 200),
    "progen": {"imdb": 100},
}
TABLE_6 = {"imdb": 6173, "qnli": 51100, "rte": 1522, "adversarial_qa": 51532}
CELLS = [(task, method) for method, row in TABLE_2.items() for task in row]


@pytest.mark.parametrize(("task", "method"), CELLS)
def test_the_papers_preset_has_its_sizes(task: str, method: str) -> None:
    experiment = composed(f"task={task}", f"method={method}", "preset=paper")
    made: Any = experiment.method
    size = made.size or made.seed_size + (TABLE_6[task] if method == "s3" else 0)
    assert round(size / 1000, 1) == TABLE_2[method][task]
    assert (experiment.task.gold.source.value, experiment.llm.name) == ("hub", "openai")
    assert experiment.model.name.startswith("distilbert")


@pytest.mark.parametrize(("task", "tokens", "quick"), [
    ("imdb", 742, 96), ("rte", 128, 60), ("qnli", 61, 48), ("adversarial_qa", 51, 48),
])  # fmt: skip
def test_the_papers_preset_has_room_for_the_longest_text_that_was_published(
    task: str, tokens: int, quick: int
) -> None:
    """In tokens of BERT: of the authors' replies, and for questions of gold data."""
    reply = composed(f"task={task}", "preset=paper").task.reply
    assert reply.tokens >= tokens
    assert composed(f"task={task}").task.reply.tokens == quick


@pytest.mark.parametrize("model", names("model"))
def test_every_model_builds(model: str) -> None:
    assert composed(f"model={model}").model.name


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("methd=s3", "methd: no such option"),
        ("method.roundz=3", "method.roundz: no such option; known here: seed_size"),
        ("method.rounds=three", "method.rounds: Value 'three'"),
        ("method.rounds=-1", "method.rounds must be at least 0, not -1"),
        ("llm.temperature=9", "llm.temperature must be in 0..2, not 9"),
        ("model.epochs=0", "model.epochs must be at least 1, not 0"),
        ("task=nosuch", "adversarial_qa imdb qnli rte"),
        ("seed=-1", "seed must be at least 0, not -1"),
        ("task.gold.source=files", "task.gold.source=files needs gold.files.validation"),
        ("task.gold.source=attic", "task.gold.source"),
        ("task.query.continuation=$premiss", "unknown variable $premiss; it may use $label"),
        ("task.mistake.continuation=''", "task.mistake.continuation is empty"),
        ("llm=server", "llm.model"),
        ("task.reply.words=3", "task.reply.words: no such option"),
    ],
)
def test_a_mistake_is_named_in_two_lines_without_a_traceback(override: str, said: str) -> None:
    done = run(override)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("Error executing")]
    assert done.returncode != 0
    assert said in done.stderr
    assert len(lines) <= 2
    assert "Traceback" not in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, run; run.register(); print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_cfg_job_shows_the_composed_configuration() -> None:
    started = time.monotonic()
    done = run("--cfg", "job", "task=imdb")
    assert "name: imdb" in done.stdout
    assert time.monotonic() - started < 20  # no model is loaded, nothing is fetched


def test_windows_must_advance_where_there_are_windows() -> None:
    assert composed("task=imdb", "model.max_length=32").model.max_length == 32
    with pytest.raises(UserError, match="stride must be below"):
        composed("task=adversarial_qa", "model.max_length=32")
