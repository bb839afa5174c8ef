"""Names each configurable class to Hydra; builds the experiment of a composed configuration.

What may not be in a configuration is refused here, before anything is sent or written: options that
no class has, keys, what the environment holds, names that lead out of their folder.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, NoReturn

from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.plugins import Plugins
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from s3.data.gold import Source
from s3.errors import ConfigError, first_line
from s3.explaining import explain, no_such
from s3.llm import LLM, BatchService, OpenAI, OpenAIBatch, Server, Service, SmolLM2
from s3.methods import S3, FewShot, GoldOnly, Method, ProGen, ZeroGen, ZeroShot
from s3.options import WIDTH, described
from s3.runs.experiment import Experiment
from s3.secrets import hidden, holds_key
from s3.student import Student
from s3.tasks import Classification, ExtractiveQA, Task
from s3.tuning import Tuner
from s3.yaml_files import OwnFolder

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
    ZeroShot,
    FewShot,
    GoldOnly,
)
INTERNAL = ("hydra", "schema", "sizes")  # groups that are not for the command line


def register() -> None:
    """Make each class the schema of the YAML files that name it in their defaults."""
    store = ConfigStore.instance()
    store.store(name="Experiment", node=Experiment)
    for cls in CLASSES:
        store.store(group="schema", name=cls.__name__, node=_schema(cls))
    # By a name in its plugins' package: from elsewhere, Hydra takes no sweeper.
    Plugins.instance().class_name_to_class["hydra_plugins.s3.Tuner"] = Tuner
    Plugins.instance().register(OwnFolder)
    OmegaConf.register_new_resolver("groups", groups, replace=True)
    OmegaConf.register_new_resolver("options", options, replace=True)
    OmegaConf.register_new_resolver("per_label", per_label, replace=True)
    OmegaConf.register_new_resolver("oc.env", _refuse_environment, replace=True)


def per_label(number: int, *, _root_: DictConfig) -> int:
    """Return a size that is stated for each label, over all labels of the task."""
    return number * (len(_root_.task.get("labels", ())) or 1)


def _schema(cls: type) -> DictConfig:
    """Return a class as OmegaConf's schema, in which names of columns and of values are free."""
    node: DictConfig = OmegaConf.structured(cls)
    if issubclass(cls, Task):
        for source in Source:
            for free in ("columns", "labels"):
                OmegaConf.set_struct(node.gold[source.value][free], False)
    return node


def _refuse_environment(*_: Any) -> NoReturn:
    """Stand in for OmegaConf's `oc.env`, in whatever expression it is used."""
    raise ValueError(
        "${oc.env:...} is refused: options are sent to the LLM and written to files, and what the "
        "environment holds may be a key. Let the shell fill in what is none: name=$VARIABLE"
    )


def options(*, _root_: DictConfig) -> str:
    """Return the lines of the options with their comments, likewise."""
    return described(_root_).replace("$", "$$")  # Hydra fills in what $ names


def groups() -> str:
    """Return a line for each group with its options, for the text of `s3 run --help`."""
    loader = GlobalHydra.instance().config_loader()
    names = sorted(set(loader.list_groups("")) - set(INTERNAL))
    return "\n".join(
        textwrap.fill(
            ", ".join(loader.get_group_options(name)),
            width=WIDTH,
            initial_indent=f"  {name:8} ",
            subsequent_indent=" " * 11,
            break_on_hyphens=False,
        )
        for name in names
    )


def refuse_dashes(words: Iterable[str]) -> None:
    """Raise ConfigError for an option with dashes before it, as other commands have theirs."""
    own = {"preset", *(field.name for field in fields(Experiment))}
    for word in words:
        bare = word.removeprefix("--")
        name, _, value = bare.partition("=")
        if bare != word and name.partition(".")[0] in own:
            raise ConfigError(
                f"{word}: options have no dashes here, and = before the value: "
                f"{name}={value or '...'} (a W&B sweep passes them so with "
                "${args_no_hyphens}: docs/wandb.md)"
            )


def build(cfg: DictConfig) -> Experiment:
    """Return the composed experiment. Raises ConfigError naming the option that is wrong."""
    refuse_unknown(cfg)
    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise ConfigError(f"{missing[0]} has no value: set {missing[0]}=...")
    refuse_keys(cfg)
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


def leave_out(cfg: DictConfig) -> list[str]:
    """Take from a job's parts the options that only other classes of their kind have; name them."""
    left = []
    for group in map(str, cfg):
        cls: Any = OmegaConf.get_type(cfg._get_node(group))
        kind = next((one for one in (Task, LLM, Method) if issubclass(cls or object, one)), None)
        if kind is None:
            continue
        kin = (one for one in CLASSES if issubclass(one, kind))
        known = {field.name for one in kin for field in fields(one)}
        own = {field.name for field in fields(cls)}
        content: Any = cfg[group]._content  # OmegaConf lets nothing be taken from what has a class
        for name in [str(one) for one in cfg[group] if one in known - own]:
            del content[name]
            left.append(f"{group}.{name}")
    return left


def refuse_keys(cfg: DictConfig) -> None:
    """Raise ConfigError for an option whose name or value holds what looks like a key."""
    try:
        content = plain(cfg)
    except OmegaConfBaseException as error:
        raise ConfigError(explain(error)) from None
    for path, text in _texts(content):
        if holds_key(text):
            raise ConfigError(
                f"{hidden(path)} holds what looks like a key or a token, and is not repeated here. "
                "Options are written to files and to W&B: keys come from the environment alone "
                "(docs/security.md)"
            )


def _texts(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the texts of nested options with their paths, names among them."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield f"{path}{name}", str(name)
            yield from _texts(value, f"{path}{name}.")
    elif isinstance(content, Sequence) and not isinstance(content, str):
        for value in content:
            yield from _texts(value, path)
    elif isinstance(content, str):
        yield path.rstrip("."), content


def chosen(choices: Mapping[str, Any]) -> dict[str, str]:
    """Return the options chosen of each group by names that are safe in the names of files.

    Raises ConfigError for one that leads out of its folder (`task=../mine`).
    """
    for group, option in choices.items():
        if ".." in Path(str(option)).parts or Path(str(option)).is_absolute():
            raise ConfigError(
                f"{group}={option}: an option's name may not lead out of its folder; "
                "--config-dir=FOLDER adds a folder of your own"
            )
    named = {group: str(option) for group, option in choices.items() if option is not None}
    return {group: re.sub(r"[^\w.-]+", "_", option) for group, option in named.items()}


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the composed configuration as plain, resolved values."""
    container = OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)
    assert isinstance(container, dict)
    return {str(name): value for name, value in container.items()}
