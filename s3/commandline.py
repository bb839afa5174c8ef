"""What a command line of `s3 run` means beyond Hydra's own reading of it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from s3.errors import ConfigError
from s3.runs.folder import CHOICES

AGAIN = "again"  # the configuration of a run that is run again
PATH, NAME = ("--config-path", "-cp"), ("--config-name", "-cn")


def run_again(words: Sequence[str]) -> list[str]:
    """Return a command's words; `--config-path=RUN`, of a run's folder, becomes that run.

    Any path is taken from the folder that the command is run in. What the run chose of each group
    is composed as ever, so that every option has its type, and the run's own values go over it. It
    is made where it lies, so that it is found. Raises ConfigError where a choice is not recorded.
    """
    others, path = _taken(words, PATH)
    if path is None:
        return list(words)
    rest, name = _taken(others, NAME)
    file = Path(path) / f"{(name or 'config').removesuffix('.yaml')}.yaml"
    content = OmegaConf.load(file) if file.is_file() else None
    if not isinstance(content, DictConfig) or "choices" not in content:
        return [f"--config-path={path if '://' in path else Path(path).absolute()}", *others]
    choices = content.pop("choices")
    if missing := [group for group in CHOICES if group not in choices]:
        raise ConfigError(f"{file}: choices.{missing[0]} is not there: which was it?")
    chosen: list[Any] = [{f"override /{group}": choices[group]} for group in CHOICES]
    node: dict[Any, Any] = {**content, "root": str(file.absolute().parent.parent), "fresh": False}
    defaults = {"defaults": ["config", *chosen, "_self_"]}
    ConfigStore.instance().store(name=AGAIN, node=OmegaConf.create({**defaults, **node}))
    return [f"--config-name={AGAIN}", *rest]


def _taken(words: Sequence[str], names: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the words without an option of Hydra's, and its value if it was there."""
    for place, word in enumerate(words):
        name, joined, value = word.partition("=")
        if name in names:
            after = place + (1 if joined else 2)
            return [*words[:place], *words[after:]], value or "".join(words[place + 1 : after])
    return list(words), None


def shared_loosely(words: Sequence[str]) -> list[str]:
    """Return a sweep's words; an option of a swept group (`method=s3,gold`) may be one's alone.

    Hydra would refuse it for all jobs; each job leaves out what its own choice lacks.
    """
    swept = [f"{group}." for group in CHOICES if any(_several(word, group) for word in words)]
    sweeping = {"-m", "--multirun"} & set(words)
    return [f"++{word}" if sweeping and word.startswith(tuple(swept)) else word for word in words]


def _several(word: str, group: str) -> bool:
    return word.startswith(f"{group}=") and "," in word


def is_override(word: str) -> bool:
    """Return whether a word of the command sets an option of ours, and is none of Hydra's."""
    return word.startswith(("+", "~")) or ("=" in word and not word.startswith("-"))
