"""A run's identity: everything that decides its result, and nothing else.

Two commands with one identity are one run, whatever they are called, wherever the data lie. Each
part says of itself what decides (`identity()`); gold data and other files count by their content.
"""

from __future__ import annotations

from typing import Any

from s3.audit import Audit
from s3.data.gold import GoldData
from s3.data.rows import fingerprint
from s3.llm import LLM
from s3.methods import Method
from s3.student import Student
from s3.tasks import Task

# Raised whenever the same configuration gives another result than before: prompts, cleaning,
# draws, training. `tests/runs/test_identity.py` notices most such changes and asks for it.
RESULTS = 5


def identity(
    task: Task,
    llm: LLM,
    student: Student,
    method: Method,
    audit: Audit,
    gold: GoldData,
    seed: int,
) -> dict[str, Any]:
    """Return what decides the result of a run, as JSON has it.

    The LLM counts only where the method asks it something. Raises UserError for a missing file.
    """
    used, idle = method.templates(task), method.idle(task)
    tested = gold.test or gold.validation  # cross-validated
    splits = {"validation": gold.validation, "test": tested, "train": gold.train}
    return {
        **({} if gold.test or not gold.validation else {"folds": task.gold.folds}),
        "results": RESULTS,
        "seed": seed,
        "task": task.identity(used, llm.style),
        "method": {name: one for name, one in method.identity().items() if name not in idle},
        "llm": llm.identity() if used else None,
        "student": student.identity(task.head()),
        "near": audit.near,  # decides metrics, if not data
        "gold": {name: fingerprint(rows) if rows else None for name, rows in splits.items()},
    }
