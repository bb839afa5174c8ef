"""`python -m s3 feasible task=NAME`: can synthetic data teach this task? A small trial."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from s3.composing import Folder, Options, composed, wrong_options

Texts = Annotated[int, typer.Option(min=8, help="Texts that each way of writing gives.")]


def feasible(options: Options, texts: Texts = 80, config_dir: Folder = None) -> None:
    """Whether synthetic data can teach a task: the LLM tries it, writes a little, a model learns.

    Takes a run's options. Scores are on gold validation; the test split is not looked at.
    """
    with wrong_options():
        made = composed(options, config_dir)
    from s3 import feasibility

    one = made.experiment
    gold = one.task.load(one.seed)
    teach, aside = feasibility.halves(gold, one.task, one.seed)
    assert one.task.label_names
    task: Any = one.task
    for method in feasibility.methods(texts):
        with wrong_options():
            check(method, task, one.llm.style)
    print(f"Asks about {2 * texts + len(aside)} prompts of {one.llm.endpoint}.", flush=True)
    trials = {}
    run = f"{made.choices['task']}-feasible"
    found = feasibility.tried(task, one.llm, one.model, teach, aside, texts, one.seed, run)
    for trial in found:
        trials[trial.name] = trial
    guess = feasibility.guessed(aside)
    print(f"\nAccuracy in per cent on {len(aside)} gold validation rows, 95 % interval:")
    for trial in trials.values():
        low, high = trial.bounds
        size = f"{trial.size} rows" if trial.size else ""
        bounds = f"{100 * low:.0f} to {100 * high:.0f}"
        print(f"  {trial.name:18}{size:>10}{100 * trial.accuracy:8.1f}  {bounds}")
    print(f"  {'always the majority':28}{100 * guess:8.1f}")
    said, why = feasibility.verdict(trials, guess)
    likely, least, most = one.rehearsal(made.choices)
    from s3.runs.dryrun import between

    cost = f"about ${likely.total.cost:.2f}, " if likely.priced and most.total.cost else ""
    print(f"\nA whole run: {cost}{between(least, most)}.")
    print(f"\n{said}: {why}")
    print(
        f"So few texts say little: a whole run has more, and learns from errors. {len(aside)} rows "
        "score, so that differences of some points are chance."
    )


def check(method: Any, task: Any, style: Any) -> None:
    """Raise ConfigError where the task lacks a prompt that a trial needs."""
    from s3.errors import ConfigError

    try:
        method.check(task, style)
    except ValueError as error:
        raise ConfigError(str(error)) from None
