"""A run's lineage on W&B: gold data go in, the data set of each round and the model come out.

Names say task and method, versions the run. Files are logged from where they lie in the run's
folder, and under the names that they have there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from s3.runs import folder as layout
from s3.runs.reading import Run

UNNAMABLE = re.compile(r"[^a-zA-Z0-9_.-]+")  # in the name of an artifact


def log_artifacts(opened: Any, run: Run, about: Mapping[str, Any]) -> None:
    """Log a run's artifacts; `about` is its summary."""
    task, method = (UNNAMABLE.sub("_", str(about[part]))[:48] for part in ("task", "method"))
    gold, data, model = f"{task}-gold", f"{task}-{method}-data", f"{task}-{method}-model"
    # `use_artifact` refuses to work offline; this is what it does online.
    opened._log_artifact(_gold(gold, run), is_user_created=True, use_after_commit=True)
    best, rows = about["best_round"], about["rounds"]
    for index, row in enumerate(rows):
        files = _data_set(run, index, last=index == len(rows) - 1)
        known = {"run": run.name, "round": index, "gold": gold, "size": row["data/size"]}
        aliases = [f"round-{index}", *(["best"] if index == best else [])]
        opened.log_artifact(_artifact(data, "dataset", run, files, known), aliases=aliases)
    alone = about.get("ships", "round") == "round"
    trained_on = [f"{data}:round-{best}", *([] if alone else [gold])]
    known = {"run": run.name, "round": best, "trained_on": trained_on}
    files = (path for path in run.model.rglob("*") if path.is_file())
    aliases = ["best", f"round-{best}" if alone else "with-gold"]
    opened.log_artifact(_artifact(model, "model", run, files, known), aliases=aliases)


def _gold(name: str, run: Run) -> Any:
    """Return the gold data as an artifact: where they come from, and which rows, by fingerprint.

    The rows themselves stay where they are.
    """
    import wandb

    source = run.config.get("task", {}).get("gold", {})
    known = {"fingerprints": run.identity.get("gold", {}), "from": source}
    artifact = wandb.Artifact(name, type="dataset", metadata=known)
    with artifact.new_file("gold.json", mode="w") as file:
        file.write(json.dumps(known, indent=1, sort_keys=True))
    return artifact


def _data_set(run: Run, index: int, last: bool) -> Iterable[Path]:
    """Yield the files that make the data set of a round: additions so far, and which are used."""
    for earlier in range(index + 1):
        yield run.folder.round_folder(earlier) / layout.ADDED
    yield run.folder.round_folder(index) / layout.TRAIN
    if last:
        yield run.path / layout.DATA


def _artifact(
    name: str, kind: str, run: Run, files: Iterable[Path], metadata: Mapping[str, Any]
) -> Any:
    """Return an artifact of files in the run's folder, one by one: `add_dir` is noisy."""
    import wandb

    artifact = wandb.Artifact(name, type=kind, metadata=dict(metadata))
    for path in sorted(files):
        # A mutable file would be copied to a staging folder, and stay there.
        artifact.add_file(
            str(path.absolute()), name=path.relative_to(run.path).as_posix(), policy="immutable",
            skip_cache=True,
        )  # fmt: skip
    return artifact
