"""The YAML files that options come from: where they lie, and what YAML misreads in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml
from hydra.conf import HydraConf
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from s3.errors import ConfigError
from s3.storage import OWN

CONF = Path(__file__).parent / "conf"
NO_TEXTS = tuple(f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "float"))


class OwnFolder(SearchPathPlugin):
    """Adds a person's own `conf/`, if there is one, where this package's options are searched."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add it behind the package's own."""
        ours = any(one.path == str(CONF) for one in search_path.get_path())
        if ours and OWN.is_dir() and not OWN.samefile(CONF):
            search_path.append("own", f"file://{OWN.absolute()}")


def sources(hydra_config: HydraConf) -> dict[str, Path]:
    """Return the YAML files that a command chose, by the part of the configuration they fill.

    Raises ConfigError where two folders have an option of that name: Hydra takes the first.
    """
    folders = [
        Path(one.path) for one in hydra_config.runtime.config_sources if one.schema == "file"
    ]
    found: dict[str, Path] = {}
    for group, option in hydra_config.runtime.choices.items():
        files = (folder / group / f"{option}.yaml" for folder in folders)
        for path in filter(Path.is_file, files):
            first = found.setdefault(group, path)
            if not path.samefile(first):
                raise ConfigError(f"{path}: {first} has that name, too: give yours another one")
    return found


def refuse_misread(cfg: DictConfig, files: Mapping[str, Path]) -> None:
    """Raise ConfigError for a text in a YAML file that YAML takes for something else.

    `no` without quotes is a truth value to it, 010 the number 8: a prompt would say "False" and
    "8". `files` are the chosen files by the part of the configuration that they fill.
    """
    for group, path in files.items():
        content = path.read_text(encoding="utf-8")
        for names, node in _scalars(yaml.compose(content, yaml.SafeLoader)):
            if node.tag not in NO_TEXTS:
                continue
            read, option = yaml.safe_load(node.value), ".".join((group, *names))
            if str(read) != node.value and OmegaConf.select(cfg, option) == str(read):
                raise ConfigError(
                    f"{path}:{node.start_mark.line + 1}: {option}: YAML reads {node.value} without "
                    f"quotes as {read}: write '{node.value}'"
                )


def _scalars(
    node: yaml.Node | None, names: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], yaml.ScalarNode]]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if isinstance(name, yaml.ScalarNode):
                yield from _scalars(value, (*names, name.value))
    elif isinstance(node, yaml.ScalarNode):
        yield names, node
