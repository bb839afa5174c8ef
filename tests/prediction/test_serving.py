"""A run's model over HTTP: a real server on loopback, a real small model behind it."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn
from typer.testing import CliRunner

import s3
from s3.commands.app import app
from s3.commands.serve import _listen
from s3.errors import UserError
from s3.prediction.model import Model
from s3.serving.app import LARGEST, MOST_TEXTS, application
from s3.serving.batches import MOST_WAITING

Train = Callable[..., Path]
FILMS, PAIRS, QUESTIONS = "task=imdb", "task=rte", "task=adversarial_qa"


class Watched:
    """A model whose calls are counted and can be held up."""

    def __init__(self, model: Model) -> None:
        self.model, self.calls, self.free = model, [], threading.Event()
        self.free.set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def answers(self, texts: list[Any]) -> Any:
        self.calls.append(len(texts))
        self.free.wait(20)
        return self.model.answers(texts)


@contextmanager
def served(model: Any) -> Iterator[str]:
    listening = _listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(application(model, "a run"), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()
    assert not thread.is_alive()


def ask(address: str, body: Any = None, path: str = "/predict", kind: str = "application/json"):
    """The status and content of an answer; a body that is not bytes goes as JSON."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("GET" if body is None else "POST", path, sent, {"Content-Type": kind})
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    return answer.status, json.loads(said)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_it_answers_as_the_model_does(trained: Train):
    model = s3.load(trained(FILMS))
    texts = ["a fine film", "an awful film", "the plot has no end"]
    likely = model.predict_proba(texts)
    with served(model) as address:
        status, said = ask(address, {"texts": texts})
        assert status == 200
        assert ask(address, {"texts": []}) == (200, {"predictions": []})
        health = ask(address, path="/health")
        unsure = ask(address, {"texts": texts, "abstain": 1.0})
    found = said["predictions"]
    assert [one["label"] for one in found] == model.predict(texts).tolist()
    for one, row in zip(found, likely, strict=True):
        assert one["probability"] == pytest.approx(row.max(), abs=1e-5)
        wanted = dict(zip(model.classes_.tolist(), row.tolist(), strict=True))
        assert one["probabilities"] == pytest.approx(wanted, abs=1e-5)
    assert health[1] == {"status": "ok", "run": "a run", "fields": ["text"], "waiting": 0,
                         "labels": model.classes_.tolist()}  # fmt: skip
    with pytest.raises(UserError) as error:
        model.abstention(1.0)
    assert unsure == (422, {"error": str(error.value)})


def test_what_is_too_unsure_is_null(trained: Train):
    class Picky(Watched):
        def abstention(self, precision: float) -> Any:
            return SimpleNamespace(threshold=2 * precision)

    with served(Picky(s3.load(trained(FILMS)))) as address:
        _, said = ask(address, {"texts": ["a fine film"], "abstain": 0.51})
        _, all_ = ask(address, {"texts": ["a fine film"], "abstain": 0.01})
    assert said["predictions"][0]["label"] is None
    assert all_["predictions"][0]["label"] in ("negative", "positive")


@pytest.mark.parametrize("task", [PAIRS, pytest.param(QUESTIONS, marks=pytest.mark.slow)])
def test_several_texts_come_as_a_list_or_by_field(trained: Train, task: str):
    model = s3.load(trained(task))
    rows = [["The film was good.", "The plot is good."], ["No.", "The actor is fine."]]
    by_field = [dict(reversed(list(zip(model.fields, row, strict=True)))) for row in rows]
    with served(model) as address:
        _, listed = ask(address, {"texts": rows})
        _, named = ask(address, {"texts": by_field})
    assert listed == named
    said = [one[model.task.variable] for one in listed["predictions"]]
    assert said == model.predict(rows).tolist()


