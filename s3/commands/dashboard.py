"""`python -m s3 dashboard ENTITY/PROJECT`: a dashboard of a project's runs on W&B."""

from __future__ import annotations

import json
from typing import Annotated

import typer

Place = Annotated[str, typer.Argument(metavar="ENTITY/PROJECT", help="Where the runs are on W&B.")]
Print = Annotated[bool, typer.Option("--print", help="Show it as JSON; send nothing.")]


def dashboard(place: Place, print_: Print = False) -> None:
    """Make a W&B dashboard: scores against data size by method over seeds, cost, audit."""
    from s3.errors import UserError
    from s3.report.dashboard import content, dashboard, save
    from s3.runs.listeners.wandb.settings import KEY, has_account

    entity, slash, project = place.partition("/")
    if not (entity and slash and project) or "/" in project:
        raise UserError(f"{place}: write ENTITY/PROJECT, as in the address of the project on W&B.")
    made = dashboard(entity, project)
    if print_:
        print(json.dumps(content(made), indent=1))
    elif not has_account():
        raise UserError(f"W&B needs a key ({KEY}, or `wandb login`); --print sends nothing.")
    else:
        print(save(made))
