"""Weights & Biases: one run a job, one row a round. Nothing else in S3 talks to it.

It never ends a run. Where it cannot be reached, or refuses the key, the run is kept offline in its
folder, to be sent later. Data and model are logged from where they lie: no copy is made of them, so
`wandb sync` finds them as long as the run's folder is where it was.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.errors import first_line
from s3.methods import Round
from s3.runs.folder import TRACKED, MetricsRow, RunFolder
from s3.runs.listeners.base import Listener
from s3.storage import cache_folder, write_json

if TYPE_CHECKING:
    import wandb

KEY = "WANDB_API_KEY"
ODD = re.compile(r"[^\w .-]|.{100}")  # in a name: W&B is asked what it makes of it
WELL_FORMED = re.compile(r"[\w.-]{40,}", re.ASCII)
# W&B's own working files: its default is the home folder, which may be read-only.
FOLDERS = ("WANDB_CACHE_DIR", "WANDB_DATA_DIR")
REACHED = 30.0  # seconds in which W&B must answer at a run's start
SENT = 300.0  # seconds at a run's end in which everything must have arrived there


class Mode(Enum):
    """Whether W&B is reached; `auto` is online with an account on this machine, else offline."""

    auto = "auto"
    online = "online"
    offline = "offline"
    disabled = "disabled"


@dataclass(kw_only=True)
class Wandb:
    """Where a run's rows go on Weights & Biases."""

    mode: Mode = Mode.auto
    project: str = "s3"
    entity: str | None = None
    group: str | None = None  # null: the sweep that the job belongs to
    artifacts: bool = True  # the final data set and model


class Tracker(Listener):
    """Logs a run to W&B.

    The attempt's name is the W&B run's id, so a continued run is one there, and one begun afresh
    is another, with rows of its own.
    """

    name = "W&B"

    def __init__(self, settings: Wandb) -> None:
        self.settings = settings
        self._open: wandb.Run | None = None

    def started(self, run: RunFolder, config: Mapping[str, Any]) -> None:
        """Open the W&B run; offline where it cannot be opened there."""
        self._run, mode = run, self._mode()
        try:
            self._open = self._init(mode, config)
        except Exception as error:  # of the network, the account, the key
            if mode in ("offline", "disabled"):
                raise
            print(
                f"W&B: {first_line(error).rstrip('.')}. This run is kept offline in its folder.",
                file=sys.stderr,
            )
            key = os.environ.pop(KEY, None)  # a malformed one is refused offline, too
            try:
                import wandb

                wandb.teardown()  # its service holds the run's name
                self._open = self._init("offline", config)
            finally:
                os.environ.update({KEY: key} if key is not None else {})
        self._open.define_metric("*", step_metric="round")

    def _init(self, mode: Any, config: Mapping[str, Any]) -> wandb.Run:
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no telemetry unless asked for
        for name in FOLDERS:
            os.environ.setdefault(name, str(cache_folder() / "wandb"))
        import wandb

        settings = self.settings
        quiet = wandb.Settings(
            silent=True, console="off", init_timeout=REACHED, finish_timeout=SENT
        )
        return wandb.init(
            dir=self._run.path.absolute(), mode=mode, project=settings.project,
            entity=settings.entity, id=self._run.attempt, name=self._run.name,
            group=settings.group or os.environ.get("S3_SWEEP"), config=dict(config),
            resume="allow", settings=quiet,
        )  # fmt: skip

    def round(self, round_: Round, row: MetricsRow) -> None:
        """Log a round's row, and its epochs on an axis of their own.

        A continued run replays its rounds: those that W&B has already are left alone.
        """
        assert self._open is not None
        if round_.index <= dict(self._open.summary).get("round", -1):
            return
        name = f"round_{round_.index:02d}"
        self._open.define_metric(f"{name}/*", step_metric=f"{name}/epoch")
        for epoch in round_.predictor.history:
            self._open.log({f"{name}/{key}": value for key, value in epoch.items()})
        self._open.log({"round": round_.index, **row})

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Make the shipped round's row the summary; log the data set and the model."""
        assert self._open is not None
        best = summary["best_round"]
        logged = set(dict(self._open.summary)) & {key for row in summary["rounds"] for key in row}
        # A key that only another round has is not the shipped round's: it would mix the two.
        gone = dict.fromkeys(logged - set(summary["rounds"][best]))
        alone = {
            f"{beside}/{name}": value
            for beside in ("gold", "with_gold")
            for name, value in summary.get(beside, {}).items()
        }
        self._open.summary.update(
            {**gone, **summary["rounds"][best], **alone, "round": best, "best_round": best}
        )
        if self.settings.artifacts and self.settings.mode is not Mode.disabled:
            try:
                self._log_artifacts(self._open)
            except Exception as error:  # the rows are there, and shall arrive
                print(
                    f"W&B: data and model are not logged: {first_line(error).rstrip('.')}",
                    file=sys.stderr,
                )
        self._open.finish()
        place = f"wandb sync {Path(self._open.dir).parent}" if self._open.offline else ""
        where = place or self._open.url or "W&B disabled"
        write_json(self._run.path / TRACKED, {"where": where})

    def _log_artifacts(self, opened: wandb.Run) -> None:
        """Log the data set and the model, file by file: `add_dir` would say what it does."""
        import wandb

        for kind in ("data", "model"):
            artifact = wandb.Artifact(f"{self._run.name}-{kind}", type=kind)
            top = (self._run.path / kind).absolute()
            for path in sorted(path for path in top.rglob("*") if path.is_file()):
                # A mutable file would be copied to a staging folder, and stay there.
                name = path.relative_to(top).as_posix()
                artifact.add_file(str(path), name=name, policy="immutable", skip_cache=True)
            opened.log_artifact(artifact)

    def stopped(self) -> None:
        """Close the W&B run as failed."""
        if self._open:
            self._open.finish(exit_code=1)

    def _mode(self) -> Any:
        if self.settings.mode is not Mode.auto:
            return self.settings.mode.value
        return "online" if has_account() else "offline"


def has_account() -> bool:
    """Say whether this machine has a key of W&B, in the environment or in ~/.netrc."""
    if os.environ.get(KEY):
        return True
    try:
        netrc = Path(os.environ.get("NETRC") or Path.home() / ".netrc")
        return "wandb" in netrc.read_text(encoding="utf-8", errors="replace")
    except (OSError, RuntimeError):
        return False


def complaint(settings: Wandb) -> str:
    """Return what W&B would refuse of the settings and the key, without reaching it; or nothing."""
    if settings.mode is Mode.disabled:
        return ""
    if settings.mode is Mode.online and not has_account():
        return (
            f"W&B: wandb.mode=online needs a key ({KEY}, or `wandb login`). Without one the run is "
            "kept offline in its folder."
        )
    key = os.environ.get(KEY, "").strip()
    if key and settings.mode is not Mode.offline and not WELL_FORMED.fullmatch(key):
        return f"W&B: {KEY} is no key of W&B. The run is kept offline in its folder."
    if not ODD.search(f"{settings.project}{settings.entity or ''}"):
        return ""  # a dry run need not import W&B for an ordinary name
    import wandb

    try:
        wandb.Settings(project=settings.project, entity=settings.entity)
    except Exception as error:
        return f"W&B: {first_line(error).rstrip('.')}. The run goes on without it, or offline."
    return ""
