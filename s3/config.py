"""Names each configurable class to Hydra, and turns what is wrong with a command into one line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from s3.errors import ConfigError
from s3.llm import BatchService, OpenAI, OpenAIBatch, Server, Service, SmolLM2
from s3.methods import S3, GoldOnly, ProGen, ZeroGen
from s3.runs.experiment import Experiment
from s3.student import Student
from s3.tasks import Classification, ExtractiveQA

CLASSES = (
    Classification,
    ExtractiveQA,
    OpenAI,
    OpenAIBatch,
    BatchService,
    Server,
    Service,
    SmolLM2,
    Student,
    S3,
    ZeroGen,
    ProGen,
    GoldOnly,
)
INTERNAL = ("hydra", "schema", "sizes")  # groups that are not for the command line
# What Hydra says where a group gets no option, or several at once.
NOT_ONE_OPTION = ("Config group override must", "Error resolving interpolation", "Merge error: ")


def register() -> None:
    """Make each class the schema of the YAML files that name it in their defaults."""
    store = ConfigStore.instance()
    store.store(name="Experiment", node=Experiment)
    for cls in CLASSES:
        store.store(group="schema", name=cls.__name__, node=cls)
    OmegaConf.register_new_resolver("groups", groups, replace=True)


def groups() -> str:
    """Return a line for each group with its options, for the text of `run.py --help`."""
    loader = GlobalHydra.instance().config_loader()
    names = sorted(set(loader.list_groups("")) - set(INTERNAL))
    return "\n".join(f"  {name:8} {', '.join(loader.get_group_options(name))}" for name in names)


def build(cfg: DictConfig) -> Experiment:
    """Return the composed experiment. Raises ConfigError naming the option that is wrong."""
    refuse_unknown(cfg)
    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(f"{missing[0]} has no value: set {missing[0]}=...")
    parts: dict[str, Any] = {}
    for name in map(str, cfg):
        node = cfg._get_node(name)
        try:
            parts[name] = OmegaConf.to_object(node) if OmegaConf.is_config(node) else cfg[name]
        except OmegaConfBaseException as error:
            raise ConfigError(explain(error)) from None
        except ValueError as error:
            raise ConfigError(f"{name}.{first_line(error)}") from None
    try:
        return Experiment(**parts)
    except ValueError as error:
        raise ConfigError(first_line(error)) from None


def refuse_unknown(node: DictConfig, path: str = "") -> None:
    """Raise ConfigError for an option that its class lacks: Hydra lets `+` add any."""
    cls = OmegaConf.get_type(node)
    for name in map(str, node):
        if is_dataclass(cls) and name not in {field.name for field in fields(cls)}:
            raise ConfigError(no_such(path + name, (f.name for f in fields(cls)), node))
        child = node._get_node(name)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_missing():
            refuse_unknown(child, f"{path}{name}.")


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the composed configuration as plain, resolved values."""
    container = OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)
    assert isinstance(container, dict)
    return {str(name): value for name, value in container.items()}


def explain(error: Exception) -> str | None:
    """Return in one line what is wrong with the options; None where an error is not about them."""
    text = " ".join(str(error).split())
    if isinstance(error, MissingConfigException) and error.options is not None:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        near = difflib.get_close_matches(option, error.options, 1)
        return _said(f"{group}={option}", error.options, [f"{group}={one}" for one in near])
    if isinstance(error, OverrideParseException):
        return (
            f"{error.override!r} cannot be read: options go name=value, and a value with blanks or "
            "any of ,:=()[]{} in quotes of its own: 'name=\"a, b\"'"
        )
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


def _about_key(error: OmegaConfBaseException) -> str:
    path, said = str(error.full_key), first_line(error)
    if re.search(r"Key '.*' (?:is )?not in", said):
        if not is_dataclass(error.object_type):
            return f"{path}: no such name yet; +{path}=... adds it"
        return no_such(path, (field.name for field in fields(error.object_type)), error.parent_node)
    if "is not a subclass of" in said:
        inner = OmegaConf.to_container(error.parent_node[path.rpartition(".")[2]])
        return f"{path} takes no value, but has options: {', '.join(_paths(inner, f'{path}.'))}"
    return f"{path}: {said}"


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


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
