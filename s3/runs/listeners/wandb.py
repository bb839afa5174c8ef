"""Weights & Biases: one run a job, one row a round. Nothing else in S3 talks to it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.errors import UserError
from s3.methods import Round
from s3.runs.folder import TRACKED, MetricsRow, RunFolder
from s3.runs.listeners.base import Listener
from s3.storage import write_json

if TYPE_CHECKING:
    import wandb


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
        """Open the W&B run."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no telemetry unless asked for
        import wandb

        self._run, settings = run, self.settings
        try:
            self._open = wandb.init(
                dir=run.path.absolute(), mode=self._mode(), project=settings.project,
                entity=settings.entity, id=run.attempt, name=run.name,
                group=settings.group or os.environ.get("S3_SWEEP"), config=dict(config),
                resume="allow", settings=wandb.Settings(silent=True, console="off"),
            )  # fmt: skip
        except wandb.errors.UsageError as error:
            raise UserError(f"{error} Set WANDB_API_KEY or wandb.mode=offline.") from None
        self._open.define_metric("*", step_metric="round")

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
        import wandb

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
        artifacts = self.settings.artifacts and self.settings.mode is not Mode.disabled
        for kind in ("data", "model") if artifacts else ():
            artifact = wandb.Artifact(f"{self._run.name}-{kind}", type=kind)
            artifact.add_dir(str(self._run.path / kind))
            self._open.log_artifact(artifact)
        self._open.finish()
        place = f"wandb sync {Path(self._open.dir).parent}" if self._open.offline else ""
        where = place or self._open.url or "W&B disabled"
        write_json(self._run.path / TRACKED, {"where": where})

    def stopped(self) -> None:
        """Close the W&B run as failed."""
        if self._open:
            self._open.finish(exit_code=1)

    def _mode(self) -> Any:
        if self.settings.mode is not Mode.auto:
            return self.settings.mode.value
        netrc = Path.home() / ".netrc"
        known = os.environ.get("WANDB_API_KEY") or (
            netrc.exists() and "wandb" in netrc.read_text(encoding="utf-8", errors="replace")
        )
        return "online" if known else "offline"
