"""The real embedded server: exact seeds, its manners, its rest."""

from __future__ import annotations

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from s3.errors import UserError
from s3.llm import Completion, Failure, Prompt, Session, SmolLM2
from s3.llm.embedded import serving
from s3.llm.store import Store
from s3.llm.transport.base import Address

PASSAGE = "The ferry to Harrow Point leaves at nine, unless the wind is from the north. " * 3


def prompts(number: int) -> list[Prompt]:
    """Prompts that share passages, as those of the tasks do; texts of 8 to 70 tokens."""
    rng = random.Random(number)
    texts = [
        rng.choice(["", f"Day {rng.randrange(4)}. {PASSAGE}"])
        + f'A {rng.choice(["good", "bad"])} review of film {i}: "'
        for i in range(number)
    ]
    return [Prompt(text, stop=('"',), reply_tokens=24) for text in texts]


def replies(asked: list[Prompt], seed: int = 0) -> dict[str, str]:
    """Draft with an empty store; return texts by prompt."""
    Store().database.execute("DELETE FROM completions")
    with Session(SmolLM2(), seed) as llm:
        outcomes = list(llm.complete(asked))
    assert llm.usage.stored == 0
    return {
        prompt.text: outcome.text
        for prompt, outcome in zip(asked, outcomes, strict=True)
        if isinstance(outcome, Completion)
    }


def test_a_seed_decides_the_text_whatever_else_is_in_flight() -> None:
    asked = prompts(12)
    together = replies(asked)
    assert len(together) == 12
    assert replies(asked[::-1]) == together
    assert replies(asked[:2]) == {p.text: together[p.text] for p in asked[:2]}
    assert replies(asked[:2], seed=1) != {p.text: together[p.text] for p in asked[:2]}


@pytest.mark.slow
def test_seeds_are_exact_over_hundreds_of_prompts() -> None:
    asked = prompts(300)
    together = replies(asked)
    other = random.Random(1).sample(asked, len(asked))
    assert replies(other) == together


def test_a_prompt_beyond_the_context_is_skipped() -> None:
    with Session(SmolLM2(), 0) as llm:
        outcome = next(llm.complete([Prompt("word " * 3000)]))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of its own for servers, which end as soon as nobody uses them."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("s3.llm.embedded.LINGER", 0.5)
    return tmp_path


def pid(servers: Path) -> int:
    """The process of the only server."""
    (file,) = servers.glob("s3-synthesis-*/*/server")
    return int(file.read_text())


def runs(process: int) -> bool:
    """Whether a process has more than a thread that has ended and waits to be heard of."""
    stat, tasks = Path(f"/proc/{process}/stat"), Path(f"/proc/{process}/task")
    try:
        ended = stat.read_text().rpartition(")")[2].split()[0] == "Z"
        return not ended or len(list(tasks.iterdir())) > 1
    except (FileNotFoundError, ProcessLookupError):
        return False


def ends(process: int) -> bool:
    """Whether a process ends within some seconds."""
    until = time.monotonic() + 30
    while runs(process) and time.monotonic() < until:
        time.sleep(0.1)
    return not runs(process)


def ask(endpoint: Address, key: str) -> int:
    body = json.dumps({"prompt": "Hello", "max_tokens": 1}).encode()
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{endpoint.url}/completions", body, headers)
    return int(urllib.request.urlopen(request).status)


def test_the_server_wants_its_key_rests_when_idle_and_ends(servers: Path) -> None:
    with serving() as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            ask(endpoint, "another")
        (place,) = servers.glob("s3-synthesis-*/*")
        assert place.stat().st_mode & 0o077 == place.parent.stat().st_mode & 0o077 == 0
        assert ask(endpoint, endpoint.key) == 200
        stat = Path(f"/proc/{pid(servers)}/stat")
        before = sum(map(int, stat.read_text().split()[13:15]))
        time.sleep(1.5)
        assert sum(map(int, stat.read_text().split()[13:15])) - before < 15  # hundredths
    assert ends(pid(servers))
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(endpoint, endpoint.key)


USER = """
import sys, time
from s3.llm import embedded
embedded.LINGER = 0.5
with embedded.serving() as endpoint:
    print(endpoint.url, endpoint.key, flush=True)
    time.sleep(60)
"""


def test_all_processes_share_one_server_that_outlives_who_started_it(servers: Path) -> None:
    command = [sys.executable, "-c", USER]
    users = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    said = {user.stdout.readline() for user in users if user.stdout}
    assert len(said) == 1
    server = pid(servers)
    for user in users[:2]:  # one of them may have started it
        user.kill()
        user.wait()
    time.sleep(2)
    assert runs(server)
    with serving() as endpoint:
        assert ask(endpoint, endpoint.key) == 200
        assert pid(servers) == server
        users[2].kill()
        users[2].wait()
    assert ends(server)


def test_a_killed_server_is_replaced(servers: Path) -> None:
    with serving():
        first = pid(servers)
        os.kill(first, signal.SIGKILL)
        assert ends(first)
        with serving() as endpoint:
            assert ask(endpoint, endpoint.key) == 200
    assert ends(pid(servers))


def test_a_server_that_is_about_to_end_is_waited_for(servers: Path) -> None:
    with serving():
        (place,) = servers.glob("s3-synthesis-*/*")
        first = pid(servers)
    assert ends(first)
    with (place / "server").open() as ending, ThreadPoolExecutor() as beside:
        fcntl.flock(ending, fcntl.LOCK_EX)  # its address is gone, the process not yet
        beside.submit(lambda: (time.sleep(1), fcntl.flock(ending, fcntl.LOCK_UN)))
        with serving() as endpoint:
            assert ask(endpoint, endpoint.key) == 200
    assert ends(pid(servers))


def test_a_folder_that_others_can_write_to_is_refused(servers: Path) -> None:
    folder = servers / f"s3-synthesis-{os.getuid()}"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(UserError, match="TMPDIR"), serving():
        pass


def test_nothing_starts_when_the_store_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = prompts(2)
    with Session(SmolLM2(), 0) as llm:
        first = list(llm.complete(asked))
    monkeypatch.setattr("s3.llm.providers.serving", None)
    with Session(SmolLM2(), 0) as llm:
        assert list(llm.complete(asked)) == first
