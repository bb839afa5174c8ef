"""Run an experiment: `python run.py task=rte method=s3`; `-m` sweeps, `--help` lists options."""

from __future__ import annotations

import os
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from s3.config import build, explain, plain, register
from s3.errors import ConfigError, UserError
from s3.jobs import SWEEP, changed, name_job, note_run, show_sweep
from s3.progress import job_name
from s3.storage import digest
from s3.text import sanitised

CONTINUE = "Everything paid for is kept: the same command continues."


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def main(cfg: DictConfig) -> None:
    """Run one composed experiment."""
    hydra_config = HydraConfig.get()
    sweeping = hydra_config.mode is RunMode.MULTIRUN
    if sweeping:
        name_job(hydra_config)
        cfg.root = cfg.root or "multirun"
    experiment, config = build(cfg), plain(cfg)
    choices = {group: str(name) for group, name in hydra_config.runtime.choices.items()}
    try:
        folder = experiment.run(config, choices, changed(config, hydra_config))
    except UserError as error:
        if sweeping:  # the sweep goes on, and in the end one such error is told
            print(f"{job_name()}error: {error}", file=sys.stderr, flush=True)
        raise
    if sweeping and folder.finished and not cfg.dry_run:
        note_run(folder.path)


def run() -> int:
    """Run the command line; print a user's mistake as a line, not as a traceback.

    The exit status is 2 where the options are wrong, 1 where a run cannot go on, 130 after Ctrl-C.
    """
    os.environ.setdefault("HYDRA_FULL_ERROR", "1")  # exceptions reach us; we shorten them
    os.environ.setdefault(SWEEP, f"sweep-{digest(sys.argv[1:])[:8]}")
    try:
        main()
    except KeyboardInterrupt:
        print(f"\nInterrupted. {CONTINUE}", file=sys.stderr)
        return 130
    except UserError as error:
        print(f"error: {sanitised(str(error))}", file=sys.stderr)
        return 2 if isinstance(error, ConfigError) else 1
    except Exception as error:
        if not (said := explain(error)):
            raise
        print(f"error: {sanitised(said)}", file=sys.stderr)
        return 2
    finally:
        show_sweep()
    return 0


if __name__ == "__main__":
    register()
    sys.exit(run())
