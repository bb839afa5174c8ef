"""Turns what is wrong with a command or with a YAML file into one line that says the right form."""

from __future__ import annotations

import difflib
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import OmegaConf
from omegaconf.errors import KeyValidationError, OmegaConfBaseException
from yaml import MarkedYAMLError, YAMLError

from s3.errors import first_line

# What Hydra says where a group gets no option, or several at once.
NOT_ONE_OPTION = ("Config group override must", "Error resolving interpolation", "Merge error: ")
MISPLACED = ("mapping values are not allowed", "expected <block end>", "expected key")
SEVERAL = re.compile(r"Ambiguous value for argument '(.*?)' 1\.")  # Hydra, of a value with commas


def explain(error: Exception) -> str | None:
    """Return in one line what is wrong with the options; None where an error is not about them."""
    text = " ".join(str(error).split())
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        near = difflib.get_close_matches(option, error.options, 1)
        return _said(f"{group}={option}", error.options, [f"{group}={one}" for one in near])
    if isinstance(error, OverrideParseException):
        said = f"{error.override!r} cannot be read: options go name=value"
        return f"{said}, and such a value in quotes: {quoted(error.override)}"
    if several := SEVERAL.search(text):
        name = several[1].partition("=")[0]
        return f"{name} gets several values: -m sweeps over them; as one text: {quoted(several[1])}"
    if text.startswith("Only one of --run, --multirun"):  # Hydra's
        return "-m, --cfg and --info do not go together: --cfg shows one run's options, without -m"
    if isinstance(error, MarkedYAMLError):
        return _about_yaml(error)
    if any(words in text for words in NOT_ONE_OPTION):
        said = text.partition(" value:")[0].rstrip(".")
        return f"{said}; a group takes one option (-m sweeps over several: task=rte,imdb)"
    if not isinstance(error, HydraException | OmegaConfBaseException | YAMLError):
        return None
    for cause in (error, error.__cause__, error.__context__):  # Hydra wraps what OmegaConf says
        if isinstance(cause, OmegaConfBaseException) and cause.full_key:
            place = re.match(r"In '(.*?)'", text)  # the file that Hydra was reading
            return (f"{place[1]}.yaml: " if place else "") + _about_key(cause)
    return text.partition(" Config search path:")[0]


def quoted(override: str) -> str:
    """Return an override as a shell and Hydra take it, its value a text whatever is in it."""
    name, _, value = override.partition("=")
    escaped = re.sub(r'(\\+)(?="|$)', r"\1\1", value).replace('"', r"\"")
    for one in (f'{name}="{escaped}"', 'name="a, b"'):
        try:
            OverridesParser.create().parse_override(one)
        except HydraException:
            continue
        break
    if "'" in one and not set(one) & set("\\$`!"):  # easier to read than what shlex makes of it
        return '"' + one.replace('"', r"\"") + '"'
    return shlex.quote(one)


def _about_yaml(error: MarkedYAMLError) -> str:
    """Return what is wrong in a YAML file, with its line."""
    mark = error.problem_mark or error.context_mark
    where = f"{mark.name}:{mark.line + 1}" if mark else "a YAML file"
    problem = error.problem or "cannot be read"
    if any(words in problem for words in MISPLACED):
        problem += "; do names of one level begin in one column, and stand texts with : in quotes?"
    if "'\\t'" in problem:
        problem = "a tab, where YAML takes spaces alone"
    begun = error.context_mark
    context = f" ({error.context}, line {begun.line + 1})" if error.context and begun else ""
    return f"{where}: not valid YAML: {problem}{context}"


def _about_key(error: OmegaConfBaseException) -> str:
    path, said = str(error.full_key), first_line(error)
    if isinstance(error, KeyValidationError):
        name = path.rpartition(".")[2]
        return (
            f"{path}: to YAML {name} is no text but a number or a truth value: write the name in "
            f"quotes, '{name}'; on the command line {path}=..."
        )
    if re.search(r"Key '.*' (?:is )?not in", said):
        if not is_dataclass(error.object_type):
            return f"{path}: no such name yet; +{path}=... adds it"
        return no_such(path, (field.name for field in fields(error.object_type)), error.parent_node)
    if "is not a subclass of" in said:
        inner = OmegaConf.to_container(error.parent_node[path.rpartition(".")[2]])
        return f"{path} takes no value, but has options: {', '.join(_paths(inner, f'{path}.'))}"
    return f"{path}: {said.partition('raised while resolving interpolation: ')[2] or said}"


def no_such(path: str, known: Iterable[str], node: Any) -> str:
    """Return that an option does not exist, with those beside it and what it may have meant.

    `node` is any part of the configuration, all of which is searched.
    """
    others = [
        one
        for one in _paths(OmegaConf.to_container(node._get_root()))
        if not f"{path}.".startswith(f"{one}.") and not one.startswith(f"{path}.")
    ]
    same = [one for one in others if one.rpartition(".")[2] == path.rpartition(".")[2]]
    return _said(path, known, same or difflib.get_close_matches(path, others, 1, 0.7))


def _paths(content: Any, above: str = "") -> Iterator[str]:
    if isinstance(content, Mapping):
        for name, value in content.items():
            if above or name != "hydra":
                yield f"{above}{name}"
                yield from _paths(value, f"{above}{name}.")


def _said(name: str, known: Iterable[str], meant: list[str]) -> str:
    said = f"{name}: no such option; known here: {', '.join(known)}"
    return f"{said}. Did you mean {' or '.join(meant[:3])}?" if meant else said
