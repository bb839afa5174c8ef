"""Rows under a header: CSV, TSV and what else separates cells, spreadsheets, Parquet."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from s3.data.decoding import lines
from s3.errors import UserError
from s3.progress import note

Rows = Iterator[tuple[str, dict[str, Any]]]  # each with its place: "path:17"

SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons", "|": "bars"}
HEADER = 2**16  # characters at the start of a file that hold its header
LONGEST_CELL = 2**31 - 1  # characters; the csv module's own limit is 131,072
_TOLD = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # the separator, told
_LINE_END = re.compile(r"\r+\n|\r")  # also of a file that was written with two carriage returns


def read_csv(path: Path) -> Rows:
    """Yield the rows of a CSV or TSV file; its header shows which character separates cells."""
    text = lines(path)
    start = _start(text)
    told = _TOLD.fullmatch(start[0]) if start else None  # Excel's own line before the header
    if told:
        start[0] = "\n"
    separator = told[1] if told else _separator(path, start)
    reader = csv.reader(chain(start, text), delimiter=separator, strict=True)
    csv.field_size_limit(LONGEST_CELL)
    header: list[str] = []
    begins = 1  # a record may run over several lines
    try:
        for cells in reader:
            place, begins = f"{path}:{begins}", reader.line_num + 1
            if not any(cell.strip() for cell in cells):  # spreadsheets end in such rows
                continue
            if not header:
                header = _columns(place, cells)
            elif cells == header:
                note(place, "the header once more, as where files were joined; left out")
            elif len(cells) != len(header):
                counts = f"{len(cells)}, not {len(header)}"
                raise UserError(f"{place}: not as many cells as the header: {counts}.")
            else:
                yield place, dict(zip(header, (_LINE_END.sub("\n", c) for c in cells), strict=True))
    except csv.Error as error:
        raise UserError(f"{path}:{begins}: malformed CSV ({error}).") from None


def _start(text: Iterator[str]) -> list[str]:
    """Take the lines that hold the header off a text."""
    taken: list[str] = []
    size = 0
    while size < HEADER and (line := next(text, "")):
        taken.append(line)
        size += len(line)
    return taken


def _separator(path: Path, start: Sequence[str]) -> str:
    """Return what makes most cells of the header; where nothing does, what the ending says."""
    usual = "\t" if ".tsv" in path.name.lower() else ","

    def cells(separator: str) -> int:
        try:
            return len(next(csv.reader(start, delimiter=separator), ()))
        except csv.Error:
            return 0

    found = max((usual, *SEPARATORS), key=cells)  # the first of equals
    if found != usual:
        note(str(path), f"read as cells between {SEPARATORS[found]}, by its first line")
    return found


def _columns(place: str, names: Sequence[Any]) -> list[str]:
    """Return the names of a header. Raises UserError for one that is there twice."""
    columns = ["" if name is None else str(name) for name in names]
    twice = [name for name, count in Counter(columns).items() if name.strip() and count > 1]
    if twice:
        raise UserError(f"{place}: the column {twice[0]!r} is there twice: rename or remove one.")
    return columns


def read_sheet(path: Path) -> Rows:
    """Yield the rows of a spreadsheet's first sheet, whose first row is the header."""
    try:
        from openpyxl import load_workbook
    except ImportError:
        raise UserError(
            f"{path}: spreadsheets need openpyxl: pip install openpyxl, or save the "
            "sheet as CSV UTF-8."
        ) from None
    try:
        book = load_workbook(path, read_only=True, data_only=True)
        sheet = book.worksheets[0]
        rows = list(sheet.iter_rows(values_only=True))
    except Exception as error:  # it raises whatever the archive and the XML in it give rise to
        raise UserError(f"{path}: not a readable .xlsx file ({error}).") from None
    if len(book.worksheets) > 1:
        note(str(path), f"its first sheet is read, {sheet.title!r}, of {len(book.worksheets)}")
    header: list[str] = []
    for number, cells in enumerate(rows, 1):
        place = f"{path}: row {number}"
        if all(cell is None for cell in cells):
            continue
        if not header:
            header = _columns(place, cells)
        else:
            missing = [None] * (len(header) - len(cells))
            yield place, dict(zip(header, [*cells, *missing], strict=False))


def read_parquet(path: Path) -> Rows:
    """Yield the rows of a Parquet file; dates and times become texts, which any of them can."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    def plain(column: pa.Array) -> pa.Array:
        return column.cast(pa.string()) if pa.types.is_temporal(column.type) else column

    number = 0
    try:
        with pq.ParquetFile(path) as file:
            names = _columns(str(path), file.schema_arrow.names)
            for batch in file.iter_batches():
                columns = [plain(column).to_pylist() for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield f"{path}: row {number}", dict(zip(names, cells, strict=True))
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(f"{path}: not a readable Parquet file ({error}).") from None
