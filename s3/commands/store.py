"""`python -m s3 store`: what the store of completions holds; show one; throw some away."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from s3.errors import UserError
from s3.text import sanitised

if TYPE_CHECKING:
    from s3.llm.store import Store

DAY = 86_400.0
PORTION = 5000  # rows deleted in one transaction, so that running processes wait for moments only

store = typer.Typer(no_args_is_help=True)


@store.callback()
def opening() -> None:
    """What the store of completions holds; show one; throw some away."""


@contextmanager
def opened() -> Iterator[Store]:
    """Open the user's store. What SQLite cannot do becomes a UserError."""
    from s3.llm.store import Store

    found = Store()
    try:
        yield found
    except sqlite3.Error as error:
        raise UserError(f"{found.path}: {error}") from None


@store.command()
def size() -> None:
    """Totals of completions, tokens, cost and hits, by model and by run.

    The cost is unknown where no price was known for a model that is not the embedded one.
    """
    with opened() as found:
        query = found.database.execute
        files = found.path.parent.glob(found.path.name + "*")
        print(f"{found.path}: {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
        table = (
            "SELECT {0}, sum(n), sum(tokens), sum(cost), sum(hits), max(at), sum(unpriced) FROM ("
            " SELECT run, endpoint, model, 1 AS n, prompt_tokens + completion_tokens AS tokens,"
            " 0.0 AS cost, 0 AS hits, created AS at,"
            " cost = 0 AND endpoint != 'embedded' AS unpriced FROM completions"
            " UNION ALL SELECT run, endpoint, model, 0, 0, cost, hits, last, 0 FROM ledger"
            ") GROUP BY {0} ORDER BY max(at)"
        )
        for title, columns in (("model", "endpoint, model"), ("run", "run, model")):
            print(f"\n{title:48} completions      tokens     cost $    hits  last")
            for *names, number, tokens, cost, hits, last, unpriced in query(table.format(columns)):
                day = time.strftime("%Y-%m-%d", time.localtime(last))
                paid = "unknown" if unpriced else f"{cost:.4f}"
                line = f"{' '.join(names):48} {number:11} {tokens:11} {paid:>10} {hits:7}  {day}"
                print(sanitised(line))


@store.command()
def show(id: Annotated[str, typer.Argument(help="As in the rows of a run's added.jsonl.")]) -> None:
    """One completion by its id: its request, its reply, what it cost."""
    with opened() as found:
        query = (
            "SELECT request, reply, run, created, prompt_tokens, completion_tokens, cost "
            "FROM completions WHERE id = ?"
        )
        row = found.database.execute(query, (id,)).fetchone()
    if not row:
        raise UserError(f"no completion {id!r} in {found.path}")
    request, reply, run, created, asked, given, cost = row
    stored = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created))
    print(sanitised(f"run {run}, stored {stored}, {asked} + {given} tokens, ${cost:.6f}"))
    for name, content in (("request", request), ("reply", reply)):
        print(name, sanitised(json.dumps(json.loads(content), indent=2, ensure_ascii=False)))


@store.command()
def prune(
    model: Annotated[str | None, typer.Option(help="Of this model.")] = None,
    run: Annotated[str | None, typer.Option(help="Paid for by this run.")] = None,
    older: Annotated[
        float | None, typer.Option(metavar="DAYS", help="Stored more than DAYS ago.")
    ] = None,
    all: Annotated[bool, typer.Option("--all", help="Everything.")] = False,
) -> None:
    """Delete completions: those that fit all options given."""
    tests: dict[str, Any] = {
        "model = ?": model,
        "run = ?": run,
        "created < ?": None if older is None else time.time() - older * DAY,
    }
    chosen = {test: value for test, value in tests.items() if value is not None}
    if bool(chosen) == all:
        raise UserError("prune needs --model, --run or --older to choose by, or else --all")
    with opened() as found:
        where = " AND ".join(chosen) or "1"
        count = _delete(found.database.execute, where, list(chosen.values()))
        # What a run has paid stays known, unless nothing of the run or of anything is to be left.
        if all or run:
            found.database.execute("DELETE FROM ledger WHERE ? OR run = ?", (all, run))
        print(f"{count} completions deleted")
        found.database.execute("VACUUM")


@store.command()
def forget(batch: Annotated[str, typer.Argument(help="As its provider calls it.")]) -> None:
    """Give up a batch that its provider no longer has: its prompts are asked again."""
    with opened() as found:
        drop = "DELETE FROM batches WHERE batch = ?"
        if not found.database.execute(drop, (batch,)).rowcount:
            raise UserError(f"no batch {batch!r} is under way in {found.path}")
    print(f"forgotten: {batch}")


def _delete(execute: Callable[..., sqlite3.Cursor], where: str, values: list[Any]) -> int:
    # A note of a batch outlives its rows only to be submitted again: harmless.
    rows = f"SELECT rowid FROM completions WHERE {where} LIMIT {PORTION}"
    total = 0
    while count := execute(f"DELETE FROM completions WHERE rowid IN ({rows})", values).rowcount:
        total += count
    return total
