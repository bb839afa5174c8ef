"""The store of completions, shared by runs and processes, and the ledger of what each run paid.

Three tables: `completions` (each reply as it came, kept for ever), `ledger` (a row for each run:
every response that it paid for, also those that no completion came of), `batches` (those under
way at a provider, with all that is needed to store their replies).

A damaged file is replaced by one with all that can be read of it; what is lost is asked again.
Prompts and replies are the user's own: nobody else may read the file.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from s3.llm.database import Database
from s3.llm.types import Tokens, Usage
from s3.storage import cache_folder

PATIENCE = 60.0  # seconds to wait for another process that writes
VERSION = 2  # part of the file's name: what an older version has stored stays as it is
SCHEMA = """
CREATE TABLE IF NOT EXISTS completions (
    id TEXT PRIMARY KEY, run TEXT, endpoint TEXT, model TEXT, created REAL,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, request BLOB, reply BLOB
);
CREATE INDEX IF NOT EXISTS completions_run ON completions (run);
CREATE TABLE IF NOT EXISTS ledger (
    run TEXT, began REAL, endpoint TEXT, model TEXT, last REAL, hits INTEGER, requests INTEGER,
    prompt_tokens INTEGER, completion_tokens INTEGER, cost REAL, PRIMARY KEY (run, began)
);
CREATE TABLE IF NOT EXISTS batches (
    digest TEXT PRIMARY KEY, batch TEXT, created REAL, run TEXT, began REAL, endpoint TEXT,
    model TEXT, ids TEXT, lines BLOB
);
"""


@dataclass(frozen=True)
class Account:
    """A run's row in the ledger; `began` is when it first asked for anything."""

    run: str
    began: float
    endpoint: str
    model: str


@dataclass(frozen=True)
class Payment:
    """What a response took: it goes into the ledger. With an `id` its reply is stored as well."""

    used: Tokens
    cost: float  # US dollars
    id: str = ""
    request: bytes = b""
    reply: bytes = b""


@dataclass(frozen=True)
class Batch:
    """A batch under way: its lines as sent, and the run that pays for them.

    `digest` marks it at the provider; `batch` is the provider's id, "" until it is known.
    `created` is when it was first noted.
    """

    digest: str
    account: Account
    ids: tuple[str, ...]
    batch: str = ""
    lines: bytes = b""
    created: float = 0.0


class Store:
    """One thread's connection to the store. Raises StoreError where the file cannot be used.

    `patience` is how many seconds another process that writes is waited for.
    """

    def __init__(self, path: Path | None = None, patience: float = PATIENCE) -> None:
        self.path = path or cache_folder() / "completions" / f"completions-{VERSION}.sqlite"
        self.database = Database(self.path, SCHEMA, VERSION, patience)

    def close(self) -> None:
        """Close the file."""
        self.database.close()

    def get(self, id: str) -> bytes | None:
        """Return the reply stored under an id."""
        found = self.database.query("SELECT reply FROM completions WHERE id = ?", (id,))
        return found[0][0] if found else None

    def put(self, account: Account, payments: Iterable[Payment], batch: str = "") -> bool:
        """Enter payments into a run's ledger and store their replies, in one transaction.

        Where another process was first with an id, its reply stays: all runs then see the same
        one. With the digest of a `batch` its note is dropped in the same step; where that is gone,
        another process has stored the batch: then nothing is done, and the answer is False.
        """
        paid, now = list(payments), time.time()

        def enter() -> bool:
            if batch and not self._drop_batch(batch):
                return False
            self.database.executemany(
                "INSERT INTO completions VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
                [
                    (one.id, account.run, account.endpoint, account.model, now, one.used.prompt,
                     one.used.completion, one.cost, one.request, one.reply)
                    for one in paid if one.id
                ],
            )  # fmt: skip
            prompt, reply = (
                sum(getattr(one.used, k) for one in paid) for k in ("prompt", "completion")
            )
            self._enter(account, 0, len(paid), prompt, reply, sum(one.cost for one in paid))
            return True

        return self.database.write(enter)

    def hits(self, account: Account, number: int) -> None:
        """Note that a run was served so many completions from the store."""
        self.database.write(lambda: self._enter(account, number, 0, 0, 0, 0.0))

    def _enter(self, account: Account, *numbers: float) -> None:
        added = ("hits", "requests", "prompt_tokens", "completion_tokens", "cost")
        self.database.execute(
            "INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
            + "last = excluded.last, "
            + ", ".join(f"{name} = {name} + excluded.{name}" for name in added),
            (account.run, account.began, account.endpoint, account.model, time.time(), *numbers),
        )

    def account(self, run: str, endpoint: str, model: str) -> Account:
        """Return the account of a run: the one that it has, or a new one."""
        query = "SELECT max(began) FROM ledger WHERE run = ?"
        ((began,),) = self.database.query(query, (run,))
        return Account(run, began or time.time(), endpoint, model)

    def paid(self, account: Account) -> Usage:
        """Return what a run has paid for so far, in all its processes."""
        query = (
            "SELECT requests, 0, prompt_tokens, completion_tokens, cost FROM ledger "
            "WHERE run = ? AND began = ?"
        )
        found = self.database.query(query, (account.run, account.began))
        return Usage(*found[0]) if found else Usage()

    def note_batch(self, note: Batch) -> None:
        """Note a batch before it is submitted, and again with the provider's id."""
        of = note.account
        row = (
            note.digest, note.batch, note.created or time.time(), of.run, of.began, of.endpoint,
            of.model, " ".join(note.ids), zlib.compress(note.lines, 1),
        )  # fmt: skip
        insert = "INSERT OR REPLACE INTO batches VALUES (?,?,?,?,?,?,?,?,?)"
        self.database.write(lambda: self.database.execute(insert, row))

    def batches(self, endpoint: str) -> list[Batch]:
        """Return the batches under way at an endpoint, without their lines, the oldest first."""
        query = (
            "SELECT digest, batch, created, ids, run, began, endpoint, model FROM batches "
            "WHERE endpoint = ? ORDER BY created"
        )
        return [
            Batch(digest, Account(*account), tuple(ids.split()), batch, created=created)
            for digest, batch, created, ids, *account in self.database.query(query, (endpoint,))
        ]

    def lines(self, digest: str) -> bytes:
        """Return the lines of a batch under way; none where another process has stored it."""
        query = "SELECT lines FROM batches WHERE digest = ?"
        found = self.database.query(query, (digest,))
        return zlib.decompress(found[0][0]) if found else b""

    def forget_batch(self, digest: str) -> bool:
        """Drop the note of a batch; return whether there was one."""
        return self.database.write(lambda: self._drop_batch(digest))

    def _drop_batch(self, digest: str) -> bool:
        drop = "DELETE FROM batches WHERE digest = ?"
        return bool(self.database.execute(drop, (digest,)).rowcount)
