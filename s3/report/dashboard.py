"""A dashboard on W&B: scores against the data's size by method, with the spread over seeds; cost;
the audit. It shows whatever runs the project holds, later ones too.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

from s3.errors import UserError, first_line

METHOD = "choices.method"  # in the configuration of a run
SCORES = ("accuracy", "macro_f1", "em", "f1")
NAME = "S3: rounds, cost, audit"
AUDITED = ("audit/test/same_row", "audit/validation/same_row", "audit/train/same_row")


def dashboard(entity: str, project: str) -> Any:
    """Return the dashboard of a project as `wandb-workspaces` has it; W&B is not reached.

    Raises UserError without that package.
    """
    try:
        reports: Any = import_module("wandb_workspaces.reports.v2")
        workspaces: Any = import_module("wandb_workspaces.workspaces")
    except ImportError:
        raise UserError(
            "dashboard needs wandb-workspaces: pip install 's3-synthesis[wandb]'"
        ) from None

    def against(x: str, *y: str) -> Any:
        """A line a method: the mean over its runs, with their standard deviation."""
        return reports.LinePlot(
            title=f"{y[0]} by {x}", x=x, y=list(y), groupby=reports.Config(METHOD),
            groupby_aggfunc="mean", groupby_rangefunc="stddev",
        )  # fmt: skip

    def bars(metric: str) -> Any:
        return reports.BarPlot(
            title=metric, metrics=[metric], groupby=reports.Config(METHOD),
            groupby_aggfunc="mean", groupby_rangefunc="stddev",
        )  # fmt: skip

    sections = {
        "Test against the size of the data": [against("data/size", f"test/{s}") for s in SCORES],
        "By round": [against("round", f"{p}/{s}") for p in ("test", "validation") for s in SCORES],
        "What ships": [bars(f"test/{score}") for score in SCORES],
        "Cost": [against("round", "llm/cost"), against("round", "llm/tokens")],
        "Audit": [bars(name) for name in AUDITED],
    }
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=NAME,
        sections=[
            workspaces.Section(name=name, panels=panels, is_open=True)
            for name, panels in sections.items()
        ],
    )


def content(made: Any) -> dict[str, Any]:
    """Return a dashboard as it is sent to W&B."""
    found: dict[str, Any] = json.loads(made._model.spec.model_dump_json(by_alias=True))
    return found


def save(made: Any) -> str:
    """Send a dashboard to W&B and return its address. Raises UserError where that fails."""
    try:
        return str(made.save().url)
    except Exception as error:  # of the network, the account, the project
        raise UserError(f"W&B: {first_line(error).rstrip('.')}.") from None
