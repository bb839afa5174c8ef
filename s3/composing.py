"""The experiment that a run's options make, for commands that look at it before it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3.errors import ConfigError, UserError

if TYPE_CHECKING:
    from s3.runs.experiment import Experiment

Options = Annotated[
    list[str], typer.Argument(metavar="NAME=VALUE...", help="As for run.py: task=rte llm=openai")
]
Folder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder of option files of your own.")
]
OWN = Path("conf")  # option files of one's own, in the folder that a command is given in


def composed(
    options: Sequence[str], config_dir: Path | None = None
) -> tuple[Experiment, dict[str, str]]:
    """Return the experiment that options make, and the option chosen for each group.

    Raises ConfigError, as run.py would.
    """
    from hydra import compose, initialize_config_dir
    from omegaconf import open_dict

    from s3.config import build, chosen, refuse_misread, register, sources
    from s3.explaining import explain

    register()
    conf = Path(__file__).parents[1] / "conf"
    own = [path.resolve() for path in (config_dir, OWN) if path and path.is_dir()]
    places = ",".join(f"file://{path}" for path in own if path != conf)
    mine = [f"hydra.searchpath=[{places}]"] if places else []
    try:
        with initialize_config_dir(str(conf), version_base="1.3"):
            cfg = compose("config", overrides=[*mine, *options], return_hydra_config=True)
            hydra = cfg.hydra
            with open_dict(cfg):
                del cfg["hydra"]
            experiment = build(cfg)
            refuse_misread(cfg, sources(hydra))
            return experiment, chosen(hydra.runtime.choices)
    except UserError:
        raise
    except Exception as error:
        if not (said := explain(error)):
            raise
        raise ConfigError(said) from None


@contextmanager
def wrong_options() -> Iterator[None]:
    """Print a ConfigError of the block as a line, and end with exit status 2."""
    try:
        yield
    except ConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
