"""Runs what Hydra has composed; from Python `s3.run`, which makes the command line's folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra import compose, version
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.resolvers import oc

from s3.config import build, chosen, plain, register
from s3.errors import ConfigError, UserError
from s3.explaining import explain
from s3.jobs import changed
from s3.overrides import words
from s3.report.cards import Cards
from s3.report.run import Page
from s3.runs.experiment import Experiment
from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.reading import Run
from s3.yaml_files import CONF, refuse_misread, sources


@dataclass(frozen=True)
class Composed:
    """An experiment, and what its folder notes of how it was composed."""

    experiment: Experiment
    config: dict[str, Any]
    choices: Mapping[str, str]
    changed: Mapping[str, Any]

    def run(self, *listeners: Listener) -> RunFolder:
        """Run to the end, with its page and its cards. Raises as `Experiment.run`."""
        told = [Page(), Cards(), *listeners]
        return self.experiment.run(self.config, self.choices, self.changed, told)


def composed(cfg: DictConfig, hydra: Any) -> Composed:
    """Return the experiment of a composed configuration, and of Hydra's own of the command.

    Raises ConfigError naming the option that is wrong.
    """
    choices = chosen(hydra.runtime.choices)
    if "sweep" in choices and hydra.mode is not RunMode.MULTIRUN:
        raise ConfigError("sweep= is for many runs: put -m before it, or leave it out")
    experiment, config = build(cfg), plain(cfg)
    refuse_misread(cfg, sources(hydra))
    return Composed(experiment, config, choices, changed(config, hydra))


def run(*overrides: str, config_dir: Path | str | None = None, **options: Any) -> Run | None:
    """Run an experiment as `s3 run` does and return the finished run: `s3.run(task="rte")`.

    Options go by their names, those of a part by its name and theirs: `s3.run(task="rte",
    method="s3", **{"method.rounds": 1})`. Words of a command line may stand before them:
    `s3.run("method.rounds=1", task="rte")`. What is finished is found, what was interrupted
    continues. YAML files of one's own are in `conf/` and in `config_dir`. Return None after
    `dry_run=True`. Raises ConfigError where the options are wrong, UserError where the run cannot
    go on.
    """
    if flag := next((word for word in overrides if word.startswith("-")), None):
        raise ConfigError(
            f"{flag}: s3.run takes name=value alone; a folder of options is config_dir=, several "
            "runs are several calls"
        )
    # What tqdm says in a notebook where it finds no widgets: the bars are not its own.
    warnings.filterwarnings("ignore", "IProgress not found")
    with hydra_of(config_dir):
        made = compose_experiment([*overrides, *words(options)])
    folder = made.run()
    return None if made.experiment.dry_run else Run.open(folder.path)


def compose_experiment(overrides: list[str]) -> Composed:
    """Return the experiment that a command's overrides compose, within `hydra_of`.

    Raises ConfigError as the command would say it.
    """
    try:
        cfg = compose("config", overrides, return_hydra_config=True)
        hydra = cfg.hydra
        with open_dict(cfg):
            del cfg["hydra"]
        return composed(cfg, hydra)
    except UserError:
        raise
    except Exception as error:
        if not (said := explain(error)):
            raise
        raise ConfigError(said) from None


@contextmanager
def hydra_of(config_dir: Path | str | None = None) -> Iterator[None]:
    """Have Hydra compose this package's options in the block, and leave it as it was before.

    A notebook or a program may use Hydra for itself. Raises ConfigError where `config_dir` is none.
    """
    instance, base = GlobalHydra.instance(), version.VersionBase.instance()
    hydra, base_version = instance.hydra, base.version_base
    instance.clear()
    try:
        version.setbase("1.3")
        register()
        path = create_config_search_path(str(CONF))
        if config_dir is not None:
            if not Path(config_dir).is_dir():
                raise ConfigError(f"config_dir={config_dir}: there is no such folder")
            own = f"file://{Path(config_dir).absolute()}"
            path.prepend("command-line", own, SearchPathQuery(provider="schema"))
        Hydra.create_main_hydra2("s3", path)
        yield
    finally:
        instance.hydra, base.version_base = hydra, base_version
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
