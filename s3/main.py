"""The command line `s3 run`, which `python run.py` is, too: Hydra's, run to its exit status."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from s3.commandline import is_override, run_again, shared_loosely
from s3.config import leave_out, refuse_dashes, register
from s3.errors import ConfigError, UserError
from s3.explaining import explain
from s3.jobs import failures, hydras_folder, name_job, note_failure, note_run, show_sweep
from s3.progress import job_name, ring
from s3.running import composed
from s3.runs.listeners.log import Log
from s3.secrets import hidden
from s3.text import sanitised
from s3.yaml_files import CONF

CONTINUE = "Everything paid for is kept: the same command continues."
failed: list[int] = []  # the exit status of what ended in an error


def main(words: Sequence[str]) -> int:
    """Run a command's words; print a user's mistake as a line, not as a traceback.

    The exit status is 2 where the options are wrong, 1 where a run cannot go on, 130 after Ctrl-C.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # exceptions reach us; we shorten them
    failed.clear()
    began = time.monotonic()
    register()
    try:
        # argparse takes overrides in one piece only
        sys.argv[1:] = sorted(shared_loosely(run_again(words)), key=is_override)
        refuse_dashes(sys.argv[1:])
        logged_job()
    except KeyboardInterrupt:
        print(f"\nInterrupted. {CONTINUE}", file=sys.stderr)
        return 130
    except Exception as error:
        failed.append(report(error))
    failed.extend(failures())
    show_sweep()
    status = max(failed, default=0)
    ring(time.monotonic() - began, f"s3 run has {f'failed ({status})' if status else 'finished'}.")
    return status


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def logged_job(cfg: DictConfig) -> float | None:
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
        made = composed(cfg, hydra_config)
        folder = made.run(log)
        if folder.finished and not cfg.dry_run:
            if sweeping:
                note_run(folder.path)
            return made.experiment.score(folder)
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


def report(error: Exception) -> int:
    """Print an error as a line, without keys, and return its exit status; raise a defect."""
    said = str(error) if isinstance(error, UserError) else explain(error)
    if not said:
        raise error
    print(sanitised(hidden(f"{job_name()}error: {said}")), file=sys.stderr, flush=True)
    return 1 if isinstance(error, UserError) and not isinstance(error, ConfigError) else 2
