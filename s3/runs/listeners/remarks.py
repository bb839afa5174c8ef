"""What is to be said of a finished run's table of rounds, a sentence a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from s3.errors import UserError
from s3.runs.doubts import doubtful
from s3.runs.reading import FinishedRound, Run
from s3.runs.significance import difference, interval, score

SHIPS = {"gold": "method=gold", "with_gold": "method.with_gold=true"}  # options that ship these
WIDE = 0.1  # an interval from which it is said that scores are rough


def remarks(run: Run) -> Iterator[str]:
    """Yield what is to be said of the table, a sentence a line."""
    summary = run.summary
    best, metric = summary["best_round"], summary["metric"].replace("_", "-")
    if summary.get("ships") == "with_gold":
        yield f"* the model of gold validation and of round {best}'s data together ships."
    elif "kept_aside" in summary:
        yield (
            f"* round {best} ships. No row of gold chose it: val. is {run.chooser}, and what the "
            "model reaches on them says little about real texts."
        )
    else:
        yield f"* round {best} is best on gold validation by {metric}: its model ships."
    if not run.tested:
        yield "No row is labelled: how good the model is on real texts is not known."
    yield from (f"! {doubt}" for doubt in doubtful(run))
    yield from steps(run)
    if len(run.rounds) > 1:
        yield gain(run)
    yield from cross_validated(run)
    yield from surpassed(run)
    if "gold" in summary:
        yield (
            "gold: the same small model trained on gold validation alone; with gold: on that and "
            f"round {best}'s data. Each keeps a fifth of gold validation aside."
        )
    if "test/majority" in summary["rounds"][0]:
        yield "majority: always the most frequent label of a split."


def surpassed(run: Run) -> Iterator[str]:
    """Yield what would ship a better model, where gold validation says so beyond chance.

    It is cross-fitted on gold validation, which the round that ships was chosen by: an advantage
    over that one is no smaller than it looks.
    """
    metric, others = run.summary["metric"], {}
    ships = sorted(run.best.predictions("validation"), key=_id)
    for name, command in SHIPS.items() if run.ships_round else ():
        try:
            rows = sorted(run.beside(name, "validation"), key=_id)
        except UserError:  # of an older run
            continue
        if list(map(_id, rows)) == list(map(_id, ships)):
            others[command] = difference(metric, rows, ships)
    command = max(others, key=lambda one: others[one].value, default="")
    if command and others[command].value > 0 and others[command].beyond_chance:
        yield (
            f"On gold validation {command} is {100 * others[command].value:.1f} points better than "
            "what ships, beyond chance: it would ship that model."
        )


def _id(row: Mapping[str, Any]) -> str:
    return str(row["id"])


def cross_validated(run: Run) -> Iterator[str]:
    """Yield what the scores on test are where there is no test set, and what they can show."""
    if not (crossed := run.summary.get("cross_validation")):
        return
    metric, rows = run.summary["metric"], run.cross_validation
    low, high = interval(metric, rows)
    yield (
        "There is no test set: test is cross-validation of the whole method on gold validation, in "
        f"{crossed['folds']} folds. With the choice of the round included, "
        f"{metric.replace('_', '-')} is {100 * score(metric, rows).value:.1f}."
    )
    rough = ": rough, more gold rows would tell more" if high - low > WIDE else ""
    yield (
        f"What {len(rows)} rows can show: the 95 % interval of that score is {100 * low:.0f} to "
        f"{100 * high:.0f}{rough}."
    )


def steps(run: Run) -> Iterator[str]:
    """Yield, where a round's probe went part of the way that its data teach, how far each went."""
    epochs = [(round_.index, row) for round_ in run.rounds for row in round_.epochs[:1]]
    gone = {index: row["step"] for index, row in epochs if "step" in row}
    if any(step < 1 for step in gone.values()):
        ways = ", ".join(f"{100 * step:.0f} % in round {index}" for index, step in gone.items())
        yield f"By gold validation a model went so far from the last one to its data's own: {ways}."


def gain(run: Run) -> str:
    """Return whether the later rounds helped: the round that ships, else the last, against 0."""
    shown, metric = compared(run), run.summary["metric"]
    gained = difference(metric, shown.predictions("test"), run.rounds[0].predictions("test"))
    last = "" if shown.index == run.best.index else ", the last,"
    points = f"{100 * abs(gained.value):.1f} points {'above' if gained.value > 0 else 'below'}"
    return (
        f"Round {shown.index}{last} is {points if gained.value else 'level with'} round 0 on test, "
        f"standard error {100 * gained.error:.1f}: "
        f"{'beyond' if gained.beyond_chance else 'within'} chance."
    )


def compared(run: Run) -> FinishedRound:
    """Return the round that is held against round 0: the one that ships, if it is a later one."""
    return run.best if run.best.index else run.rounds[-1]
