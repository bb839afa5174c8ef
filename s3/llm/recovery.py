"""What is left of a damaged SQLite file: its readable rows, copied one by one to a new file.

Python's sqlite3 has no `.recover`: a table is read in spans of its rows, and a span that fails is
halved until only what cannot be read is left out.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from itertools import count
from pathlib import Path

WRONG = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
MOST = 1 << 40  # a row's number is never as high
TRIES = 100_000  # spans that may fail in one table: then the rest of it is given up
BESIDE = ("", "-wal", "-shm")  # the files that SQLite keeps together


def is_damage(error: sqlite3.Error) -> bool:
    """Say whether an error means that the file itself is damaged."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in WRONG


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep other processes from opening or recovering a database meanwhile."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def recover(path: Path, schema: str) -> tuple[dict[str, int], Path]:
    """Put a new file in a damaged one's place, with all rows that can be read.

    Returns how many these are in each table, and the name that the damaged file has now. A
    connection to it that is open elsewhere goes on with the damaged file: whoever has one must look
    whether the file has been replaced. To be called within `alone`.
    """
    names = (path.with_name(f"{path.name}-damaged-{number}") for number in count(1))
    aside = next(name for name in names if not name.exists())
    fresh = path.with_name(path.name + ".partial")
    fresh.unlink(missing_ok=True)
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL, 0o600))
    with (
        closing(sqlite3.connect(path, isolation_level=None)) as old,
        closing(sqlite3.connect(fresh, isolation_level=None)) as new,
    ):
        # So SQLite reads what is left of a file that is shorter than its header says.
        old.execute("PRAGMA writable_schema = ON")
        with suppress(sqlite3.DatabaseError):
            old.execute("BEGIN IMMEDIATE")  # nobody writes what would not be copied
        new.executescript(f"BEGIN; {schema} COMMIT; BEGIN;")
        tables = new.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        kept = {name: _copy(old, new, name) for (name,) in tables}
        new.execute("COMMIT")
        for end in BESIDE:
            with suppress(FileNotFoundError):
                os.rename(f"{path}{end}", f"{aside}{end}")
        os.replace(fresh, path)
    return kept, aside


def _copy(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> int:
    columns = len(new.execute(f"PRAGMA table_info({table})").fetchall())
    insert = f"INSERT OR IGNORE INTO {table} VALUES ({','.join('?' * columns)})"
    spans, failed = [(1, MOST)], 0
    while spans and failed < TRIES:
        low, high = spans.pop()
        try:
            rows = f"SELECT * FROM {table} WHERE rowid BETWEEN ? AND ?"
            for row in old.execute(rows, (low, high)):
                new.execute(insert, row)
        except sqlite3.DatabaseError:
            failed += 1
            if low < high:
                middle = (low + high) // 2
                spans += [(middle + 1, high), (low, middle)]
    kept: int = new.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    return kept
