"""Examples as the rows that a run's folder keeps, and where it keeps them.

A row has an example's fields beside its other columns, so no field may have the name of one:
`RESERVED` lists these, and a task that uses one is refused when it is composed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from s3.data.example import Answers, Example, Origin, plain_target
from s3.errors import UserError
from s3.storage import digest, digest_of

OUTCOME = ("predicted", "probabilities")  # what a row says of the small model's answer
RESERVED = frozenset(
    {"id", "target", "label", "answers", "origin", *OUTCOME, *(one.name for one in fields(Origin))}
)


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
    return digest_of(example.id for example in examples)


def to_row(example: Example) -> dict[str, Any]:
    """Flatten an example into a JSON-like row: id, fields, target, origin."""
    row: dict[str, Any] = {"id": example.id, **example.fields}
    row["target"] = plain_target(example.target)
    origin = {one.name: getattr(example.origin, one.name) for one in fields(Origin)}
    row["origin"] = {**origin, "rationales": list(example.origin.rationales)}
    return row


def flat_row(example: Example) -> dict[str, Any]:
    """Return an example as a row without nesting: fields, `label` or `answers`, origin's columns.

    This is what `datasets.load_dataset` reads; answers have SQuAD's form.
    """
    row = to_row(example)
    target, origin = row.pop("target"), row.pop("origin")
    if isinstance(target, str):
        row["label"] = target
    else:
        row["answers"] = {"text": target["texts"], "answer_start": target["starts"]}
    return {**row, **origin}


def from_flat_row(row: Mapping[str, Any]) -> Example:
    """Rebuild the example that `flat_row` flattened. Raises KeyError for a missing column."""
    origin = {one.name: row[one.name] for one in fields(Origin)}
    texts = {name: text for name, text in row.items() if name not in RESERVED}
    if "label" in row:
        return from_row({**texts, "target": row["label"], "origin": origin})
    answers = row["answers"]
    target = {"texts": answers["text"], "starts": answers["answer_start"]}
    return from_row({**texts, "target": target, "origin": origin})


def from_row(row: Mapping[str, Any]) -> Example:
    """Rebuild the example that `to_row` flattened."""
    texts = {name: text for name, text in row.items() if name not in RESERVED}
    target = row["target"]
    if not isinstance(target, str):
        target = Answers(tuple(target["texts"]), tuple(target["starts"]))
    origin = dict(row["origin"])
    origin["rationales"] = tuple(origin["rationales"])
    return Example(texts, target, Origin(**origin))
