"""Examples as the rows that a run's folder keeps, and where it keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from s3.data.example import Answers, Example, Origin, plain_target
from s3.errors import UserError
from s3.storage import digest


def added_files(run: Path) -> list[Path]:
    """Return the files of a run's folder that hold the rows of each round, in order."""
    return sorted(run.glob("rounds/*/added.jsonl"))


def content_digest(path: Path) -> str:
    """Return a digest of a file, or of the rows that a run's folder added; UserError if missing."""
    files = added_files(path) if path.is_dir() else [path]
    if not all(file.is_file() for file in files):
        raise UserError(f"{path}: no such file or folder (looked for it from {Path.cwd()}).")
    return digest([hashlib.sha256(file.read_bytes()).hexdigest() for file in files])


def fingerprint(examples: Iterable[Example]) -> str:
    """Return a digest of a data set: its examples' contents in order."""
    return digest([example.id for example in examples])


def to_row(example: Example) -> dict[str, Any]:
    """Flatten an example into a JSON-like row: id, fields, target, origin."""
    row: dict[str, Any] = {"id": example.id, **example.fields}
    row["target"] = plain_target(example.target)
    row["origin"] = {**asdict(example.origin), "rationales": list(example.origin.rationales)}
    return row


def from_row(row: Mapping[str, Any]) -> Example:
    """Rebuild the example that `to_row` flattened."""
    fields = {k: v for k, v in row.items() if k not in ("id", "target", "origin")}
    target = row["target"]
    if not isinstance(target, str):
        target = Answers(tuple(target["texts"]), tuple(target["starts"]))
    origin = dict(row["origin"])
    origin["rationales"] = tuple(origin["rationales"])
    return Example(fields, target, Origin(**origin))
