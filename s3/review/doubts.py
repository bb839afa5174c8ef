"""Which synthetic rows of a run deserve a person's doubt, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from s3.analysis import quality
from s3.analysis.gold import gold_of, task_of
from s3.audit.auditor import synthetic
from s3.data.example import Example
from s3.errors import UserError
from s3.prediction.model import load
from s3.runs.reading import Run
from s3.tasks import Task
from s3.tasks.cleaning import asks_back, is_declined

MARGIN = 0.2  # between the two likeliest labels, below which a row is near the boundary
UNSURE = 0.5  # probability of an answer to a question, below which it is doubted

Reasons = dict[str, list[str]]  # by a row's id


@dataclass(frozen=True)
class Doubt:
    """A synthetic row, why it is doubted, and how sure the model that ships is of its answer."""

    example: Example
    reasons: tuple[str, ...]
    sure: float  # 0..1: the margin between two labels, or an answer's probability


def doubtful(run: Run, most: int) -> tuple[list[Doubt], tuple[str, ...], list[str]]:
    """Return the best round's rows that deserve doubt, the labels, and what could not be asked.

    The rows with most reasons come first, among equals those that the shipped model is least sure
    of; at most `most`. Without the model's weights, or where gold has changed since, the other
    reasons remain. Raises UserError for a damaged run.
    """
    task = task_of(run)
    rows = list({one.id: one for one in synthetic(run.best.train)}.values())
    reasons: Reasons = defaultdict(list)
    sure: dict[str, float] = {}
    missing = []
    _audited(run, task, rows, reasons)
    for ask in (_by_shipped, _by_gold):
        try:
            ask(run, task, rows, reasons, sure)
        except UserError as error:
            missing.append(str(error))
    doubts = [Doubt(o, tuple(reasons[o.id]), sure.get(o.id, 1.0)) for o in rows if reasons[o.id]]
    doubts.sort(key=lambda doubt: (-len(doubt.reasons), doubt.sure))
    return doubts[:most], tuple(task.label_names), missing


def _audited(run: Run, task: Task, rows: list[Example], reasons: Reasons) -> None:
    """Doubt what the audit flags: copies of gold, and replies that are no text."""
    copies = {one.get("id"): one for one in run.best.copies}
    for row in rows:
        if copy := copies.get(row.id):
            kind = "is nearly" if copy["kind"] == "near" else "equals"
            reasons[row.id].append(f"{kind} a gold row ({copy['split']}, {copy['gold']})")
        text = row.fields[task.written]
        if is_declined(text):
            reasons[row.id].append("the LLM declines to write")
        if asks_back(text):
            reasons[row.id].append("the LLM asks back")


def _by_shipped(
    run: Run, task: Task, rows: list[Example], reasons: Reasons, sure: dict[str, float]
) -> None:
    """Doubt what the model that ships is unsure of, or answers otherwise than it was taught."""
    import numpy as np

    model = load(run)
    found = model.answers([row.fields for row in rows])
    chances: Any = np.sort(np.asarray(found.probabilities, float), axis=1)
    labelled = bool(task.label_names)
    margins = chances[:, -1] - chances[:, -2] if labelled else chances[:, 0]
    for row, answer, margin in zip(rows, found.answers, margins, strict=True):
        sure[row.id] = float(margin)
        if not task.head().correct(row, answer):
            reasons[row.id].append(f"the trained model says: {answer or 'nothing'}")
        if margin < (MARGIN if labelled else UNSURE):
            reasons[row.id].append("the trained model is unsure")


def _by_gold(
    run: Run, task: Task, rows: list[Example], reasons: Reasons, sure: dict[str, float]
) -> None:
    """Doubt what a model that was trained on gold validation alone labels otherwise."""
    gold = gold_of(run, "validation") if task.label_names else []
    labels = [str(one.target) for one in gold]
    if len(set(labels)) < 2:
        return
    folder = run.path / "analysis"
    points, asked = (quality.features(task, some, folder) for some in (gold, rows))
    for row, label in zip(rows, quality.said_by_gold(points, labels, asked), strict=True):
        if label != row.target:
            reasons[row.id].append(f"a model of gold rows alone says: {label}")
