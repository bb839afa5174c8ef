"""The options of a composed configuration with their comments, for `s3 run --help`."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass

from omegaconf import DictConfig, OmegaConf

from s3.yaml_files import sources

WIDTH, INDENT = 80, 31  # columns of a terminal; where comments begin
FIELD = re.compile(r"(?: {4})?(\w+): (?:.*? )?# (.+)")  # of a class, or of a YAML file
MORE = re.compile(r"\s{9,}# (.+)")  # a comment goes on below


def described(cfg: DictConfig) -> str:
    """Return the options of the chosen task, LLM, model and method, and those above them.

    Each has its value in this command and its comment: that of its YAML file, or of its class.
    """
    groups: list[str] = []
    above: list[str] = []
    said = comments(source(OmegaConf.get_type(cfg)))
    for name in map(str, cfg):
        if isinstance(node := cfg._get_node(name), DictConfig):
            groups += _group(cfg, name, node)
        else:
            above += _option(name, cfg, said)
    return "\n".join([*above, *groups])


def _group(cfg: DictConfig, name: str, node: DictConfig) -> Iterator[str]:
    """Yield a heading and the lines of a group's options; none for what is no options' group."""
    cls, file = OmegaConf.get_type(node), sources(cfg.hydra).get(name)
    if name == "hydra" or not is_dataclass(cls):
        return
    said = comments(source(cls)) | comments(file.read_text(encoding="utf-8") if file else "")
    chosen = cfg.hydra.runtime.choices.get(name)
    yield f"\n  {name}={chosen}, {name}.NAME=VALUE:" if chosen else f"\n  {name}.NAME=VALUE:"
    for option in map(str, node):
        yield from _option(option, node, said)


def _option(name: str, node: DictConfig, said: dict[str, str]) -> Iterator[str]:
    """Yield the lines of an option: its value, and beside it what it is for."""
    if OmegaConf.is_missing(node, name):
        value = "???"
    elif OmegaConf.is_config(inner := node[name]):
        value = "..." if inner else "[]" if OmegaConf.is_list(inner) else "{}"
    elif inner is None or isinstance(inner, bool):
        value = {None: "null", True: "true", False: "false"}[inner]
    else:
        value = textwrap.shorten(str(getattr(inner, "name", inner)), 40)
    shown = f"    {name}={value}"
    lines = textwrap.wrap(said.get(name, ""), WIDTH - INDENT)
    if len(shown) < INDENT:
        shown = shown.ljust(INDENT) + (lines.pop(0) if lines else "")
    yield shown.rstrip()
    yield from (" " * INDENT + line for line in lines)


def source(cls: type | None) -> str:
    """Return the source of a class of options and of those that it is made of."""
    made_of = [one for one in reversed(cls.__mro__) if is_dataclass(one)] if cls else []
    return "\n".join(inspect.getsource(one) for one in made_of)


def comments(source: str) -> dict[str, str]:
    """Return the comments beside the options of a class, or of a YAML file, by their names."""
    found: dict[str, str] = {}
    name = None
    for line in source.splitlines():
        if (more := MORE.fullmatch(line)) and name:
            found[name] += f" {more[1]}"
        elif option := FIELD.fullmatch(line):
            name, found[option[1]] = option[1], option[2]
        else:
            name = None
    return found
