"""What a data set is made of: examples, their targets and where they come from."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from s3.errors import UserError


@dataclass(frozen=True)
class Answers:
    """The target of extractive QA: the accepted answers, each an exact span of the context.

    `starts` are character offsets into the context, one for each text.
    """

    texts: tuple[str, ...]
    starts: tuple[int, ...]


Target = str | Answers  # a label's name, or the answers
Predicted = str  # a label's name, or an answer's text


@dataclass(frozen=True)
class Origin:
    """Where an example comes from; every synthetic row can be traced through it.

    `kind` is "gold", "seed" or "extrapolation"; `round` is the round that added it (0: the seed).
    `source` names the gold row ("validation/17"), or for an extrapolation the row it grew from.
    """

    kind: str
    round: int = 0
    source: str = ""
    prompt: str = ""
    completion: str = ""  # the completion's id in the store
    model: str = ""
    rationales: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """One labelled example: its text fields by name, its target and its origin."""

    fields: Mapping[str, str]
    target: Target
    origin: Origin = field(default=Origin("gold"), compare=False)

    @property
    def id(self) -> str:
        """A digest of fields and target: equal content, equal id."""
        return digest([dict(self.fields), _plain(self.target)])


@dataclass(frozen=True)
class Mistake:
    """A gold example that the small model gets wrong, with what it answered."""

    example: Example
    predicted: Predicted


def digest(content: Any) -> str:
    """Return 16 hex digits that identify JSON-like content."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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


def deduplicate(
    examples: Iterable[Example], known: Iterable[Example] = ()
) -> tuple[list[Example], int]:
    """Drop repeats of `known` and of earlier examples; return the rest and how many went."""
    seen = {example.id for example in known}
    kept, dropped = [], 0
    for example in examples:
        if example.id in seen:
            dropped += 1
        else:
            seen.add(example.id)
            kept.append(example)
    return kept, dropped


def to_row(example: Example) -> dict[str, Any]:
    """Flatten an example into a JSON-like row: id, fields, target, origin."""
    row: dict[str, Any] = {"id": example.id, **example.fields}
    row["target"] = _plain(example.target)
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


def write_text(path: Path, text: str) -> None:
    """Write a text file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_jsonl(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as JSON Lines; the file appears whole or not at all."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSON Lines file."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _plain(target: Target) -> Any:
    return target if isinstance(target, str) else {k: list(v) for k, v in asdict(target).items()}
