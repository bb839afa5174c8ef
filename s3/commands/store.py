"""`python -m s3.llm.store`: what the store of completions holds; show one; throw some away."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Callable
from typing import Any

from s3.errors import UserError
from s3.llm.store import Store

DAY = 86_400.0
PORTION = 5000  # rows deleted in one transaction, so that running processes wait for moments only


def main(arguments: list[str] | None = None) -> None:
    """Run one command; exit with a line where it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m s3.llm.store", description=__doc__)
    parser.set_defaults(command=size)
    commands = parser.add_subparsers(title="commands (default: size)")
    commands.add_parser("size", help="totals by model and by run").set_defaults(command=size)
    shown = commands.add_parser("show", help="one completion by its id: request and reply")
    shown.add_argument("id")
    shown.set_defaults(command=show)
    pruned = commands.add_parser("prune", help="delete completions: all that every option fits")
    pruned.add_argument("--model")
    pruned.add_argument("--run")
    pruned.add_argument("--older", type=float, metavar="DAYS", help="stored more DAYS ago")
    pruned.add_argument("--all", action="store_true", help="everything")
    pruned.set_defaults(command=prune)
    options = parser.parse_args(arguments)
    try:
        options.command(Store(), options)
    except (UserError, sqlite3.Error) as error:
        sys.exit(f"error: {error}")


def size(store: Store, options: argparse.Namespace) -> None:
    """Print the file's size, and completions, tokens, cost and hits by model and by run."""
    query = store.database.execute
    files = store.path.parent.glob(store.path.name + "*")
    print(f"{store.path}: {sum(file.stat().st_size for file in files) / 1e6:.1f} MB")
    table = (
        "SELECT {0}, sum(n), sum(tokens), sum(cost), sum(hits), max(at) FROM ("
        " SELECT run, endpoint, model, 1 AS n, prompt_tokens + completion_tokens AS tokens,"
        " 0.0 AS cost, 0 AS hits, created AS at FROM completions"
        " UNION ALL SELECT run, endpoint, model, 0, 0, cost, hits, last FROM ledger"
        ") GROUP BY {0} ORDER BY max(at)"
    )
    for title, columns in (("model", "endpoint, model"), ("run", "run, model")):
        print(f"\n{title:48} completions      tokens     cost $    hits  last")
        for *names, number, tokens, cost, hits, last in query(table.format(columns)):
            day = time.strftime("%Y-%m-%d", time.localtime(last))
            line = f"{' '.join(names):48} {number:11} {tokens:11} {cost:10.4f} {hits:7}  {day}"
            print(line)


def show(store: Store, options: argparse.Namespace) -> None:
    """Print the request and the reply stored under an id."""
    query = "SELECT request, reply, run, created FROM completions WHERE id = ?"
    found = store.database.execute(query, (options.id,)).fetchone()
    if not found:
        raise UserError(f"no completion {options.id!r} in {store.path}")
    request, reply, run, created = found
    stored = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(created))
    print(f"run {run}, stored {stored}")
    for name, content in (("request", request), ("reply", reply)):
        print(name, json.dumps(json.loads(content), indent=2, ensure_ascii=False))


def prune(store: Store, options: argparse.Namespace) -> None:
    """Delete what all given options fit, and give the space back."""
    tests: dict[str, Any] = {
        "model = ?": options.model,
        "run = ?": options.run,
        "created < ?": None if options.older is None else time.time() - options.older * DAY,
    }
    chosen = {test: value for test, value in tests.items() if value is not None}
    if bool(chosen) == options.all:
        raise UserError("prune needs --model, --run or --older to choose by, or else --all")
    where = " AND ".join(chosen) or "1"
    count = _delete(store.database.execute, where, list(chosen.values()))
    # What a run has paid stays known, unless nothing of the run or of anything is to be left.
    if options.all or options.run:
        store.database.execute("DELETE FROM ledger WHERE ? OR run = ?", (options.all, options.run))
    print(f"{count} completions deleted")
    store.database.execute("VACUUM")


def _delete(execute: Callable[..., sqlite3.Cursor], where: str, values: list[Any]) -> int:
    # A note of a batch outlives its rows only to be submitted again: harmless.
    rows = f"SELECT rowid FROM completions WHERE {where} LIMIT {PORTION}"
    total = 0
    while count := execute(f"DELETE FROM completions WHERE rowid IN ({rows})", values).rowcount:
        total += count
    return total


if __name__ == "__main__":
    main()
