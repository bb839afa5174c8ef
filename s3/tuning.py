"""Tunes options on gold validation: Optuna's search as a sweeper of Hydra (docs/scaling.md).

A study is a file in the sweep's folder, and each trial of it a run. What decides the next trial is
the trials that have ended, so a study that was killed goes on as if it had not been.
"""

from __future__ import annotations

import fcntl
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from s3.errors import ConfigError, UserError
from s3.progress import JOB
from s3.runs.identity import RESULTS
from s3.storage import digest, write_text

RECIPES = "recipe"  # the group of options in which what was found lies


class Tuner(Sweeper):
    """Runs trials one after the other, each with the settings that Optuna proposes.

    Maximises what jobs return, the objective on gold validation; test is not seen.
    """

    hydra_context: HydraContext  # these are there once Hydra has called `setup`
    config: DictConfig
    launcher: Launcher

    def __init__(self, n_trials: int, n_jobs: int, seed: int, params: Mapping[str, Any]) -> None:
        self.n_trials, self.n_jobs, self.seed = n_trials, n_jobs, seed
        self.params = [f"{name}={value}" for name, value in params.items()]

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        """Take what Hydra has composed."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        """Run the trials that the study lacks, then say and write its best settings.

        Raises UserError where the study is under way in another command, or no trial succeeded.
        """
        if self.config.dry_run:
            raise ConfigError("dry_run=true has no score to tune by: leave out sweep= and -m")
        given = self._parse([*self.params, *arguments])
        space = {name: one for name, one in given.items() if one.is_sweep_override()}
        if not space:
            raise ConfigError(
                "nothing to tune: choose sweep=student or sweep=method, or give an option a range, "
                "as model.epochs=range(1,6) or 'model.learning_rate=tag(log,interval(1e-6,1e-4))'"
            )
        if "seed" in space:
            raise ConfigError("seed is luck, not a setting to tune: give it one value")
        if self.n_jobs > 1 and str(self.config.hydra.launcher._target_).endswith("BasicLauncher"):
            raise ConfigError(
                f"hydra.sweeper.n_jobs={self.n_jobs}: trials come one after the other "
                "all the same, and would know less of each other. For trials side by side, add "
                f"hydra/launcher=joblib hydra.launcher.n_jobs={self.n_jobs}"
            )
        fixed = [str(one.input_line) for name, one in given.items() if name not in space]
        lines = sorted(fixed), sorted(str(one.input_line) for one in space.values())
        name = f"study-{digest([RESULTS, self.seed, *lines])[:8]}"
        with self._study(name) as study:
            self._complete(study, {key: distribution(one) for key, one in space.items()}, fixed)
            self._conclude(study, arguments)

    def _parse(self, lines: Sequence[str]) -> dict[str, Override]:
        """Return the overrides by their options; what comes later counts."""
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        return {one.get_key_element(): one for one in parser.parse_overrides(list(lines))}

    @contextmanager
    def _study(self, name: str) -> Iterator[Any]:
        """Yield the study of this name, begun or gone on with, for this command alone."""
        try:
            import optuna
        except ImportError:
            raise UserError("tuning needs Optuna: pip install 's3-synthesis[optuna]'") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path = self._folder / f"{name}.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise UserError(f"{path}: another command is at this study") from None
            study = optuna.create_study(
                storage=f"sqlite:///{path}", study_name=name, direction="maximize",
                load_if_exists=True,
            )  # fmt: skip
            for left in study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
                study.tell(
                    left.number, state=optuna.trial.TrialState.FAIL
                )  # its command was killed
            yield study

    @property
    def _folder(self) -> Path:
        return Path(self.config.hydra.sweep.dir)

    def _complete(self, study: Any, space: dict[str, Any], fixed: list[str]) -> None:
        """Run trials until the study has all."""
        from optuna.samplers import TPESampler

        ended = len(trials(study))
        if ended:
            print(f"{study.study_name}: {ended} of {self.n_trials} trials have ended before")
        while ended < self.n_trials:
            asked = []
            for number in range(ended, min(ended + self.n_jobs, self.n_trials)):
                # Seeded for each trial: a sampler that goes on from a file starts its series again.
                study.sampler = TPESampler(seed=self.seed + number, constant_liar=self.n_jobs > 1)
                asked.append(study.ask(fixed_distributions=space))
            jobs = [
                [*fixed, *(f"{name}={value}" for name, value in one.params.items())]
                for one in asked
            ]
            for trial, job in zip(asked, self.launcher.launch(jobs, ended), strict=True):
                study.tell(trial, float(job.return_value))  # raises what a job ended by
            ended += len(asked)

    def _conclude(self, study: Any, arguments: Sequence[str]) -> None:
        """Write the best settings as a recipe; print them and the command that takes it."""
        os.environ.pop(JOB, None)  # what is said now is of none of the jobs
        worst = self.config.objective_if_failed
        if not any(one.value != worst for one in trials(study)):
            raise UserError(f"{study.study_name}: no trial succeeded, so there is no best one")
        best, number = study.best_trial, len(trials(study))
        said = f"{self.config.objective or 'model.metric on validation'} {best.value:.4f}"
        found = [f"{name}={value}" for name, value in best.params.items()]
        print(f"\n{study.study_name}: the best of {number} trials has {said}")
        print(f"  with {' '.join(found)}")
        given = self._parse([*self.params, *arguments, *found])
        tuned = {name: given.pop(name) for name in self._parse([*self.params, *found])}
        groups = self.config.hydra.runtime.choices
        path = self._folder / RECIPES / f"{study.study_name}.yaml"
        write_text(path, recipe(tuned.values(), groups, f"{said}, the best of {number} trials"))
        own = [str(one.input_line) for name, one in given.items() if name != "sweep"]
        taking = [f"hydra.searchpath=[{self._folder}]", f"+{RECIPES}={path.stem}"]
        print(f"{path}\n  s3 run {shlex.join([*self._own_folder(), *taking, *own])}")

    def _own_folder(self) -> list[str]:
        """Return the command's `--config-dir`, as it is given again."""
        sources = self.config.hydra.runtime.config_sources
        own = [os.path.relpath(one.path) for one in sources if one.provider == "command-line"]
        return [f"--config-dir={path}" for path in own]


