"""`python -m s3 preview` and `check task=`: what a run would write, or stumble over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from s3.commands.app import app
from s3.composing import composed
from s3.llm import Session
from s3.methods import Bench
from s3.runs.dryrun import Habits
from s3.runs.dryrun.rehearsal import Pupil, Replies
from tests.author import rationales
from tests.server import FakeLLM, Manners

Serve = Callable[..., FakeLLM]


def asked(command: str, *options: str) -> Result:
    return CliRunner().invoke(app, [command, *options])


def at(endpoint: FakeLLM, *more: str) -> list[str]:
    return ["llm=server", f"llm.base_url={endpoint.url}", "llm.model=m", "llm.input_price=0",
            "llm.output_price=0", *more]  # fmt: skip


def declining(prompt: str, sample: str) -> str:
    """Refuse every extrapolation."""
    return "I cannot help with that." if "similar to" in prompt else rationales(prompt, sample)


def test_eight_replies_to_each_kind_of_prompt_are_shown_with_what_becomes_of_them() -> None:
    with FakeLLM(declining, Manners()) as endpoint:
        said = asked("preview", *at(endpoint, "task=imdb")).stdout
    steps = {part.partition("\n")[0]: part for part in said.split("\n== ")[1:]}
    assert list(steps) == ["rationales", "seed data", "round 1 extrapolation"]
    assert steps["seed data"].count("-- kept") == 8
    assert steps["round 1 extrapolation"].count("-- dropped: declined") == 8
    assert "Write a negative movie review similar to:" in steps["round 1 extrapolation"]


def test_a_run_does_not_pay_again_for_what_a_preview_wrote() -> None:
    options = ("task=imdb", "seed_size=12", "method.rounds=0")
    with FakeLLM(rationales, Manners()) as endpoint:
        assert asked("preview", *at(endpoint, *options)).exit_code == 0
        before = len(endpoint.requests)
        again = asked("preview", *at(endpoint, *options)).stdout
        assert len(endpoint.requests) == before
        assert "0 requests" in again
        experiment = composed(at(endpoint, *options)).experiment
        task = experiment.task
        gold = task.load(0)
        habits = Habits((0.5,))
        fit = Pupil(task, Replies(task, habits), habits, 0).fit
        with Session(experiment.llm, 0) as llm:
            bench = Bench(task, llm, fit, gold.validation, gold.train, 0, "accuracy")
            assert len(list(experiment.method.run(bench))) == 1
        assert len(endpoint.requests) - before == 4  # seeds 9 to 12


def test_a_method_that_asks_nothing_has_no_preview() -> None:
    assert "asks an LLM nothing" in str(asked("preview", "task=imdb", "method=gold").exception)


def task_of(folder: Path, tiny: Path, rows: list[dict[str, str]], test: list[dict[str, str]]):
    for name, content in (("v", rows), ("t", test)):
        lines = "".join(json.dumps(row) + "\n" for row in content)
        (folder / f"{name}.jsonl").write_text(lines)
    return [
        "task=imdb", "task.gold.source=files", f"task.gold.files.path={folder}",
        "task.gold.files.validation=v.jsonl", "task.gold.files.test=t.jsonl",
        f"model.weights={tiny}", "model.max_length=32",
    ]  # fmt: skip


def rows(number: int, text: str) -> list[dict[str, str]]:
    labels = ("negative", "positive")
    return [{"text": f"{text} the film {i}", "label": labels[i % 2]} for i in range(number)]


def test_a_task_is_looked_at_and_nothing_is_sent(tmp_path: Path, tiny: Path) -> None:
    result = asked("check", *task_of(tmp_path, tiny, rows(8, "good " * 60), rows(6, "bad")))
    assert result.exit_code == 0, result.exception
    assert "8 rows: negative 4, positive 4" in result.stdout
    assert "8 of 8 gold rows are longer than model.max_length=32 tokens" in result.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["task.query.chat=''", "task.query.continuation=''"], "task.query.continuation is empty"),
        (["task.mistake.continuation='Another film: '"], "lacks $label"),
        (["model.weights=/nowhere"], "no such folder"),
        (["task.gold.files.test=v.jsonl"], "are the same"),
    ],
)
def test_what_would_end_a_run_is_said(
    tmp_path: Path, tiny: Path, change: list[str], said: str
) -> None:
    result = asked("check", *task_of(tmp_path, tiny, rows(8, "good"), rows(6, "bad")), *change)
    assert result.exit_code
    assert said in f"{result.exception} {result.stderr}"


def test_test_rows_in_validation_end_it(tmp_path: Path, tiny: Path) -> None:
    same = rows(8, "good")
    result = asked("check", *task_of(tmp_path, tiny, same, same))
    assert "8 of 8 test rows stand in validation too" in str(result.exception)


def test_an_endpoint_that_does_not_answer_is_said_after_the_task(
    tmp_path: Path, tiny: Path
) -> None:
    options = task_of(tmp_path, tiny, rows(8, "good"), rows(6, "bad"))
    nowhere = ["llm=server", "llm.base_url=http://127.0.0.1:1/v1", "llm.model=m"]
    result = asked("check", *options, *nowhere)
    assert "small model" in result.stdout
    assert "cannot be reached" in str(result.exception)
