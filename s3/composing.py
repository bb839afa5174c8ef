"""The experiment that a run's options make, for commands that look at it before it runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3.errors import ConfigError

if TYPE_CHECKING:
    from s3.llm import LLM, Usage
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


def split_options(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return a command's other arguments, and those that are options of the LLM: `llm=openai`."""
    options = [word for word in words if re.match(r"[+~]{0,2}llm[.=]", word)]
    return [word for word in words if word not in options], options


def composed_llm(options: Sequence[str], config_dir: Path | None = None) -> LLM:
    """Return the LLM that options choose. Raises ConfigError where they choose none."""
    if not any(option.startswith("llm=") for option in options):
        raise ConfigError("llm=NAME is missing: which LLM is to be asked (llm=openai)")
    return composed(options, config_dir).experiment.llm


def spent(usage: Usage) -> str:
    """Return in a line what a session with an LLM has used."""
    return (
        f"{usage.requests} requests, {usage.stored} replies from the store, "
        f"{usage.tokens} tokens, ${usage.cost:.4f}"
    )


@contextmanager
def wrong_options() -> Iterator[None]:
    """Print a ConfigError of the block as a line, and end with exit status 2."""
    try:
        yield
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