def trials(study: Any) -> list[Any]:
    """Return the trials of a study that have ended."""
    return [one for one in study.get_trials() if one.state.name == "COMPLETE"]


def distribution(override: Override) -> Any:
    """Return an option's sweep as Optuna's distribution. Raises ConfigError where it has none."""
    from optuna import distributions

    sweep: Any = override.value()
    name = override.get_key_element()
    try:
        if isinstance(sweep, IntervalSweep):
            whole = isinstance(sweep.start, int) and isinstance(sweep.end, int)
            kind: Any = distributions.IntDistribution if whole else distributions.FloatDistribution
            return kind(sweep.start, sweep.end, log="log" in sweep.tags)
        if isinstance(sweep, RangeSweep) and isinstance(numbers := sweep.range(), range):
            return distributions.IntDistribution(numbers[0], numbers[-1], step=numbers.step)
        return distributions.CategoricalDistribution(list(override.sweep_string_iterator()))
    except (ValueError, IndexError) as error:
        raise ConfigError(f"{name}: {override.input_line} is no range: {error}") from None


def recipe(tuned: Iterable[Override], groups: Mapping[str, Any], said: str) -> str:
    """Return settings as the YAML of an option of the group `recipe`."""
    chosen, content = [], OmegaConf.create({"defaults": []})
    for one in tuned:
        name, value = one.get_key_element().lstrip("+"), one.value()
        if name in groups:
            chosen.append({f"override /{name}": value})
        else:
            OmegaConf.update(content, name, value)
    content.defaults = [*chosen, "_self_"]
    return f"# @package _global_\n# {said}\n{OmegaConf.to_yaml(content)}"
