from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.llm.store import Record, Store


def record(
    id: str, reply: str = "{}", run: str = "r", model: str = "m", cost: float = 0.5
) -> Record:
    return Record(id, run, "e", model, 10, 20, cost, b'{"prompt": "p"}', reply.encode())


def test_a_reply_comes_back_byte_for_byte() -> None:
    store = Store()
    reply = '{"choices": [{"text": "Zoë\\n  "}]}'
    store.put([record("a", reply)])
    assert Store().get("a") == reply.encode()
    assert store.get("b") is None


def test_the_first_reply_under_an_id_stays() -> None:
    one, other = Store(), Store()
    assert one.put([record("a", "1")]) == [b"1"]
    assert other.put([record("a", "2"), record("b", "3")]) == [b"1", b"3"]


def test_what_a_run_paid_is_summed() -> None:
    store = Store()
    store.put([record("a"), record("b"), record("c", run="other")])
    paid = store.paid("r")
    assert (paid.requests, paid.prompt_tokens, paid.completion_tokens, paid.cost) == (
        2,
        20,
        40,
        1.0,
    )
    assert store.paid("none").tokens == 0


WRITER = """
import sys
from s3.llm.store import Record, Store
store = Store()
for i in range(500):
    id = f"{sys.argv[1]}-{i}" if i % 2 else f"shared-{i}"
    store.put([Record(id, "r", "e", "m", 1, 1, 0.0, b"{}", sys.argv[1].encode())])
"""


def test_processes_write_at_the_same_time() -> None:
    Store()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "abcd"]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    count = Store().database.execute("SELECT count(*) FROM completions").fetchone()[0]
    assert count == 250 * 4 + 250


def test_writing_is_fast_enough_to_be_no_bottleneck() -> None:
    store, started = Store(), time.monotonic()
    for i in range(1000):
        store.put([record(f"id-{i}", "x" * 800)])
    assert time.monotonic() - started < 2.0  # 500 a second, each in a transaction of its own


def test_a_store_of_a_newer_version_is_left_alone(cache: Path) -> None:
    Store().database.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="newer version"):
        Store()


def test_a_file_that_is_no_store_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("this is no database, and long enough to be seen as none" * 9)
    with pytest.raises(UserError, match="not a database"):
        Store(tmp_path / "x")


def filled() -> Store:
    store = Store()
    reply = json.dumps({"choices": [{"text": "Zoë"}]})
    store.put([record(f"a{i}", reply) for i in range(3)] + [record("b", model="n", run="s")])
    store.hit("r", "e", "m", 7)
    store.hit("r", "e", "m", 4)
    return store


def test_a_writer_that_died_in_a_transaction_leaves_the_store_whole() -> None:
    store = filled()
    dying = sqlite3.connect(store.path, isolation_level=None)
    dying.execute("BEGIN IMMEDIATE")
    dying.execute("DELETE FROM completions")
    dying.close()
    assert store.get("a1") is not None
    assert store.put([record("new", "9")]) == [b"9"]
