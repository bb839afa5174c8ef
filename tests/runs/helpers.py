"""What tests of whole runs share: where runs end up, what must be equal, how to wait."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from s3.data.rows import added_files

ROOT = Path(__file__).parents[2]


def finished(root: Path) -> list[Path]:
    """Return the folders of finished runs."""
    return sorted(path.parent for path in root.glob("*/summary.json"))


def result(folder: Path) -> tuple[Any, ...]:
    """What must not depend on how a run was carried out: data, model, metrics but for time."""
    rows = json.loads((folder / "summary.json").read_text())["rounds"]
    rows = [{k: v for k, v in row.items() if not k.startswith("seconds/")} for row in rows]
    data = (folder / "data" / "train.parquet").read_bytes()
    added = [path.read_bytes() for path in added_files(folder)]
    return rows, data, added, (folder / "model" / "model.safetensors").read_bytes()


def wait(until: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 120
    while not until():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.02)
