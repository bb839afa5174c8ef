"""`python -m s3 feasible task=NAME`: can synthetic data teach this task? A small trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3.composing import Folder, Options, composed, wrong_options

if TYPE_CHECKING:
    from s3.feasibility import Trial
    from s3.llm import Prompt
    from s3.runs.experiment import Experiment

Texts = Annotated[int, typer.Option(min=8, help="Texts that each way of writing gives.")]


def feasible(options: Options, texts: Texts = 80, config_dir: Folder = None) -> None:
    """Whether synthetic data can teach a task: the LLM tries it, writes a little, a model learns.

    Takes a run's options. Scores are on gold validation; the test split is not looked at.
    """
    with wrong_options():
        made = composed(options, config_dir)
    from s3 import feasibility
    from s3.runs.dryrun import between

    one = made.experiment
    gold = one.task.load(one.seed)
    teach, aside = feasibility.halves(gold, one.task, one.seed)
    assert one.task.label_names
    task: Any = one.task
    with wrong_options():
        small = [trial_of(one, method) for method in feasibility.methods(texts)]
    labels = feasibility.questions(task, one.llm.style, teach, aside, one.seed)
    print(
        f"Asks about {2 * texts + len(labels)} prompts of {one.llm.endpoint}"
        f"{costs(small, labels, made.choices)}.",
        flush=True,
    )
    run = f"{made.choices['task']}-feasible"
    found = feasibility.tried(task, one.llm, one.model, teach, aside, texts, one.seed, run)
    trials = {trial.name: trial for trial in found}
    guess = feasibility.guessed(aside)
    show([*trials.values()], feasibility.similarities(task, [*trials.values()], aside, one.seed))
    print(f"  {'always the majority':28}{100 * guess:8.1f}")
    said, why = feasibility.verdict(trials, guess)
    likely, least, most = one.rehearsal(made.choices)
    cost = f"about ${likely.total.cost:.2f}, " if likely.priced and most.total.cost else ""
    print(f"\nA whole run, beside what is stored: {cost}{between(least, most)}.")
    print(f"\n{said}: {why}")
    print(
        f"So few texts say little: a whole run has more, and learns from errors. {len(aside)} rows "
        "score, so that differences of some points are chance."
    )


def show(trials: Sequence[Trial], similarity: Mapping[str, float]) -> None:
    """Print a line for each trial: rows, accuracy, its interval, similarity to gold."""
    print(f"\nAccuracy in per cent on {len(trials[0].rows)} gold validation rows, 95 % interval:")
    for trial in trials:
        low, high = trial.bounds
        size = f"{trial.size} rows" if trial.size else ""
        bounds = f"{100 * low:.0f} to {100 * high:.0f}"
        like = (
            f"similarity to gold {similarity[trial.name]:.2f}" if trial.name in similarity else ""
        )
        line = f"  {trial.name:18}{size:>10}{100 * trial.accuracy:8.1f}  {bounds:10}  {like}"
        print(line.rstrip())


def costs(small: Sequence[Experiment], labels: Sequence[Prompt], choices: Mapping[str, str]) -> str:
    """Return what the trial costs, likely and at most; nothing where no price is known, or none."""
    from s3.feasibility import tokens_of

    price = small[0].llm.price()
    if not price or not (labelling := price.of(tokens_of(labels))):
        return ""
    likely, _, most = (
        labelling + sum(plan.total.cost for plan in plans)
        for plans in zip(*(one.rehearsal(choices) for one in small), strict=True)
    )
    return f": about ${likely:.4f}, at most ${most:.4f}"


def trial_of(experiment: Experiment, method: Any) -> Experiment:
    """Return the experiment with another method.

    Raises ConfigError where its task lacks a prompt that the method needs.
    """
    from s3.errors import ConfigError

    try:
        return replace(experiment, method=method)
    except ValueError as error:
        raise ConfigError(str(error)) from None
