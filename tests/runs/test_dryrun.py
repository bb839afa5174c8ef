"""The dry run: it shows what a run asks for, estimates what that uses, and sends nothing."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.llm import Session, Usage
from s3.methods import Bench
from s3.runs.dryrun import Habits, Plan, between, learn, rehearse, show
from s3.runs.dryrun.rehearsal import Pupil, Replies
from s3.runs.experiment import Experiment
from tests.author import composed
from tests.runs.helpers import ROOT
from tests.server import FakeLLM

SIZES = ("seed_size=24", "task.gold.validation_size=20", "task.gold.test_size=4")
Serve = Callable[..., FakeLLM]


def plan(experiment: Experiment, habits: Habits | None = None) -> Plan:
    task, seed = experiment.task, experiment.seed
    parts = (task, experiment.llm, experiment.method, experiment.model)
    return rehearse(*parts, task.load(seed), seed, habits or Habits((0.45,)))


def used(experiment: Experiment, habits: Habits, run: str) -> Usage:
    """What the real method uses, when its models err as the habits say."""
    gold = experiment.task.load(experiment.seed)
    fit = Pupil(experiment.task, Replies(experiment.task, habits), habits, experiment.seed).fit
    with Session(experiment.llm, experiment.seed, run) as llm:
        metric = experiment.task.head().metrics[0]
        bench = Bench(
            experiment.task, llm, fit, gold.validation, gold.train, experiment.seed, metric
        )
        assert list(experiment.method.run(bench))
        return llm.usage


def served(endpoint: FakeLLM, *overrides: str) -> Experiment:
    llm = ("llm=server", "llm.model=test", f"llm.base_url={endpoint.url}")
    return composed(*llm, *SIZES, *overrides)


def test_requests_and_tokens_are_those_of_the_run(serve: Serve) -> None:
    endpoint = serve()
    habits = Habits(kept=(1.0,), wrong=(0.5, 0.25))
    before = used(served(endpoint), habits, "rte-s3-server-minilm-seed0-x")
    assert before.requests == 24 + 10 + 5
    experiment = served(endpoint, "seed=1")
    found = learn(experiment.llm, experiment.task, "rte", [])
    known = replace(found, kept=(1.0,), wrong=(0.5, 0.25))
    assert known.letters == pytest.approx(4, rel=0.02)  # the endpoint counts four a token
    guessed = plan(experiment, known).total
    asked = len(endpoint.requests)
    real = used(experiment, habits, "rte-s3-server-minilm-seed1-x")
    assert len(endpoint.requests) - asked == real.requests == guessed.requests == 39
    assert guessed.prompt_tokens == pytest.approx(real.prompt_tokens, rel=0.03)
    assert guessed.completion_tokens == real.completion_tokens


def test_what_the_store_has_is_not_counted_again(serve: Serve) -> None:
    experiment = served(serve(), "llm.input_price=1", "llm.output_price=2")
    habits = Habits(kept=(1.0,), wrong=(0.5,))
    full = plan(experiment, habits).total
    assert full.cost == pytest.approx((full.prompt_tokens + 2 * full.completion_tokens) / 1e6)
    used(experiment, habits, "rte-x")
    again = plan(experiment, habits)
    assert (again.total.requests, again.total.cost, again.total.stored) == (0, 0, full.requests)
    assert again.steps["seed data"].stored == 24


def test_what_a_task_holds_does_not_steer_the_terminal(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment = served(serve(), "task=imdb")
    task = experiment.task
    task.labels = {"[/b]\x1b[31mgood": "good\x1b[2J", "bad": "bad"}
    task.gold.bundled.labels = {"positive": "[/b]\x1b[31mgood", "negative": "bad"}
    task.system = "\x1b]0;owned\x07Write \u202eone."
    show(*[plan(experiment)] * 3)
    shown = capsys.readouterr().out
    assert "seed [/b]good: at most" in shown
    assert "[system] Write one." in shown
    assert not [one for one in shown if one != "\n" and not one.isprintable()]


def test_bounds_hold_what_a_run_costs_that_goes_otherwise_than_assumed(serve: Serve) -> None:
    endpoint, assumed = serve(), Habits(kept=(0.9,), wrong=(0.4,))
    for seed, wrong in enumerate((0.2, 0.6)):
        prices = ("llm.input_price=1", "llm.output_price=2")
        experiment = served(endpoint, *prices, f"seed={seed}")
        least, most = (plan(experiment, one) for one in assumed.extremes())
        real = used(experiment, Habits(kept=(1.0,), wrong=(wrong,)), f"rte-seed{seed}-x")
        assert least.total.requests < real.requests < most.total.requests
        assert least.total.cost < real.cost < most.total.cost
    assert between(least, most).endswith(f"${least.total.cost:.2f} to ${most.total.cost:.2f}")


class Terminal(io.StringIO):
    """Someone at a terminal, who types what is there to be read."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("options", "asks"),
    [((), True), (("llm.max_cost=1",), False), (("confirm_above=null",), False),
     (("confirm_above=1000",), False), (("llm.input_price=0", "llm.output_price=0"), False)],
)  # fmt: skip
def test_a_run_that_may_cost_much_asks_first(
    serve: Serve, options: tuple[str, ...], asks: bool, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    endpoint, said = serve(), Terminal()
    prices = ("llm.input_price=100", "llm.output_price=100", "confirm_above=0.01")
    experiment = served(endpoint, "model=static", *prices, *options)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    monkeypatch.setattr("sys.stderr", said)
    monkeypatch.setattr(Experiment, "_carry_out", lambda *_: None)  # what comes after the answer
    choices = {"task": "rte", "method": "s3", "llm": "server", "model": "static", "preset": "quick"}
    with pytest.raises(UserError, match="nothing was sent" if asks else "could not be written"):
        experiment.run({}, choices, {})
    assert ("Go on?" in said.getvalue()) is asks
    assert not endpoint.requests


def test_dropped_replies_are_asked_for_again() -> None:
    steps = plan(composed(*SIZES, "seed_size=200"), Habits(kept=(0.5, 0.8), wrong=(0.5,))).steps
    assert steps["seed data"].requests == pytest.approx(200 * (1 - 0.5**5) / 0.5, rel=0.03)
    assert steps["round 1 extrapolation"].requests == pytest.approx(10 / 0.8, abs=1)


@pytest.mark.parametrize("method", ["s3", "zerogen", "goldgen", "progen", "gold"])
@pytest.mark.parametrize("task", ["imdb", "rte", "qnli", "adversarial_qa"])
def test_every_method_of_every_task_can_be_rehearsed(task: str, method: str) -> None:
    if (task, method) == ("adversarial_qa", "progen"):
        pytest.skip("ProGen is for classification")
    found = plan(composed(f"task={task}", f"method={method}"))
    assert (found.total.requests == 0) is (method == "gold")
    for step, usage in found.steps.items():  # replies are kept as often as was assumed
        if step == "seed data":
            assert usage.requests == pytest.approx(200 / 0.9, rel=0.05)


def test_lists_are_told_from_texts_whatever_their_lengths() -> None:
    usual = plan(composed("task=imdb", *SIZES))
    alike = plan(composed("task=imdb", *SIZES, "task.reply.tokens=400"))
    assert {kind for kind, prompt in alike.prompts.items() if prompt.kind == "list"} == {
        "rationales"
    }
    assert {step: used.requests for step, used in alike.steps.items()} == {
        step: used.requests for step, used in usual.steps.items()
    }


def test_the_first_prompt_of_each_kind_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    experiment = composed("task=imdb", "llm=openai")
    found = plan(experiment)
    kinds = ["extrapolation negative", "extrapolation positive", "rationales"]
    assert sorted(found.prompts) == [*kinds, "seed negative", "seed positive"]
    show(found, found, found)
    shown = capsys.readouterr().out
    assert f"[system] {experiment.task.system.strip()}" in shown
    gold = experiment.task.load(0).validation
    assert any(
        f"Write a negative movie review similar to:\n{one.fields['text']}" in shown for one in gold
    )
    assert "a movie that has [an earlier reply], [an earlier reply], [an earlier reply]." in shown


def test_an_earlier_run_tells_what_is_kept_and_wrong(tmp_path: Path) -> None:
    rounds = [
        {"data/seed": 30, "data/added": 0, "data/dropped/echo": 10, "validation/accuracy": 0.6},
        {"data/seed": 30, "data/added": 16, "data/dropped/echo": 3, "data/dropped/empty": 1,
         "validation/accuracy": 0.7},
    ]  # fmt: skip
    content = {"rounds": rounds, "metric": "accuracy"}
    (tmp_path / "summary.json").write_text(json.dumps(content))
    experiment = composed()
    habits = learn(experiment.llm, experiment.task, "rte", [tmp_path / "unfinished", tmp_path])
    assert habits.kept == pytest.approx((0.75, 0.8))
    assert habits.wrong == pytest.approx((0.4, 0.3))
    assert any(str(tmp_path) in source for source in habits.sources)
    assert "by default" in habits.sources[0]


def test_tasks_are_expected_to_be_as_hard_as_they_are() -> None:
    def wrong(name: str) -> float:
        experiment = composed(f"task={name}")
        return learn(experiment.llm, experiment.task, name, []).wrong[0]

    assert wrong("imdb") < wrong("rte") == wrong("qnli") < 0.5 < wrong("adversarial_qa")


def test_the_command_sends_and_writes_nothing_and_is_quick(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", str(ROOT / "run.py"), "dry_run=true"]
    started = time.monotonic()
    done = subprocess.run(
        [*command, "llm=openai"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert time.monotonic() - started < 20  # about one, on a machine that does nothing else
    assert "Nothing was sent" in done.stdout
    assert not (tmp_path / "outputs").exists()
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not imported & {"torch", "transformers", "datasets", "wandb", "xllamacpp"}


@pytest.mark.slow
@pytest.mark.parametrize("task", ["rte", "imdb", "qnli", "adversarial_qa"])
def test_the_default_estimate_is_within_a_quarter_on_the_embedded_llm(task: str) -> None:
    experiment = composed(f"task={task}", "method.rounds=1", *SIZES, "seed_size=40")
    habits = learn(experiment.llm, experiment.task, task, [])
    guessed = plan(experiment, habits).total
    real = used(experiment, habits, f"{task}-x")
    assert guessed.tokens == pytest.approx(real.tokens, rel=0.25)
