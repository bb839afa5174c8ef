"""Why a round's model is not to be trusted: collapsed, turned round, or nothing learnt.

Gold validation says so, whose labels the run knows; test is not asked. Classification only.
"""

from __future__ import annotations

from collections.abc import Iterator

from s3.metrics import NORMAL_95, accuracy, against, unrelated
from s3.runs.reading import FinishedRound, Run
from s3.runs.significance import chance, score

ONE_LABEL = 0.9  # share of answers from which a model is said to give nearly one label only


def doubtful(run: Run) -> Iterator[str]:
    """Yield a sentence for each round that is not to be trusted."""
    for round_ in run.rounds:
        if doubt := doubts(round_):
            yield f"round {round_.index} {doubt}"


def doubts(round_: FinishedRound) -> str:
    """Return what is wrong with a round's model, the gravest alone; an empty text if nothing is."""
    row, metric, chooser = round_.row, round_.run.summary["metric"], round_.run.chooser
    share, majority = row.get("validation/largest_share"), row.get("validation/majority")
    if share is None or majority is None:
        return ""
    if share > ONE_LABEL >= majority:
        return (
            f"has collapsed: it gives {100 * share:.0f} % of {chooser} the same label, "
            f"which at most {100 * majority:.0f} % have."
        )
    answers = round_.predictions("validation")
    said, gold = ([row[name] for row in answers] for name in ("predicted", "target"))
    if against(said, gold) > NORMAL_95:
        return (
            f"answers the wrong way round: {100 * accuracy(said, gold):.1f} % of {chooser} right, "
            f"{100 * unrelated(said, gold):.1f} at random. What was written for one "
            "label resembles another's gold; more seeds (seed_size) or method.with_gold=true help."
        )
    reached, guessed = score(metric, answers), chance(metric, answers)
    if reached.value - guessed <= reached.error:
        return (
            f"is no better than chance on {chooser}: {metric.replace('_', '-')} "
            f"{100 * reached.value:.1f}, chance {100 * guessed:.1f}, "
            f"standard error {100 * reached.error:.1f}."
        )
    return ""
