"""Raw rows from a file or the hub, each with its place (file and line), which errors name."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from io import BufferedReader, RawIOBase
from itertools import islice
from pathlib import Path
from typing import Any, cast

from s3.data.decoding import decoded, lines, read_text
from s3.data.tables import read_csv, read_parquet, read_sheet
from s3.errors import UserError, did_you_mean, first_line
from s3.progress import note

# What a file is, by how it begins; and the endings of such a file.
BEGINNINGS = {
    b"PK\x03\x04": ("an archive, as spreadsheets are", (".xlsx",)),
    b"\xd0\xcf\x11\xe0": ("a spreadsheet of the old kind (.xls)", ()),
    b"\x1f\x8b": ("packed by gzip", (".gz",)),
    b"PAR1\x15": ("Parquet", (".parquet",)),
    b"<!doctype html": ("a web page", ()),
    b"<html": ("a web page", ()),
}
POINTER = b"version https://git-lfs.github.com/spec/"  # the start of what Git LFS leaves of a file
Row = Mapping[str, Any]
Placed = tuple[str, Row]  # ("path:17", row)


def read_file(path: Path) -> Iterator[Placed]:
    """Yield the rows of a file; its ending says what it is, in capitals or not, `.gz` besides.

    JSON Lines, CSV and TSV, JSON (SQuAD's nesting or a list), Parquet, a spreadsheet (.xlsx), plain
    text (one text a line). What was made of an odd file is said on stderr.
    Raises UserError, with file and line, for a missing file, an unknown ending, a malformed row.
    """
    if path.is_dir():
        inside = sorted(one.name for one in path.iterdir() if one.is_file())[:3]
        such = f", such as {path / inside[0]}" if inside else ""
        raise UserError(f"{path} is a folder: name a file in it{such}.")
    if not path.is_file():
        near = did_you_mean(path.name, _beside(path))
        raise UserError(f"{path}: no such file (looked for it from {Path.cwd()}).{near}")
    ending = path.name.lower().removesuffix(".gz").rpartition(".")[2]
    _refuse_other(path)
    readers = {
        "jsonl": _jsonl, "csv": read_csv, "json": _json, "parquet": read_parquet, "txt": _lines,
        "tsv": read_csv, "xlsx": read_sheet,
    }  # fmt: skip
    if ending not in readers:
        known = ", ".join("." + name for name in readers)
        raise UserError(
            f"{path}: unknown kind of file; known endings: {known} (those of text also with .gz)."
        )
    yield from readers[ending](path)


def _refuse_other(path: Path) -> None:
    """Raise UserError for a file that begins as one of another kind than its name says.

    Git leaves such a file where it was cloned without LFS, and a server that wants a login a page.
    """
    with path.open("rb") as file:
        start = file.read(len(POINTER))
    if start == POINTER:
        raise UserError(
            f"{path}: not the data but git's pointer to them: run `git lfs pull` there."
        )
    begins = start.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for sign, (what, endings) in BEGINNINGS.items():
        if (
            start.startswith(sign) or begins.startswith(sign)
        ) and path.suffix.lower() not in endings:
            remedy = f"give it the ending {endings[0]}" if endings else "save it as CSV UTF-8"
            raise UserError(f"{path}: not what its name says but {what}: {remedy}.")


def _beside(path: Path) -> list[str]:
    return [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []


def read_hub(path: str, name: str | None, split: str) -> Iterator[Placed]:
    """Yield the rows of one split of a hub data set, through `datasets` with its cache.

    Raises UserError where the data set cannot be loaded (no network, no such split).
    """
    import datasets

    try:
        rows = list(datasets.load_dataset(path, name, split=split))
    except Exception as error:  # `datasets` raises many unrelated types, all about this one call
        reason = first_line(error)
        raise UserError(
            f"hub data set {path} ({name or 'default'}), split {split}: {reason}\n"
            "Check the name and the network, or use task.gold.source=files."
        ) from error
    for number, row in enumerate(rows):
        yield f"{path} {split} row {number}", row


def read_standard_input() -> Iterator[Placed]:
    """Yield the rows of JSON Lines as they arrive. Raises UserError as `read_file`."""
    name = "standard input"
    file = BufferedReader(cast("RawIOBase", sys.stdin.buffer))
    yield from _objects(_numbered(name, decoded(file, name)))


def _numbered(name: Path | str, text: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the lines of a text that hold something, each with its place."""
    for number, line in enumerate(text, 1):
        if line.strip():
            yield f"{name}:{number}", line


def _jsonl(path: Path) -> Iterator[Placed]:
    """Yield objects, one a line; those of a list, if the file begins as one."""
    if _first(path).lstrip().startswith("["):
        note(str(path), "read as one JSON list, by its first line")
        return (yield from _items(path))
    yield from _objects(_numbered(path, lines(path)))


def _first(path: Path) -> str:
    """Return the first line that holds something."""
    return next((line for _, line in _numbered(path, lines(path))), "")


def _objects(numbered: Iterable[tuple[str, str]]) -> Iterator[Placed]:
    for place, line in numbered:
        row = _parsed(line, place)
        if not isinstance(row, dict):
            raise UserError(f"{place}: expected a JSON object, found {type(row).__name__}.")
        yield place, row


def _lines(path: Path) -> Iterator[Placed]:
    """Yield texts, one a line; JSON Lines, if the first line shows that it is that."""
    if _is_row(_first(path)):
        note(str(path), "read as JSON Lines, by its first line")
        return (yield from _jsonl(path))
    for place, line in _numbered(path, lines(path)):
        yield place, {"text": line.strip()}


def _is_row(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parsed(text: str, place: str) -> Any:
    """Return what JSON text holds. Raises UserError, also for a key that one object has twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        row = dict(pairs)
        if len(row) < len(pairs):
            twice = next(name for name in row if sum(name == key for key, _ in pairs) > 1)
            raise UserError(f"{place}: the key {twice!r} is there twice: rename or remove one.")
        return row

    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        where = f"{place}:{error.lineno}" if "\n" in text.strip() else place
        raise UserError(f"{where}: not valid JSON ({error.msg} at column {error.colno}).") from None
    except (RecursionError, ValueError) as error:  # ValueError: a number of thousands of digits
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise UserError(f"{place}: JSON that cannot be read ({reason}).") from None


def _json(path: Path) -> Iterator[Placed]:
    """Yield what one JSON text holds; JSON Lines, if the first line shows that it is that."""
    first_two = list(islice(_numbered(path, lines(path)), 2))
    if len(first_two) == 2 and _is_row(first_two[0][1]):
        note(str(path), "read as JSON Lines, by its first line")
        return (yield from _objects(_numbered(path, lines(path))))
    yield from _items(path)


def _items(path: Path) -> Iterator[Placed]:
    """Yield the objects of a list, or of `data` in SQuAD's form: its questions, flattened."""
    content = _parsed(read_text(path), str(path))
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
