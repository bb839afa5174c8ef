"""What the jobs of a sweep share: names that tell them apart, and the comparison at their end.

Hydra calls `Sweep` when a sweep begins (`hydra.callbacks` in conf/config.yaml). How many jobs there
are and which options are swept goes to the jobs in the environment, since a launcher may start them
in other processes; which runs they came to comes back in a file in the sweep's folder, by its name,
which `python -m s3 compare` takes, too.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from s3.commandline import AGAIN
from s3.errors import UserError
from s3.progress import AT_ONCE, JOB
from s3.runs.finding import ROOTS
from s3.runs.folder import CHOICES
from s3.storage import digest

SWEEP, SWEPT = "S3_SWEEP", "S3_SWEPT"  # the sweep's name; its folder, number of jobs, options
# Of a command's options, those that say nothing of what a run is, or are told beside them.
SAID_ELSEWHERE = (
    "seed", "root", "fresh", "dry_run", "confirm_above", "wandb", "objective",
    "objective_if_failed",
)  # fmt: skip


class Sweep(Callback):
    """Counts the jobs of a sweep before they start."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Name the sweep; note how many jobs there will be and which options they differ by.

        A sweeper other than Hydra's own decides as it goes.
        """
        os.environ.setdefault(SWEEP, f"sweep-{digest(sys.argv[1:])[:8]}")
        about: dict[str, Any] = {"folder": config.hydra.sweep.dir}
        os.environ[SWEPT] = json.dumps(about)
        os.environ[AT_ONCE] = str(side_by_side(config.hydra.launcher))
        for kind in (".runs", ".failed"):
            sweep_file(kind).unlink(missing_ok=True)
        sweeper = config.hydra.sweeper
        searches = "n_trials" in sweeper
        if not searches and not str(sweeper._target_).endswith("BasicSweeper"):
            return
        given = [f"{name}={value}" for name, value in (sweeper.params or {}).items()]
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        parsed = parser.parse_overrides([*given, *config.hydra.overrides.task])
        swept = {one.get_key_element(): one for one in parsed if one.is_sweep_override()}
        jobs = (
            int(sweeper.n_trials)
            if searches
            else prod(len(list(one.sweep_string_iterator())) for one in swept.values())
        )
        about |= {"jobs": jobs, "names": list(swept), "searches": searches}
        os.environ[SWEPT] = json.dumps(about)
        at_once = int(sweeper.n_jobs) if searches else jobs
        os.environ[AT_ONCE] = str(min(at_once, int(os.environ[AT_ONCE])))


def side_by_side(launcher: Mapping[str, Any]) -> int:
    """Return how many jobs a launcher runs on this machine at a time, at most.

    Of Slurm's jobs, each has cores of its own.
    """
    machine, kind = os.cpu_count() or 1, str(launcher["_target_"]).rpartition(".")[2]
    if kind == "JoblibLauncher":
        wanted = int(launcher["n_jobs"])
        return wanted if wanted > 0 else max(1, machine + 1 + wanted)  # -1: one a core, as joblib's
    if kind == "RayLauncher":
        machine = int(launcher["ray"]["init"].get("num_cpus") or machine)
        return max(1, int(machine / (launcher["ray"]["remote"].get("num_cpus") or 1)))
    return machine if kind == "LocalLauncher" else 1  # submitit starts all jobs at once


def name_job(hydra: Any) -> None:
    """Name this job of a sweep by what it alone has, say it, have its lines of progress say it.

    Where it is not known what is swept, all options of its command are named.
    """
    about = json.loads(os.environ.get(SWEPT, "{}"))
    names = about.get("names", [one.partition("=")[0] for one in hydra.overrides.task])
    own = [one for one in hydra.overrides.task if one.partition("=")[0] in names]
    total = f" of {about['jobs']}" if "jobs" in about else ""
    number = f"job {int(hydra.job.num) + 1}{total}"
    os.environ[JOB] = ": ".join(filter(None, [number, " ".join(own)]))
    print(f"\n{os.environ[JOB]}", flush=True)


def hydras_folder(hydra: Any) -> str | None:
    """Return where Hydra puts what a job leaves, `hydra.run.dir` or `hydra.sweep.dir`.

    None where it is the folder that the command is run in, as for single runs by default.
    """
    folder = os.path.relpath(hydra.runtime.output_dir)
    return None if folder == os.curdir else folder


def changed(cfg: Mapping[str, Any], hydra: Any) -> dict[str, Any]:
    """Return the options of a composed configuration that differ from the defaults, by their names.

    The defaults are those of the options chosen for the groups: of this task, this method, this
    preset. What an experiment's file or a recipe says beyond these is a change; a run's seed and
    place are not among the options.
    """
    from hydra import compose

    from s3.analysis.results import flat
    from s3.config import plain

    chosen = [f"{group}={hydra.runtime.choices[group]}" for group in CHOICES]
    name = "config" if hydra.job.config_name == AGAIN else hydra.job.config_name
    usual = dict(flat(plain(compose(name, overrides=chosen))))
    return {
        name: value
        for name, value in flat(cfg)
        if usual.get(name) != value and name.partition(".")[0] not in SAID_ELSEWHERE
    }


def note_run(folder: Path) -> None:
    """Note the run that a job of a sweep has come to."""
    _note(sweep_file(), str(folder))


def note_failure(status: int) -> None:
    """Note the exit status of a job of a sweep that has failed."""
    _note(sweep_file(".failed"), str(status))


def _note(listed: Path, line: str) -> None:
    listed.parent.mkdir(parents=True, exist_ok=True)
    with listed.open("a", encoding="utf-8") as file:  # a line at once: jobs may write side by side
        file.write(f"{line}\n")


def failures() -> list[int]:
    """Return the exit statuses that the failed jobs of this sweep have noted, in any process."""
    if SWEPT not in os.environ:
        return []
    listed = sweep_file(".failed")
    if not listed.exists():
        return []
    statuses = list(map(int, listed.read_text(encoding="utf-8").split()))
    listed.unlink()
    return statuses


def sweep_file(kind: str = ".runs") -> Path:
    """Return the file that lists the runs of this sweep, or with ".failed" its failures."""
    about = json.loads(os.environ.get(SWEPT, "{}"))
    return Path(about.get("folder", ROOTS[1])) / f"{os.environ[SWEEP]}{kind}"


def show_sweep() -> None:
    """Print the comparison of a sweep's runs, if this was a sweep."""
    for name in (JOB, AT_ONCE):
        os.environ.pop(name, None)
    if SWEPT not in os.environ:
        return
    listed = sweep_file()
    searched = json.loads(os.environ.pop(SWEPT)).get("searches")
    if searched or not listed.exists():  # a search looks at no score on test
        return
    from s3.analysis.comparison import compare
    from s3.analysis.formats import show

    print(f"\npython -m s3 compare {listed}")
    try:
        show(compare([listed]))
    except UserError as error:  # what the sweep came to is there all the same
        print(error)
