"""What `s3 feasible` says of a task, by a rule, and the trials that it says it of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3.data.example import Example
from s3.runs.significance import NORMAL_95, difference, interval, score

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

    @property
    def p_value(self) -> float | None:
        """How often shuffled labels do as well, of all draws and the true one (a permutation test).

        None without shuffled ones.
        """
        as_well = sum(one >= self.accuracy for one in self.shuffled)
        return (1 + as_well) / (1 + len(self.shuffled)) if self.shuffled else None


def verdict(trials: Mapping[str, Trial], guess: float) -> tuple[str, str]:
    """Return "worth it", "doubtful" or "not", and why. `guess` is the majority's share.

    The LLM can label where its interval lies above the majority's share. Its texts teach where the
    better set's interval does, and their labels teach more than the same labels shuffled.
    Worth it: both, and the set is not beyond chance worse than the gold rows alone. Not: neither.
    Doubtful: all else.
    """
    taught = max((trials[name] for name in (ZERO_SHOT, FEW_SHOT)), key=lambda one: one.accuracy)
    itself, gold = trials[LLM_ITSELF], trials[GOLD]
    can, why_not = itself.bounds[0] > guess, untaught(taught, guess)
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
    if worse:
        return "doubtful", f"{found}: beyond chance less than the gold rows alone."
    return "worth it", f"{found}."


def untaught(taught: Trial, guess: float) -> str:
    """Return why a set's labels cannot be said to teach anything; empty where they do."""
    if taught.bounds[0] <= guess:
        return "what it writes teaches no more than guessing"
    if taught.p_value is not None and taught.p_value > CHANCE:
        least, most = min(taught.shuffled), max(taught.shuffled)
        return (
            f"the labels of its texts teach no more than the same labels shuffled "
            f"({100 * least:.0f} to {100 * most:.0f} %, p {taught.p_value:.2f}): gold validation, "
            "which sets the threshold, and what the small model knew before do it"
        )
    return ""
