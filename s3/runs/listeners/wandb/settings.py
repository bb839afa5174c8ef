"""What decides how a run is reported to W&B: options that are set, then W&B's own environment
variables and settings files, then defaults made of the run.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from s3.errors import first_line
from s3.runs.checksums import mapping
from s3.runs.folder import CHOICES, TRACKED, RunFolder
from s3.storage import cache_folder

KEY = "WANDB_API_KEY"
PROJECT = "s3"  # where neither options nor W&B's own settings name one
ODD = re.compile(r"[^\w .-]|.{100}")  # in a name: W&B is asked what it makes of it
WELL_FORMED = re.compile(r"[\w.-]{40,}", re.ASCII)
# W&B's own working files: its default is the home folder, which may be read-only.
# Variables of W&B's own whose values it may refuse.
CHECKED = {"WANDB_MODE", "WANDB_TAGS", "WANDB_RUN_ID", "WANDB_RESUME", "WANDB_PROJECT"}
FOLDERS = ("WANDB_CACHE_DIR", "WANDB_DATA_DIR")
TAG, NAME, ID = 64, 128, 64  # characters: W&B's limits; an id is part of artifacts' names, too


class Mode(Enum):
    """Whether W&B is reached; `auto` is what WANDB_MODE says, else online with an account here."""

    auto = "auto"
    online = "online"
    offline = "offline"
    disabled = "disabled"


@dataclass(kw_only=True)
class Wandb:
    """Where a run's rows go on Weights & Biases; null leaves it to W&B's own environment."""

    mode: Mode = Mode.auto  # online, offline, disabled; auto: online with an account
    project: str | None = None  # null: s3
    entity: str | None = None  # user or team; null: the account's own
    group: str | None = None  # null: the sweep that the job belongs to
    job_type: str | None = None  # null: the method
    tags: list[str] = field(default_factory=list)  # empty: the options chosen for the groups
    notes: str | None = None  # null: the options that differ from their defaults
    artifacts: bool = True  # false: numbers alone, no text, page, data set or model


def import_wandb() -> Any:
    """Import W&B, its working files beside the store unless they are told another place."""
    os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # no telemetry unless asked for
    for name in FOLDERS:
        os.environ.setdefault(name, str(cache_folder() / "wandb"))
    import wandb

    return wandb


def arguments(settings: Wandb, run: RunFolder, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `wandb.init` is told of a run but for its configuration.

    `about` has the options chosen for the groups, and as `options` those that differ from their
    defaults.
    """
    own = import_wandb().setup().settings  # environment variables, settings files
    sweep = os.environ.get("S3_SWEEP")  # s3/jobs.py names it, for sweeps alone
    chosen = [str(about[part])[:TAG] for part in CHOICES if about.get(part)]
    changed = " ".join(f"{name}={value}" for name, value in about.get("options", {}).items())
    return {
        "mode": _mode(settings, own),
        "dir": None if "WANDB_DIR" in os.environ else run.path.absolute(),
        "project": settings.project or own.project or PROJECT,
        "entity": settings.entity or own.entity,
        # An id of one run would make one run of all jobs of a sweep.
        "id": (None if sweep else own.run_id) or run.attempt[-ID:],  # its end tells attempts apart
        "name": own.run_name or run.name[:NAME],
        "group": settings.group or own.run_group or sweep,
        "job_type": settings.job_type or own.run_job_type or about.get("method"),
        "tags": settings.tags or own.run_tags or chosen,
        "notes": settings.notes or own.run_notes or changed or None,
        "resume": own.resume or "allow",
    }


def _mode(settings: Wandb, own: Any) -> str:
    if settings.mode is not Mode.auto:
        return str(settings.mode.value)
    if own.mode != "online" or "WANDB_MODE" in os.environ:
        return str(own.mode)
    return "online" if has_account() else "offline"


def destination(settings: Wandb, run: RunFolder) -> str:
    """Return what tells the W&B run that a command asks for from others; W&B is not reached.

    An agent of W&B's sweeps names a run of its own through the environment.
    """
    said = os.environ.get
    project = f"{settings.entity or said('WANDB_ENTITY', '')}/{settings.project or ''}"
    if not settings.project:
        project += said("WANDB_PROJECT", PROJECT)
    return "/".join([project, said("WANDB_SWEEP_ID", ""), said("WANDB_RUN_ID", run.attempt)])


def awaited(settings: Wandb, run: RunFolder) -> bool:
    """Say whether a finished run has still to be reported to where this command wants it."""
    if settings.mode is Mode.disabled or os.environ.get("WANDB_MODE") == "disabled":
        return False
    return destination(settings, run) not in mapping(run.path / TRACKED).get("told", [])


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
    mode = settings.mode.value
    if settings.mode is Mode.auto:
        mode = os.environ.get("WANDB_MODE", mode)
    if mode == "disabled":
        return ""
    if mode == "online" and not has_account():
        return (
            f"W&B: online needs a key ({KEY}, or `wandb login`). Without one the run is kept "
            "offline in its folder."
        )
    key = os.environ.get(KEY, "").strip()
    if key and mode != "offline" and not WELL_FORMED.fullmatch(key):
        return f"W&B: {KEY} is no key of W&B. The run is kept offline in its folder."
    names = f"{settings.project or ''}{settings.entity or ''}"
    if not (ODD.search(names) or settings.tags or CHECKED & set(os.environ)):
        return ""  # a dry run need not import W&B for ordinary names
    try:
        given = {"project": settings.project, "entity": settings.entity}
        wanted = import_wandb().Settings(**given, run_tags=settings.tags or None)
        wanted.update_from_env_vars(os.environ)
    except Exception as error:
        return f"W&B: {first_line(error).rstrip('.')}. The run goes on without it, or offline."
    return ""
