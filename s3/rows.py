"""Raw rows from a file or the hub, each with the place it stands at, for errors that name it."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from s3.errors import UserError

Row = Mapping[str, Any]
Placed = tuple[str, Row]  # ("path:17", row)


def read_file(path: Path) -> Iterator[Placed]:
    """Yield the rows of a JSON Lines, CSV, Parquet or SQuAD JSON file (text: gzipped or not).

    Raises UserError, with file and line, for a missing file, an unknown ending, a malformed row.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file (looked for it from {Path.cwd()}).")
    ending = path.name.removesuffix(".gz").rpartition(".")[2]
    readers = {"jsonl": _jsonl, "csv": _csv, "json": _squad, "parquet": _parquet, "txt": _lines}
    if ending not in readers:
        known = ", ".join("." + name for name in readers)
        raise UserError(f"{path}: unknown kind of file; known endings: {known} (also with .gz).")
    yield from readers[ending](path)


def read_hub(path: str, name: str | None, split: str) -> Iterator[Placed]:
    """Yield the rows of one split of a hub data set, through `datasets` with its cache.

    Raises UserError where the data set cannot be loaded (no network, no such split).
    """
    import datasets

    try:
        rows = datasets.load_dataset(path, name, split=split)
    except Exception as error:  # `datasets` raises many unrelated types, all about this one call
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"hub data set {path} ({name or 'default'}), split {split}: {reason}\n"
            "Check the name and the network, or use task.gold.source=files."
        ) from error
    for number, row in enumerate(rows):
        yield f"{path} {split} row {number}", row


def _text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _jsonl(path: Path) -> Iterator[Placed]:
    with _text(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", _object(line, f"{path}:{number}")


def _object(line: str, place: str) -> Row:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{place}: not valid JSON ({error.msg} at column {error.colno}).") from None
    if not isinstance(row, dict):
        raise UserError(f"{place}: expected a JSON object, found {type(row).__name__}.")
    return row


def _csv(path: Path) -> Iterator[Placed]:
    with _text(path) as file:
        reader = csv.DictReader(file, strict=True)
        try:
            for row in reader:
                if None in row or None in row.values():
                    raise UserError(f"{path}:{reader.line_num}: not as many cells as the header.")
                yield f"{path}:{reader.line_num}", row
        except csv.Error as error:
            raise UserError(f"{path}:{reader.line_num}: malformed CSV ({error}).") from None


def _parquet(path: Path) -> Iterator[Placed]:
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
    except Exception as error:  # pyarrow's own types are not public
        raise UserError(f"{path}: not a readable Parquet file ({error}).") from None
    rows = (row for batch in file.iter_batches() for row in batch.to_pylist())
    for number, row in enumerate(rows, 1):
        yield f"{path}: row {number}", row


def _lines(path: Path) -> Iterator[Placed]:
    with _text(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", {"text": line.strip()}


def _squad(path: Path) -> Iterator[Placed]:
    """Yield the questions of a nested SQuAD file as flat rows."""
    with _text(path) as file:
        try:
            articles = json.load(file)["data"]
            for paragraph in (p for article in articles for p in article["paragraphs"]):
                for question in paragraph["qas"]:
                    place = f"{path}: question {question.get('id', question['question'])!r}"
                    yield place, {**question, "context": paragraph["context"]}
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise UserError(f"{path}: not a SQuAD file ({error!r}).") from None
