from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.llm.store import Account, Batch, Payment, Store
from s3.llm.types import Tokens, Usage

MINE = Account("r", 1.0, "e", "m")


def paid(id: str, reply: str = "{}", cost: float = 0.5) -> Payment:
    return Payment(Tokens(10, 20), cost, id, b'{"prompt": "p"}', reply.encode())


def test_a_reply_comes_back_byte_for_byte() -> None:
    store = Store()
    reply = '{"choices": [{"text": "Zoë\\n  "}]}'
    store.put(MINE, [paid("a", reply)])
    assert Store().get("a") == reply.encode()
    assert store.get("b") is None


def test_the_first_reply_under_an_id_stays() -> None:
    one, other = Store(), Store()
    one.put(MINE, [paid("a", "1")])
    other.put(MINE, [paid("a", "2"), paid("b", "3")])
    assert (other.get("a"), other.get("b")) == (b"1", b"3")


def test_the_ledger_has_every_response_that_a_run_paid_for() -> None:
    store, other = Store(), Account("other", 1.0, "e", "m")
    store.put(MINE, [paid("a"), Payment(Tokens(10, 20), 0.5)])  # the second is of no use
    store.put(other, [paid("a"), paid("b")])  # a: both paid, and one reply stays
    assert store.paid(MINE) == Usage(2, 0, 20, 40, 1.0)
    assert store.paid(other) == Usage(2, 0, 20, 40, 1.0)
    assert store.paid(Account("none", 1.0, "e", "m")) == Usage()


def test_a_run_finds_its_account_again() -> None:
    store = Store()
    first = store.account("r", "e", "m")
    store.put(first, [paid("a")])
    assert store.account("r", "e", "m") == first
    assert store.paid(store.account("r2", "e", "m")) == Usage()


def test_a_batch_is_stored_once() -> None:
    store = Store()
    store.note_batch(Batch("d", MINE, ("a", "b"), "batch-1", b"line\nline"))
    (note,) = store.batches("e")
    assert (note.account, note.ids, note.batch) == (MINE, ("a", "b"), "batch-1")
    assert store.lines("d") == b"line\nline"
    assert store.put(MINE, [paid("a")], batch="d")
    assert not store.put(MINE, [paid("b")], batch="d")  # another process has done it
    assert (store.batches("e"), store.get("b")) == ([], None)
    assert store.paid(MINE).requests == 1


WRITER = """
import sys
from s3.llm.store import Account, Payment, Store
from s3.llm.types import Tokens
store, account = Store(), Account(sys.argv[1], 1.0, "e", "m")
for i in range(500):
    id = f"{sys.argv[1]}-{i}" if i % 2 else f"shared-{i}"
    store.put(account, [Payment(Tokens(1, 1), 1.0, id, b"{}", sys.argv[1].encode())])
"""


def test_processes_write_at_the_same_time_and_each_knows_what_it_paid() -> None:
    store = Store()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name]) for name in "abcd"]
    assert [writer.wait() for writer in writers] == [0, 0, 0, 0]
    count = store.database.execute("SELECT count(*) FROM completions").fetchone()[0]
    assert count == 250 * 4 + 250
    assert [store.paid(Account(name, 1.0, "e", "m")).cost for name in "abcd"] == [500.0] * 4


def test_writing_is_fast_enough_to_be_no_bottleneck() -> None:
    store, started = Store(), time.monotonic()
    for i in range(1000):
        store.put(MINE, [paid(f"id-{i}", "x" * 800)])
    assert time.monotonic() - started < 2.0  # 500 a second, each in a transaction of its own


def test_a_store_of_a_newer_version_is_left_alone(cache: Path) -> None:
    Store().database.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="newer version"):
        Store()


def test_a_file_that_is_no_store_is_moved_aside(tmp_path: Path) -> None:
    text = "this is no database, and long enough to be seen as none" * 9
    (tmp_path / "x").write_text(text)
    Store(tmp_path / "x").put(MINE, [paid("a")])
    assert Store(tmp_path / "x").get("a") == b"{}"
    assert (tmp_path / "x-damaged-1").read_text() == text


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a file")
    with pytest.raises(UserError, match=r"x/store.*S3_CACHE"):
        Store(tmp_path / "x" / "store")


def test_only_the_owner_may_read_the_store() -> None:
    store = Store()
    store.put(MINE, [paid("a")])
    files = [*store.path.parent.glob(store.path.name + "*")]
    assert len(files) > 1
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def damaged(number: int) -> Store:
    """A store of so many replies, a page of which is then overwritten."""
    store = Store()
    store.put(MINE, [paid(f"a{i}", f'"{i:0500}"') for i in range(number)])
    store.close()
    content = bytearray(store.path.read_bytes())
    middle = content.index(f'"{number // 2:0500}"'.encode()) & ~4095
    content[middle : middle + 4096] = b"\xa5" * 4096
    store.path.write_bytes(content)
    return Store()


def test_what_can_be_read_of_a_damaged_store_is_kept(capfd: pytest.CaptureFixture[str]) -> None:
    store = damaged(300)
    for i in range(300):
        store.get(f"a{i}")
    left = [i for i in range(300) if store.get(f"a{i}") == f'"{i:0500}"'.encode()]
    assert 250 < len(left) < 300
    assert store.paid(MINE).requests == 300
    said = capfd.readouterr().err
    assert said.count("was damaged") == 1
    assert f"{len(left)} completions" in said
    assert list(store.path.parent.glob("*-damaged-1"))


def test_of_a_store_that_was_cut_the_rest_is_kept() -> None:
    store = Store()
    store.put(MINE, [paid(f"a{i}", f'"{i:0500}"') for i in range(300)])
    store.close()
    store.path.write_bytes(store.path.read_bytes()[: store.path.stat().st_size * 2 // 3])
    store = Store()
    left = [i for i in range(300) if store.get(f"a{i}")]
    assert 30 < len(left) < 300
    store.put(MINE, [paid(f"a{i}") for i in range(300)])
    assert all(store.get(f"a{i}") for i in range(300))


def test_who_has_the_damaged_file_open_writes_to_the_new_one() -> None:
    other, store = damaged(300), Store()
    for i in range(300):
        store.get(f"a{i}")
    other.put(MINE, [paid("new", "9")])
    other.close()
    assert store.get("new") == b"9" == Store().get("new")


def test_a_table_that_cannot_be_read_at_all_ends_soon() -> None:
    store = Store()
    store.put(MINE, [paid(f"a{i}", f'"{i:0500}"') for i in range(300)])
    number = "SELECT rootpage FROM sqlite_master WHERE name = 'completions'"
    ((root,),) = store.database.query(number)
    store.close()
    content = bytearray(store.path.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    store.path.write_bytes(content)
    store, started = Store(), time.monotonic()
    assert store.get("a1") is None
    store.put(MINE, [paid("a1", "9")])
    assert store.get("a1") == b"9"
    assert time.monotonic() - started < 20


def filled() -> Store:
    store = Store()
    reply = json.dumps({"choices": [{"text": "Zoë"}]})
    store.put(MINE, [paid(f"a{i}", reply) for i in range(3)])
    store.put(Account("s", 2.0, "e", "n"), [paid("b")])
    store.hits(MINE, 7)
    store.hits(MINE, 4)
    return store


def test_a_writer_that_died_in_a_transaction_leaves_the_store_whole() -> None:
    store = filled()
    dying = sqlite3.connect(store.path, isolation_level=None)
    dying.execute("BEGIN IMMEDIATE")
    dying.execute("DELETE FROM completions")
    dying.close()
    assert store.get("a1") is not None
    assert store.put(MINE, [paid("new", "9")])
