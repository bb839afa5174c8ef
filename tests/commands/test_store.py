"""`python -m s3 store`: totals, one completion, pruning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.errors import UserError
from s3.llm.store import Account, Batch, Payment, Store
from s3.llm.types import Tokens


def paid(id: str) -> Payment:
    reply = json.dumps({"choices": [{"text": "Zoë"}]}).encode()
    return Payment(Tokens(10, 20), 0.5, id, b'{"prompt": "p"}', reply)


@pytest.fixture
def store(cache: Path) -> Store:
    found, account = Store(), Account("r", 1.0, "e", "m")
    found.put(account, [paid(f"a{i}") for i in range(3)])
    found.put(Account("s", 2.0, "e", "n"), [paid("b")])
    found.hits(account, 7)
    found.hits(account, 4)
    return found


def run(*arguments: str) -> str:
    """What a command prints. Raises what it does not print but raises."""
    done = CliRunner().invoke(app, ["store", *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def count(store: Store) -> int:
    found: int = store.database.execute("SELECT count(*) FROM completions").fetchone()[0]
    return found


def test_what_a_reply_or_a_name_holds_does_not_steer_the_terminal(store: Store) -> None:
    said = json.dumps({"choices": [{"text": "\x9b31m\x7f half \ud800 \u202e turned"}]}).encode()
    payment = Payment(Tokens(1, 1), 0.0, "odd", b'{"prompt": "p"}', said)
    store.put(Account("r\x1b[31m", 1.0, "e", "m\x1b]0;owned\x07"), [payment])
    for shown in (run("show", "odd"), run("size")):
        assert shown.replace("\n", "").isprintable()


def test_size_sums_models_and_runs(store: Store) -> None:
    output = run("size")
    assert str(store.path) in output
    lines = [line.split() for line in output.splitlines() if line]
    rows = {tuple(line[:2]): line[2:6] for line in lines if len(line) == 7}
    assert rows["e", "m"] == rows["r", "m"] == ["3", "90", "1.5000", "11"]
    assert rows["e", "n"] == rows["s", "n"] == ["1", "30", "0.5000", "0"]


def test_show_prints_request_and_reply(store: Store) -> None:
    shown = run("show", "a1")
    assert "Zoë" in shown
    assert '"prompt": "p"' in shown
    assert "10 + 20 tokens, $0.500000" in shown
    with pytest.raises(UserError, match="no completion 'zzz'"):
        run("show", "zzz")


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--model", "m"], 1),
        (["--run", "s"], 3),
        (["--run", "s", "--model", "m"], 4),
        (["--all"], 0),
        (["--older", "1"], 4),
    ],
)
def test_prune_deletes_what_fits_all_options(store: Store, options: list[str], left: int) -> None:
    assert f"{4 - left} completions deleted" in run("prune", *options)
    assert count(store) == left


@pytest.mark.parametrize("options", [[], ["--all", "--run", "s"]])
def test_prune_wants_a_choice(store: Store, options: list[str]) -> None:
    with pytest.raises(UserError, match="--all"):
        run("prune", *options)
    assert count(store) == 4


def test_what_sqlite_cannot_do_is_a_users_error(store: Store) -> None:
    store.database.execute("DROP TABLE ledger")
    with pytest.raises(UserError, match="no such table: ledger"):
        run("size")


def test_forget_gives_up_a_batch_by_the_name_that_the_provider_has_for_it(store: Store) -> None:
    store.note_batch(Batch("d", Account("r", 1.0, "e", "m"), ("a-0",), "batch_1", b"{}"))
    assert "batch_1" in run("forget", "batch_1")
    assert store.batches("e") == []
    with pytest.raises(UserError, match="no batch 'batch_1'"):
        run("forget", "batch_1")


def test_a_cost_that_nobody_knows_is_no_zero(store: Store) -> None:
    store.put(Account("t", 3.0, "e", "o"), [Payment(Tokens(1, 1), 0.0, "c", b"{}", b"{}")])
    (line,) = [line.split() for line in run("size").splitlines() if line.startswith("e o")]
    assert line[2:5] == ["1", "2", "unknown"]
