"""Rows written a chunk at a time: JSON Lines, CSV, TSV, Parquet; a file appears whole or not."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from s3.errors import UserError
from s3.storage import whole

Rows = Sequence[Mapping[str, Any]]
Write = Callable[[Rows], None]


@contextmanager
def writer(path: Path | None) -> Iterator[Write]:
    """Yield what writes rows to a file, of the kind that its ending says, or to standard output.

    The columns of a table are those of the first chunk. Raises UserError for an unknown ending, a
    later row that does not fit the columns, a file that cannot be written.
    """
    if path is None:
        yield lambda rows: _print(rows, sys.stdout)
        return
    with whole(path) as unfinished, kind_of(path)(unfinished) as write:
        yield write


def kind_of(path: Path) -> Callable[[Path], AbstractContextManager[Write]]:
    """Return what opens a file for rows. Raises UserError for an unknown ending."""
    kinds: dict[str, Callable[[Path], AbstractContextManager[Write]]] = {
        ".jsonl": _jsonl,
        ".csv": partial(_table, separator=","),
        ".tsv": partial(_table, separator="\t"),
        ".parquet": _parquet,
    }
    if path.suffix.lower() not in kinds:
        raise UserError(f"{path}: rows are written to {', '.join(kinds)}; the ending says which.")
    return kinds[path.suffix.lower()]


def _print(rows: Rows, file: Any) -> None:
    for row in rows:
        file.write(_json(row) + "\n")
    file.flush()


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, default=str)


@contextmanager
def _jsonl(path: Path) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", errors="backslashreplace") as file:
        yield lambda rows: _print(rows, file)


@contextmanager
def _table(path: Path, separator: str) -> Iterator[Write]:
    columns: list[str] = []

    def cell(value: Any) -> Any:
        return _json(value) if isinstance(value, dict | list) else value

    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        lines = csv.writer(file, delimiter=separator, lineterminator="\n")

        def write(rows: Rows) -> None:
            if not columns:
                columns.extend(_columns(rows))
                lines.writerow(columns)
            _refuse_others(rows, columns)
            lines.writerows([cell(row.get(name)) for name in columns] for row in rows)

        yield write


@contextmanager
def _parquet(path: Path) -> Iterator[Write]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema: pa.Schema | None = None
    file: pq.ParquetWriter | None = None

    def write(rows: Rows) -> None:
        nonlocal schema, file
        try:
            if schema is None or file is None:
                schema = _schema(rows)
                file = pq.ParquetWriter(path, schema)
            _refuse_others(rows, schema.names)
            file.write_table(pa.Table.from_pylist(list(rows), schema=schema))
        except (pa.ArrowException, ValueError, TypeError) as error:
            raise UserError(
                f"a column holds values of several kinds, and Parquet takes one ({error}): write "
                "to a file that ends in .jsonl."
            ) from None

    try:
        yield write
        if file is None:  # there were no rows, so no columns either
            file = pq.ParquetWriter(path, pa.schema([]))
    finally:
        if file is not None:
            file.close()


def _schema(rows: Rows) -> Any:
    """Return the columns with their kinds; one that is empty so far holds texts."""
    import pyarrow as pa

    columns = {name: [row.get(name) for row in rows] for name in _columns(rows)}
    kinds = {name: pa.array(cells).type for name, cells in columns.items()}
    return pa.schema(
        (name, pa.string() if pa.types.is_null(kind) else kind) for name, kind in kinds.items()
    )


def _columns(rows: Rows) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _refuse_others(rows: Rows, columns: Sequence[str]) -> None:
    if new := [name for name in _columns(rows) if name not in columns]:
        raise UserError(
            f"the column {new[0]!r} appears only after the first rows, and a table has its columns "
            "from the start: write to a file that ends in .jsonl."
        )
