"""Weights & Biases: one run a job, one row a round. Nothing else in S3 talks to it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.errors import UserError

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

    @contextmanager
    def run(self, folder: Path, config: Mapping[str, Any]) -> Iterator[Tracker]:
        """Open the W&B run of a folder; the folder's name is its id, so a continued run is one."""
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no telemetry unless asked for
        import wandb

        settings = wandb.Settings(silent=True, console="off")
        group = self.group or os.environ.get("S3_SWEEP")
        try:
            opened = wandb.init(
                dir=folder, mode=self._mode(), project=self.project, entity=self.entity,
                id=folder.name, name=folder.name, group=group, config=dict(config),
                resume="allow", settings=settings,
            )  # fmt: skip
        except wandb.errors.UsageError as error:
            raise UserError(f"W&B: {error} Set WANDB_API_KEY or wandb.mode=offline.") from None
        opened.define_metric("*", step_metric="round")
        failed = True
        try:  # not W&B's own `with`: it prints a traceback, also for Ctrl-C
            yield Tracker(opened, folder, self.artifacts and self.mode is not Mode.disabled)
            failed = False
        finally:
            opened.finish(exit_code=int(failed))

    def _mode(self) -> Any:
        if self.mode is not Mode.auto:
            return self.mode.value
        netrc = Path.home() / ".netrc"
        known = os.environ.get("WANDB_API_KEY") or (
            netrc.exists() and "wandb" in netrc.read_text(encoding="utf-8", errors="replace")
        )
        return "online" if known else "offline"


@dataclass(frozen=True)
class Tracker:
    """One open W&B run."""

    run: wandb.Run
    folder: Path
    artifacts: bool

    def round(self, index: int, row: Mapping[str, float], epochs: list[dict[str, float]]) -> None:
        """Log a round's row, and its epochs on an axis of their own.

        A continued run replays its rounds: those that W&B has already are left alone.
        """
        if index <= dict(self.run.summary).get("round", -1):
            return
        name = f"round_{index:02d}"
        self.run.define_metric(f"{name}/*", step_metric=f"{name}/epoch")
        for epoch in epochs:
            self.run.log({f"{name}/{key}": value for key, value in epoch.items()})
        self.run.log({"round": index, **row})

    def finish(self, summary: Mapping[str, Any]) -> str:
        """Log the data set and the model as artifacts; return the line that says where all is."""
        import wandb

        self.run.summary.update(dict(summary))
        for kind in ("data", "model") if self.artifacts else ():
            artifact = wandb.Artifact(f"{self.folder.name}-{kind}", type=kind)
            artifact.add_dir(str(self.folder / kind))
            self.run.log_artifact(artifact)
        if self.run.offline:
            return f"wandb sync {Path(self.run.dir).parent}"
        return self.run.url or "W&B disabled"
