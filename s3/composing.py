"""The experiment that a run's options make, for commands that look at it before it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3.errors import ConfigError

if TYPE_CHECKING:
    from s3.running import Composed

Options = Annotated[
    list[str], typer.Argument(metavar="NAME=VALUE...", help="As for s3 run: task=rte llm=openai")
]
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder of option files of your own.")
]


def composed(options: Sequence[str], config_dir: Path | None = None) -> Composed:
    """Return the experiment that options make. Raises ConfigError, as `s3 run` would."""
    from s3.running import compose_experiment, hydra_of

    with hydra_of(config_dir):
        return compose_experiment(list(options))


@contextmanager
def wrong_options() -> Iterator[None]:
    """Print a ConfigError of the block as a line, and end with exit status 2."""
    try:
        yield
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
