"""What `s3 feasible` says of a task, by a rule, and the trials that it says it of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3.data.example import Example
from s3.metrics import NORMAL_95
from s3.runs.significance import difference, interval, score

Rows = list[dict[str, Any]]

LLM_ITSELF, GOLD = "the LLM itself", "gold rows alone"
ZERO_SHOT, FEW_SHOT = "zero-shot texts", "few-shot texts"
CHANCE = 0.05  # the p-value up to which a set's labels teach more than shuffled ones


@dataclass(frozen=True)
class Trial:
    """What was tried, on how many rows it was trained, and its answers to the rows that score."""

    name: str
    size: int
    rows: Rows
    train: Sequence[Example] = field(default=(), repr=False)  # what it was trained on
    shuffled: Sequence[float] = ()  # accuracies after the same texts with their labels shuffled

    @property
    def accuracy(self) -> float:
        """The share of right answers, in 0..1."""
        return score("accuracy", self.rows).value

    @property
    def bounds(self) -> tuple[float, float]:
        """The 95 % interval of that (Wilson's)."""
        return interval("accuracy", self.rows)


def chance(sets: Sequence[Trial]) -> float | None:
    """Return the p-value of the better of some sets: how often shuffled labels do as well.

    Of a draw the better set counts, too (Westfall and Young's maxima, for what is chosen among
    several); the true labels count as a draw. None without shuffled ones.
    """
    best = max(one.accuracy for one in sets)
    draws = [max(draw) for draw in zip(*(one.shuffled for one in sets), strict=True)]
    as_well = sum(draw >= best for draw in draws)
    return (1 + as_well) / (1 + len(draws)) if draws else None


def verdict(trials: Mapping[str, Trial], guess: float) -> tuple[str, str]:
    """Return "worth it", "doubtful" or "not", and why. `guess` is the majority's share.

    The LLM can label where its interval lies above the majority's share. Its texts teach where
    their labels teach more than the same labels shuffled (without shuffled ones, where the better
    set's interval lies above the majority's share). Worth it: both, the set is above that share,
    and not beyond chance worse than the gold rows alone. Not: neither. Doubtful: all else.
    """
    sets = [trials[ZERO_SHOT], trials[FEW_SHOT]]
    taught = max(sets, key=lambda one: one.accuracy)
    itself, gold = trials[LLM_ITSELF], trials[GOLD]
    can, why_not = itself.bounds[0] > guess, untaught(sets, taught, guess)
    behind = difference("accuracy", taught.rows, gold.rows)
    worse = behind.value < -NORMAL_95 * behind.error
    found = (
        f"{taught.size} {taught.name} teach {100 * taught.accuracy:.0f} %; always guessing gives "
        f"{100 * guess:.0f} %, {gold.size} gold rows {100 * gold.accuracy:.0f} %"
    )
    right = f"the LLM itself, right in {100 * itself.accuracy:.0f} %,"
    if why_not and not can:
        return "not", f"{found}; {right} is not beyond guessing, and {why_not}."
    if why_not:
        return "doubtful", f"{found}; {right} can label, but {why_not}. Other prompts may do."
    if not can:
        return "doubtful", (
            f"{found}; but {right} is not beyond guessing: its labels are not to be trusted, and "
            "the small model may know most of this from before."
        )
    if taught.bounds[0] <= guess:
        return "doubtful", f"{found}: the labels teach, but not yet beyond guessing."
    if worse:
        return "doubtful", f"{found}: beyond chance less than the gold rows alone."
    return "worth it", f"{found}."


def untaught(sets: Sequence[Trial], taught: Trial, guess: float) -> str:
    """Return why the better set's labels cannot be said to teach; empty where they do."""
    p_value = chance(sets)
    if p_value is None:
        teaches = taught.bounds[0] > guess
        return "" if teaches else "what it writes teaches no more than guessing"
    if p_value > CHANCE:
        return (
            f"the labels of its texts teach no more than the same labels shuffled "
            f"({percents(taught.shuffled)} %, p {p_value:.2f} for the better of the sets): gold "
            "validation, which sets the threshold, and what the small model knew before do it"
        )
    return ""


def percents(scores: Sequence[float]) -> str:
    """Return the least and the most of some scores, in per cent."""
    return f"{100 * min(scores):.0f} to {100 * max(scores):.0f}"
