"""`python -m s3 feasible task=NAME`: can synthetic data teach this task? A small trial."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3.composing import Folder, Options, composed, wrong_options

if TYPE_CHECKING:
    from s3.data.example import Example
    from s3.llm import Prompt, Session
    from s3.runs.experiment import Experiment
    from s3.tasks import Task
    from s3.verdict import Trial

REPEATED, SAMPLES = 20, 5  # rows that the LLM labels again and again, and how often
NOT_SAMPLED = "Subjectivity is not measured: at llm.temperature=0 the LLM always says the same."

Texts = Annotated[int, typer.Option(min=8, help="Texts that each way of writing gives.")]


def feasible(options: Options, texts: Texts = 80, config_dir: Folder = None) -> None:
    """Whether synthetic data can teach a task: the LLM tries it, writes a little, a model learns.

    Takes a run's options. Scores are on gold validation; the test split is not looked at.
    """
    with wrong_options():
        made = composed(options, config_dir)
    from s3 import feasibility
    from s3.llm import Session
    from s3.runs.dryrun import between
    from s3.verdict import verdict

    one = made.experiment
    teach, aside = feasibility.halves(one.task.load(one.seed), one.task, one.seed)
    task: Any = one.task
    with wrong_options():
        small = [trial_of(one, method) for method in feasibility.methods(texts)]
    labels = feasibility.questions(task, one.llm.style, teach, aside, one.seed)
    some = random.Random(one.seed).sample(aside, min(REPEATED, len(aside)))
    again = repeated(one, some)
    print(
        f"Asks about {2 * texts + len(labels) + len(again)} prompts of {one.llm.endpoint}"
        f"{costs(small, [*labels, *again], made.choices)}.",
        flush=True,
    )
    with Session(one.llm, one.seed, f"{made.choices['task']}-feasible") as session:
        with tempfile.TemporaryDirectory() as place:
            trainer = feasibility.Trainer(task, one.model, teach, aside, one.seed, place)
            trials = {trial.name: trial for trial in feasibility.tried(trainer, session, texts)}
        disagreement = subjectivity(session, task, some) if again else NOT_SAMPLED
    guess = feasibility.guessed(aside)
    show([*trials.values()], feasibility.similarities(task, [*trials.values()], aside, one.seed))
    print(f"  {'always the majority':28}{100 * guess:8.1f}")
    print(f"\n{disagreement}")
    said, why = verdict(trials, guess)
    likely, least, most = one.rehearsal(made.choices)
    cost = f"about ${likely.total.cost:.2f}, " if likely.priced and most.total.cost else ""
    print(f"\nA whole run, beside what is stored: {cost}{between(least, most)}.")
    print(f"\n{said}: {why}")
    print(
        f"So few texts say little: a whole run has more, and learns from errors. {len(aside)} rows "
        "score, so that differences of some points are chance."
    )


def repeated(one: Experiment, rows: Sequence[Example]) -> list[Prompt]:
    """Return the requests for several labels of each row; none where all would be the same."""
    from s3.synthesis.labelling import questions

    greedy = one.llm.temperature == 0
    return [] if greedy else questions(one.llm.style, one.task.label_names, rows, SAMPLES)


def subjectivity(session: Session, task: Task, rows: Sequence[Example]) -> str:
    """Return how far the LLM agrees with itself on some rows, named as what it is."""
    from s3.self_agreement import STAND_IN, self_agreements

    mean = self_agreements(session, task, rows, samples=SAMPLES).mean()
    return (
        f"Subjectivity, by {STAND_IN}: its most frequent label has {100 * mean:.0f} % of "
        f"{SAMPLES} samples, on average over {len(rows)} rows. People may agree more, or less; the "
        "verdict does not rest on it."
    )


def show(trials: Sequence[Trial], similarity: Mapping[str, float]) -> None:
    """Print a line for each trial: rows, accuracy, its interval, control, similarity to gold."""
    from s3.verdict import percents

    print(f"\nAccuracy in per cent on {len(trials[0].rows)} gold validation rows, 95 % interval:")
    for trial in trials:
        low, high = trial.bounds
        size = f"{trial.size} rows" if trial.size else ""
        bounds = f"{100 * low:.0f} to {100 * high:.0f}"
        more = []
        if trial.shuffled:
            more.append(f"labels shuffled {percents(trial.shuffled)}")
        if trial.name in similarity:
            more.append(f"similarity to gold {similarity[trial.name]:.2f}")
        line = f"  {trial.name:18}{size:>10}{100 * trial.accuracy:8.1f}  {bounds:10}  "
        print((line + "; ".join(more)).rstrip())


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
