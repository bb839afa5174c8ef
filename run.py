"""Run an experiment: `python run.py task=rte method=s3`; `-m` sweeps, `--help` lists options."""

from __future__ import annotations

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from s3.commandline import run_again, shared_loosely
from s3.config import (
    build,
    chosen,
    leave_out,
    plain,
    refuse_dashes,
    refuse_misread,
    register,
    sources,
)
from s3.errors import ConfigError, UserError
from s3.explaining import explain
from s3.jobs import changed, failures, hydras_folder, name_job, note_failure, note_run, show_sweep
from s3.progress import job_name
from s3.report.run import Page
from s3.runs.listeners.log import Log
from s3.secrets import hidden
from s3.text import sanitised

CONTINUE = "Everything paid for is kept: the same command continues."
failed: list[int] = []  # the exit status of what ended in an error


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> float | None:
    """Run one composed experiment, and say its error: Hydra would first repeat the command.

    Return what a sweeper is to make large; None after a dry run.
    """
    with Log() as log:
        return job(cfg, log)


def job(cfg: DictConfig, log: Log) -> float | None:
    """Run one composed experiment, which may be one of a sweep's jobs; return its objective."""
    hydra_config = HydraConfig.get()
    sweeping = hydra_config.mode is RunMode.MULTIRUN
    if sweeping:
        name_job(hydra_config)
        for option in leave_out(cfg):
            print(f"{job_name()}has no {option}, and runs without it", file=sys.stderr)
    cfg.root = cfg.root or hydras_folder(hydra_config)
    try:
        choices = chosen(hydra_config.runtime.choices)
        if "sweep" in choices and not sweeping:
            raise ConfigError("sweep= is for many runs: put -m before it, or leave it out")
        experiment, config = build(cfg), plain(cfg)
        refuse_misread(cfg, sources(hydra_config))
        folder = experiment.run(config, choices, changed(config, hydra_config), [Page(), log])
        if folder.finished and not cfg.dry_run:
            if sweeping:
                note_run(folder.path)
            return experiment.score(folder)
    except Exception as error:
        status = report(error)
        if not sweeping:
            failed.append(status)
            return None
        note_failure(status)  # this may be another process than the sweep's
        return objective_of_failure(cfg)
    return None


def objective_of_failure(cfg: DictConfig) -> float:
    """Return what a sweeper gets of a job that has failed, and say so where one asks."""
    worst = float(cfg.objective_if_failed)
    if not HydraConfig.get().sweeper._target_.endswith("BasicSweeper"):
        print(f"{job_name()}its objective counts as {worst}", file=sys.stderr, flush=True)
    return worst


def run() -> int:
    """Run the command line; print a user's mistake as a line, not as a traceback.

    The exit status is 2 where the options are wrong, 1 where a run cannot go on, 130 after Ctrl-C.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # exceptions reach us; we shorten them
    failed.clear()
    try:
        # argparse takes overrides in one piece only
        sys.argv[1:] = sorted(shared_loosely(run_again(sys.argv[1:])), key=is_override)
        refuse_dashes(sys.argv[1:])
        main()
    except KeyboardInterrupt:
        print(f"\nInterrupted. {CONTINUE}", file=sys.stderr)
        return 130
    except Exception as error:
        failed.append(report(error))
    failed.extend(failures())
    show_sweep()
    return max(failed, default=0)


def is_override(word: str) -> bool:
    """Return whether a word of the command sets an option of ours, and is none of Hydra's."""
    return word.startswith(("+", "~")) or ("=" in word and not word.startswith("-"))


def report(error: Exception) -> int:
    """Print an error as a line, without keys, and return its exit status; raise a defect."""
    said = str(error) if isinstance(error, UserError) else explain(error)
    if not said:
        raise error
    print(sanitised(hidden(f"{job_name()}error: {said}")), file=sys.stderr, flush=True)
    return 1 if isinstance(error, UserError) and not isinstance(error, ConfigError) else 2


if __name__ == "__main__":
    register()
    sys.exit(run())
