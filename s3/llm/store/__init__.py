"""The store of completions: each reply as it came, kept for ever, shared by runs and processes."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s3.errors import UserError
from s3.llm.types import Usage
from s3.storage import cache_folder

PATIENCE = 60.0  # seconds to wait for another process that writes
VERSION = 1
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS completions (
    id TEXT PRIMARY KEY, run TEXT, endpoint TEXT, model TEXT, created REAL,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, request BLOB, reply BLOB
);
CREATE INDEX IF NOT EXISTS completions_run ON completions (run);
CREATE TABLE IF NOT EXISTS runs (
    run TEXT PRIMARY KEY, endpoint TEXT, model TEXT, started REAL, hits INTEGER
);
CREATE TABLE IF NOT EXISTS batches (
    digest TEXT PRIMARY KEY, endpoint TEXT, batch TEXT, created REAL, ids TEXT
);
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True)
class Record:
    """One completion as it is stored: the request sent and the reply, both as bytes."""

    id: str
    run: str
    endpoint: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    cost: float
    request: bytes
    reply: bytes


class Store:
    """One thread's connection to the store. Raises UserError where the file cannot be used."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or cache_folder() / "completions" / "completions.sqlite"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.database = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"The store of completions {self.path}: {error}.") from error

    def _prepare(self) -> None:
        self.database.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing with NORMAL; only a power cut may cost the last commits.
        self.database.execute("PRAGMA synchronous = NORMAL")
        version = self.database.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise sqlite3.DatabaseError("written by a newer version of this program")
        if version < VERSION:
            self.database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")

    def get(self, id: str) -> bytes | None:
        """Return the reply stored under an id."""
        query = "SELECT reply FROM completions WHERE id = ?"
        found = self.database.execute(query, (id,)).fetchone()
        return found[0] if found else None

    def put(self, records: Iterable[Record]) -> list[bytes]:
        """Store replies in one transaction; return what each id holds now.

        Where another process was first, its reply stays: all runs then see the same one.
        """
        now = time.time()
        held = []
        self.database.execute("BEGIN IMMEDIATE")
        with self.database:  # commits, or rolls back
            for record in records:
                held.append(self._insert(record, now))
        return held

    def _insert(self, record: Record, now: float) -> bytes:
        row = (record.id, record.run, record.endpoint, record.model, now, record.prompt_tokens,
               record.completion_tokens, record.cost, record.request, record.reply)  # fmt: skip
        command = "INSERT INTO completions VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING"
        if self.database.execute(command, row).rowcount:
            return record.reply
        return self.get(record.id) or record.reply

    def hit(self, run: str, endpoint: str, model: str, hits: int) -> None:
        """Note that a run was served `hits` completions from the store."""
        self.database.execute(
            "INSERT INTO runs VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (run) DO UPDATE SET hits = hits + excluded.hits",
            (run, endpoint, model, time.time(), hits),
        )

    def paid(self, run: str) -> Usage:
        """Return what a run's completions in the store have used."""
        query = (
            "SELECT count(*), coalesce(sum(prompt_tokens), 0), "
            "coalesce(sum(completion_tokens), 0), coalesce(sum(cost), 0.0) "
            "FROM completions WHERE run = ?"
        )
        requests, prompt, completion, cost = self.database.execute(query, (run,)).fetchone()
        return Usage(requests, 0, prompt, completion, cost)

    def batch(self, digest: str) -> str | None:
        """Return the provider's id of a batch submitted earlier; "" where its fate is unknown."""
        query = "SELECT batch FROM batches WHERE digest = ?"
        found = self.database.execute(query, (digest,)).fetchone()
        return found[0] if found else None

    def batches(self, endpoint: str) -> list[tuple[str, list[str]]]:
        """Return the batches at an endpoint that are not stored yet: digest and rows' ids."""
        query = "SELECT digest, ids FROM batches WHERE endpoint = ? ORDER BY created"
        return [(digest, ids.split()) for digest, ids in self.database.execute(query, (endpoint,))]

    def note_batch(self, digest: str, endpoint: str, batch: str, ids: Iterable[str]) -> None:
        """Note a batch before ("") and after it is submitted."""
        row = (digest, endpoint, batch, time.time(), " ".join(ids))
        self.database.execute("INSERT OR REPLACE INTO batches VALUES (?, ?, ?, ?, ?)", row)

    def forget_batch(self, digest: str) -> None:
        """Drop the note of a batch that is stored or has failed."""
        self.database.execute("DELETE FROM batches WHERE digest = ?", (digest,))

    def close(self) -> None:
        """Close the file."""
        self.database.close()
