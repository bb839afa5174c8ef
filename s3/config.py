"""Names each configurable class to Hydra, and turns what is wrong with a command into one line."""

from __future__ import annotations

import re
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from s3.errors import UserError
from s3.llm import OpenAI, OpenAIBatch, Server, SmolLM2
from s3.methods import S3, GoldOnly, ProGen, ZeroGen
from s3.runs.experiment import Experiment
from s3.student import Student
from s3.tasks import Classification, ExtractiveQA

CLASSES = (
    Classification,
    ExtractiveQA,
    OpenAI,
    OpenAIBatch,
    Server,
    SmolLM2,
    Student,
    S3,
    ZeroGen,
    ProGen,
    GoldOnly,
)


def register() -> None:
    """Make each class the schema of the YAML files that name it in their defaults."""
    store = ConfigStore.instance()
    store.store(name="Experiment", node=Experiment)
    for cls in CLASSES:
        store.store(group="schema", name=cls.__name__, node=cls)


def build(cfg: DictConfig) -> Experiment:
    """Return the composed experiment. Raises UserError naming the option that is out of range."""
    if missing := sorted(OmegaConf.missing_keys(cfg)):
        raise UserError(f"{missing[0]} has no value: set {missing[0]}=...")
    parts: dict[str, Any] = {}
    for name in map(str, cfg):
        node = cfg._get_node(name)
        try:
            value = OmegaConf.to_object(node) if OmegaConf.is_config(node) else cfg[name]
        except (ValueError, OmegaConfBaseException) as error:
            raise UserError(f"{name}.{first_line(error)}") from None
        parts[name] = value
    try:
        return Experiment(**parts)
    except ValueError as error:
        raise UserError(first_line(error)) from None


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the composed configuration as plain, resolved values."""
    container = OmegaConf.to_container(cfg, resolve=True, enum_to_str=True)
    assert isinstance(container, dict)
    return {str(name): value for name, value in container.items()}


def explain(error: Exception) -> str:
    """Return in a line or two what is wrong with a command, and what it accepts."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = str(cause)
    path = getattr(cause, "full_key", None)
    if re.search(r"Key '.*' (?:is )?not in", text) and path:
        fields = getattr(getattr(cause, "object_type", None), "__dataclass_fields__", {})
        return f"{path}: no such option; known here: {', '.join(fields)}"
    if isinstance(cause, OmegaConfBaseException) and path:
        return f"{path}: {first_line(cause)}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(
        line for line in lines if not line.startswith(("Config search path", "provider="))
    )


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


COMPOSITION_ERRORS = (HydraException, OmegaConfBaseException)
