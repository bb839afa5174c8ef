"""How far an LLM agrees with itself on a label: a stand-in where no annotators' labels are."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from s3.analysis.intervals import Floats
from s3.data.example import Example
from s3.errors import UserError
from s3.llm import Session
from s3.synthesis.labelling import votes
from s3.tasks import Task

STAND_IN = "LLM disagreement (stand-in)"


def self_agreements(llm: Session, task: Task, rows: Sequence[Example], *, samples: int) -> Floats:
    """Return the agreement of each row, in 0..1; say how many replies named no label.

    A reply that names none, or several, is a vote for no label, and so is one that did not come.
    Raises UserError for a task without labels.
    """
    if not task.label_names:
        raise UserError(f"{task.name}: only a task with labels can be labelled by an LLM.")
    counts = [one.counts for one in votes(llm, task, rows, samples)]
    asked, named = samples * len(rows), sum(one.total() for one in counts)
    print(
        f"{STAND_IN}: {llm.model} labelled {len(rows)} rows {samples} times; {asked - named} of "
        f"{asked} replies named no label.",
        file=sys.stderr,
    )
    return np.array([max(one.values(), default=0) / samples for one in counts])