def test_requests_at_once_share_a_call_and_each_gets_its_own_answers(trained: Train):
    model = Watched(s3.load(trained(FILMS)))
    texts = [[f"film {i} " + "good " * i, f"plot {i}"][: 1 + i % 2] for i in range(12)]
    wanted = [model.model.predict_proba(some)[:, 0].tolist() for some in texts]
    with served(model) as address, ThreadPoolExecutor(13) as pool:
        model.free.clear()
        first = pool.submit(ask, address, {"texts": ["first"]})
        until(lambda: model.calls == [1])
        rest = [pool.submit(ask, address, {"texts": some}) for some in texts]
        until(lambda: ask(address, path="/health")[1]["waiting"] == 19)  # awake while it works
        model.free.set()
        assert first.result()[0] == 200
        found = [one.result()[1]["predictions"] for one in rest]
    assert model.calls == [1, 18]
    label = model.classes_[0]
    for some, row in zip(found, wanted, strict=True):
        got = [one["probabilities"][label] for one in some]
        assert got == pytest.approx(row, abs=1e-5)
    assert len({round(row[0], 7) for row in wanted}) > 6  # others' answers would be seen


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"texts": ["a", ""]}, "texts[1]: text is empty"),
        ({"texts": ["a", 5]}, "texts[1]: int is no text"),
        ({"texts": [None]}, "texts[0]: NoneType is no text"),
        ({"texts": [["a", "b"]]}, "texts[0]: expected (text), found 2 of them"),
        ({"texts": [{"body": "a"}]}, "texts[0]: expected (text), found 0 of them"),
        ({"texts": "a"}, "texts: Input should be a valid list"),
        ({"text": ["a"]}, "texts: Field required"),
        ({"texts": ["a"], "abstian": 0.9}, "abstian: Extra inputs are not permitted"),
        ({"texts": ["a"], "abstain": 95}, "abstain: Input should be less than or equal to 1"),
        ({"texts": ["a"], "\u202eodd": 1}, "odd: Extra inputs are not permitted"),
        ({"texts": ["a"], "\ud800": 1}, "the body must be JSON"),
        ({"texts": ["\ud800"]}, "texts[0]: text is empty"),
        (b'{"texts": ["a"', "the body is no JSON: Expecting ',' delimiter, at character 14"),
        (b"", "the body must be JSON"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_and_nothing_is_asked_of_the_model(
    films: tuple[Watched, str], body: Any, said: str
):
    model, address = films
    calls = len(model.calls)
    status, answer = ask(address, body)
    assert status == 422
    assert answer["error"].startswith(said)
    assert len(model.calls) == calls


@pytest.fixture(scope="module")
def films(trained: Train) -> Iterator[tuple[Watched, str]]:
    model = Watched(s3.load(trained(FILMS)))
    with served(model) as address:
        yield model, address


def test_what_a_page_of_somebody_else_can_send_is_refused(films: tuple[Watched, str]):
    status, said = ask(films[1], {"texts": ["a"]}, kind="text/plain")
    assert (status, "application/json" in said["error"]) == (422, True)


def test_what_is_too_large_is_refused(films: tuple[Watched, str]):
    for body in ({"texts": ["a"] * (MOST_TEXTS + 1)}, {"texts": ["a" * LARGEST]}):
        status, said = ask(films[1], body)
        assert status == 413
        assert f"at most {MOST_TEXTS} texts" in said["error"]
    assert ask(films[1], path="/nothing") == (404, {"error": "Not Found"})


def test_where_too_much_waits_it_says_so_and_a_failure_of_one_call_ends_with_it(trained: Train):
    model = Watched(s3.load(trained(FILMS)))
    full = MOST_WAITING // MOST_TEXTS
    with served(model) as address, ThreadPoolExecutor(full) as pool:
        model.free.clear()
        asked = {"texts": ["a"] * MOST_TEXTS}
        waiting = [pool.submit(ask, address, asked) for _ in range(full)]
        until(lambda: ask(address, path="/health")[1]["waiting"] == MOST_WAITING)
        assert ask(address, {"texts": ["a"]})[0] == 503
        real, model.model = model.model, SimpleNamespace(fields=("text",), task=model.task)
        model.model.example = real.example
        model.free.set()
        assert {one.result()[0] for one in waiting} == {500}  # its model cannot answer
        model.model = real
        assert ask(address, {"texts": ["a"]})[0] == 200


def test_the_command_serves_until_it_is_interrupted(trained: Train):
    run = trained(FILMS)
    command = [sys.executable, "-m", "s3", "serve", str(run), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=os.getcwd()
    ) as server:
        assert server.stdout
        said = server.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, (said, server.communicate())
        status, answer = ask(found[0], {"texts": ["a fine film"]})
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=30)
    assert (status, len(answer["predictions"])) == (200, 1)
    assert (server.returncode, errors) == (0, "")


def test_who_opens_it_to_others_is_warned_and_a_taken_port_is_said(
    trained: Train, capsys: pytest.CaptureFixture[str]
):
    with _listen("127.0.0.1", 0) as taken:
        assert capsys.readouterr().err == ""
        assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # else answers lag 40 ms
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(app, ["serve", str(trained(FILMS)), "--port", port])
    assert isinstance(done.exception, UserError)
    assert f"--port {port}: " in str(done.exception)
    with _listen("0.0.0.0", 0):
        assert "without a password" in capsys.readouterr().err


def test_what_is_missing_to_serve_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr("s3.commands.serve.NEEDED", ("fastapi", "no_such_package"))
    done = CliRunner().invoke(app, ["serve", str(tmp_path)])
    assert str(done.exception).startswith("no_such_package: not installed. pip install")
