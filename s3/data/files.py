"""Raw rows from a file or the hub, each with its place (file and line), which errors name."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from s3.errors import UserError

Row = Mapping[str, Any]
Placed = tuple[str, Row]  # ("path:17", row)


def read_file(path: Path) -> Iterator[Placed]:
    """Yield the rows of a JSON Lines, CSV, Parquet, JSON (SQuAD's nesting or a list) or text file.

    Text may be gzipped; it is UTF-8, and a file of plain text has one text a line.
    Raises UserError, with file and line, for a missing file, an unknown ending, a malformed row.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file (looked for it from {Path.cwd()}).")
    ending = path.name.removesuffix(".gz").rpartition(".")[2]
    readers = {"jsonl": _jsonl, "csv": _csv, "json": _json, "parquet": _parquet, "txt": _lines}
    if ending not in readers:
        known = ", ".join("." + name for name in readers)
        raise UserError(f"{path}: unknown kind of file; known endings: {known} (also with .gz).")
    try:
        yield from readers[ending](path)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not a text in UTF-8 ({error.reason}).") from None
    except (OSError, EOFError, zlib.error) as error:  # gzip raises all three
        raise UserError(f"{path}: cannot be read ({error}).") from None


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
        return io.TextIOWrapper(gzip.open(path), encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")  # spreadsheets put a mark at the start


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
        begins = 1  # a record may run over several lines
        try:
            for row in reader:
                place = f"{path}:{max(begins, 2)}"
                if None in row or None in row.values():
                    raise UserError(f"{place}: not as many cells as the header.")
                yield place, row
                begins = reader.line_num + 1
        except csv.Error as error:
            raise UserError(f"{path}:{begins}: malformed CSV ({error}).") from None


def _parquet(path: Path) -> Iterator[Placed]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            rows = [row for batch in file.iter_batches() for row in batch.to_pylist()]
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}).") from None
    for number, row in enumerate(rows, 1):
        yield f"{path}: row {number}", row


def _lines(path: Path) -> Iterator[Placed]:
    with _text(path) as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield f"{path}:{number}", {"text": line.strip()}


def _json(path: Path) -> Iterator[Placed]:
    """Yield the objects of a list, or of `data` in SQuAD's form: its questions, flattened."""
    with _text(path) as file:
        try:
            content = json.load(file)
        except json.JSONDecodeError as error:
            place = f"{path}:{error.lineno}"
            raise UserError(f"{place}: not valid JSON ({error.msg}).") from None
    items = content.get("data") if isinstance(content, dict) else content
    if not isinstance(items, list):
        raise UserError(f"{path}: expected a list of rows, or SQuAD's form: {{'data': [...]}}.")
    for number, item in enumerate(items, 1):
        place = f"{path}: item {number}"
        if not isinstance(item, dict):
            raise UserError(f"{place}: expected a JSON object, found {type(item).__name__}.")
        yield from _questions(place, item) if "paragraphs" in item else [(place, item)]


def _questions(place: str, article: Row) -> Iterator[Placed]:
    try:
        for number, paragraph in enumerate(article["paragraphs"], 1):
            for turn, question in enumerate(paragraph["qas"], 1):
                row = {**question, "context": paragraph["context"]}
                yield f"{place}, paragraph {number}, question {turn}", row
    except (KeyError, TypeError) as error:
        raise UserError(f"{place}: not SQuAD's form of paragraphs ({error!r}).") from None
