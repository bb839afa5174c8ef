"""The command line `s3 COMMAND`, which `python -m s3 COMMAND` is, too.

To add a command, write its file beside this one and name it below.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from s3 import __version__
from s3.commands.agreement import agreement
from s3.commands.analyze import analyze
from s3.commands.audit import audit
from s3.commands.check import check
from s3.commands.compare import compare
from s3.commands.dashboard import dashboard
from s3.commands.export import export
from s3.commands.feasible import feasible
from s3.commands.figures import figures
from s3.commands.judgements import judgements
from s3.commands.new import new
from s3.commands.predict import predict
from s3.commands.preview import preview
from s3.commands.push import push
from s3.commands.report import report
from s3.commands.review import review
from s3.commands.run import run
from s3.commands.runs import runs
from s3.commands.serve import serve
from s3.commands.store import store
from s3.errors import UserError
from s3.text import sanitised

# Plain help: rich would take as long to import as all else together. Without completion, whose
# options only clutter the help. A defect shows Python's own traceback.
app = typer.Typer(
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
app.command()(agreement)
app.command()(analyze)
app.command()(audit)
app.command()(check)
app.command()(compare)
app.command()(dashboard)
app.command()(export)
app.command()(feasible)
app.command()(figures)
app.command()(new)
app.command()(predict)
app.command()(preview)
app.command()(push)
app.command()(report)
app.command()(review)
# Its words are Hydra's, `--help` among them.
raw = {"allow_extra_args": True, "ignore_unknown_options": True}
app.command(context_settings=raw, add_help_option=False)(run)
app.command()(runs)
app.command()(serve)
app.add_typer(judgements, name="judgements")
app.add_typer(store, name="store")


def say_version(wanted: bool) -> None:
    """Print the version and exit, where it is asked for."""
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Runs experiments, and what comes after them."""


def main() -> int:
    """Run one command; print a user's mistake as one line, not as a traceback.

    The exit status is 1 after a UserError, 2 after options that are wrong, 130 after Ctrl-C;
    a command may have others of its own.
    """
    try:
        app()
    except UserError as error:
        print(f"error: {sanitised(str(error))}", file=sys.stderr)
        return 1
    return 0  # not reached: typer exits
