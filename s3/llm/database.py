"""A SQLite file that several processes share, only its owner may read, and damage does not end."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from s3.llm.errors import StoreError
from s3.llm.recovery import alone, is_damage, recover

T = TypeVar("T")
ADVICE = {
    sqlite3.SQLITE_BUSY: "Another program has it open for writing.",
    sqlite3.SQLITE_FULL: "Make room on its disk.",
}


class Database:
    """One thread's connection. Raises StoreError where the file cannot be used.

    A damaged file is replaced by one with all rows that can be read, as soon as that is noticed;
    other connections see the replacement when they next write. `patience` is how many seconds
    another process that writes is waited for.
    """

    def __init__(self, path: Path, schema: str, version: int, patience: float) -> None:
        self._path, self._patience, self._version = path, patience, version
        self._schema = f"{schema} PRAGMA user_version = {version};"
        self._guarded(self._connect)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def execute(self, statement: str, values: Iterable[Any] = ()) -> sqlite3.Cursor:
        """Carry out one SQL statement, on its own or in the transaction of `write`."""
        return self._connection.execute(statement, tuple(values))

    def executemany(self, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Carry out one SQL statement for each row, in the transaction of `write`."""
        self._connection.executemany(statement, rows)

    def query(self, question: str, values: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that an SQL question finds."""
        return self._guarded(lambda: self.execute(question, values).fetchall())

    def write(self, work: Callable[[], T]) -> T:
        """Do some work in one transaction, of the file that is at this place now."""

        def transaction() -> T:
            while True:
                self.execute("BEGIN IMMEDIATE")
                with self._connection:  # commits, or rolls back
                    if not self._replaced():
                        return work()
                self.close()
                self._connect()

        return self._guarded(transaction)

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do some work; if the file turns out to be damaged, once more after recovering it."""
        try:
            try:
                return work()
            except sqlite3.Error as error:
                if not is_damage(error):
                    raise
            self._recover()
            return work()
        except (OSError, sqlite3.Error) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            advice = ADVICE.get(code, "S3_CACHE=/a/folder names another place.")
            raise StoreError(f"The store {self._path}: {error}. {advice}") from error

    def _connect(self) -> None:
        with alone(self._path):
            _make_private(self._path)
            self._connection = sqlite3.connect(
                self._path, timeout=self._patience, isolation_level=None
            )
            self._inode = self._path.stat().st_ino
        self.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing with NORMAL; a power cut may cost the last commits.
        self.execute("PRAGMA synchronous = NORMAL")
        version = self.execute("PRAGMA user_version").fetchone()[0]
        if version > self._version:
            raise sqlite3.DatabaseError("written by a newer version of this program")
        if version < self._version:
            self._connection.executescript(f"BEGIN IMMEDIATE; {self._schema} COMMIT;")

    def _replaced(self) -> bool:
        """Say whether another file has come to this place since it was opened."""
        return not self._path.exists() or self._path.stat().st_ino != self._inode

    def _recover(self) -> None:
        with alone(self._path):
            if not self._replaced():  # else another process has done it
                kept, aside = recover(self._path, self._schema)
                listed = ", ".join(f"{count} {name}" for name, count in kept.items())
                print(
                    f"The store {self._path} was damaged. What could be read is kept: {listed}. "
                    "Completions that are lost are asked again when a run needs them; what an "
                    f"unfinished run has paid may be forgotten. The damaged file is now {aside}.",
                    file=sys.stderr, flush=True,
                )  # fmt: skip
        self.close()
        self._connect()


def _make_private(path: Path) -> None:
    """Make a database's file and folder, which only their owner may read."""
    # An existing file is not opened here: closing it again would end SQLite's locks on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
    with suppress(PermissionError):  # somebody else's, who shares it
        path.parent.chmod(0o700)
        path.chmod(0o600)
