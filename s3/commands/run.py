"""`s3 run`: runs an experiment; its words are Hydra's, as `s3 run --help` lists them."""

from __future__ import annotations

import typer


def run(ctx: typer.Context) -> None:
    """Run an experiment: `s3 run task=rte method=s3`; `s3 run --help` lists what can be set."""
    from s3.main import main

    raise typer.Exit(main(ctx.args))
