"""What an endpoint must not be able to do: learn more, say more, or fill the memory."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from aiohttp import web

from s3.errors import UserError
from s3.llm import Completion, Prompt, Server, Session
from s3.llm.errors import Fault
from s3.llm.transport.base import Address
from s3.llm.transport.http import HTTP
from tests.llm.conftest import server
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]
KEY = "sk-very-secret-0123456789"


HARD = 'sk-"a/=+&?\\0123456789'  # changes when it is escaped in any way


@pytest.mark.parametrize("key", [KEY, HARD])
def test_the_key_is_sent_and_shown_by_no_error_in_any_form(
    serve: Serve,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    key: str,
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", key)
    endpoint = serve(key=key)
    with Session(server(endpoint), 0) as llm:
        outcomes = list(llm.complete([Prompt("Hello")]))
    assert isinstance(outcomes[0], Completion)
    coded = [base64.b64encode(f"{user}{key}".encode()).decode() for user in ("", "u:", "me:")]
    forms = [key, json.dumps(key)[1:-1], quote(key, safe=""), *coded]
    # The longest run of base64 that another alignment shares is no form of the key.
    shown = [form[4:-4] if form in coded else form for form in forms]
    said = []
    for number, form in enumerate(forms):
        endpoint.manners.status, endpoint.manners.said = 400, f"bad key {form}"
        with Session(server(endpoint), 0) as llm, pytest.raises(UserError) as error:
            list(llm.complete([Prompt(f"Again {number}")]))
        said.append(str(error.value))
        endpoint.manners.status = 500
        with Session(server(endpoint, attempts=1, tolerated_failures=1), 0) as llm:
            said += [repr(list(llm.complete([Prompt(f"Once more {number}")])))]
    output = "".join(capfd.readouterr())
    files = b"".join(p.read_bytes() for p in (cache / "completions").iterdir())
    for text in (*said, output, repr(server(endpoint)), files.decode(errors="replace")):
        assert [form for form in shown if form in text] == []
    assert all("[key]" in one for one in said)


@pytest.mark.parametrize("key", ["none", "test", "word"])
def test_a_reply_keeps_the_words_that_a_key_happens_to_be(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", key)
    text = f"It is a {key}, and '{key}' it stays."
    endpoint = serve(body=json.dumps({"choices": [{"message": {"content": text}}]}).encode())
    for _ in range(2):  # as it comes, and from the store
        with Session(server(endpoint), 0) as llm:
            (reply,) = llm.complete([Prompt("Hello")])
        assert isinstance(reply, Completion)
        assert reply.text == text


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk one", "sk-\u2026"])
def test_a_key_that_no_header_can_hold_is_named_by_its_variable(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", key)
    with Session(server(serve()), 0) as llm, pytest.raises(UserError, match="S3_SERVER_KEY") as it:
        list(llm.complete([Prompt("Hello")]))
    assert "sk" not in str(it.value)


def test_a_wrong_key_is_not_repeated_by_the_error(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", KEY)
    with pytest.raises(UserError) as error, Session(server(serve(key="another")), 0) as llm:
        list(llm.complete([Prompt("Hello")]))
    assert KEY not in str(error.value)


def test_what_an_endpoint_says_does_not_steer_the_terminal(serve: Serve) -> None:
    endpoint = serve(status=400, said="no\x1b[2J\u202e such model\x07")
    with pytest.raises(UserError, match="such model") as error, Session(server(endpoint), 0) as llm:
        list(llm.complete([Prompt("Hello")]))
    assert not {"\x1b", "\u202e", "\x07"} & set(str(error.value))


def test_redirects_are_not_followed(serve: Serve) -> None:
    thief = serve()
    endpoint = serve(status=307, headers={"Location": f"{thief.url}/chat/completions"})
    with pytest.raises(UserError, match="Redirects"), Session(server(endpoint), 0) as llm:
        list(llm.complete([Prompt("Hello")]))
    assert thief.requests == []


@pytest.mark.parametrize("chunked", [False, True])
def test_the_size_of_a_response_is_bounded(chunked: bool) -> None:
    async def big(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        if not chunked:
            response.content_length = 1 << 20
        await response.prepare(request)
        for _ in range(16):
            await response.write(b"x" * (1 << 16))
        return response

    async def ask() -> None:
        runner = web.ServerRunner(web.Server(big))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = Address(f"http://127.0.0.1:{runner.addresses[0][1]}")
        client = HTTP(address, {}, 5, largest=100_000)
        with pytest.raises(Fault, match="oversized"):
            await client.post("/", b"{}")
        await client.close()
        await runner.cleanup()

    asyncio.run(ask())


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout k -out c -days 1 -subj /CN=localhost"
    )
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)

    async def listen() -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tmp_path / "c", tmp_path / "k")

        async def never(request: web.BaseRequest) -> web.Response:
            raise AssertionError

        runner = web.ServerRunner(web.Server(never))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        port = runner.addresses[0][1]
        llm = Server(base_url=f"https://localhost:{port}/v1", model="test")
        await asyncio.to_thread(ask, llm)
        await runner.cleanup()

    def ask(llm: Server) -> None:
        with Session(llm, 0) as session, pytest.raises(UserError, match="safe connection"):
            list(session.complete([Prompt("Hello")]))

    asyncio.run(listen())


def test_proxies_of_the_environment_are_used_but_not_to_this_machine(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("no_proxy", "")
    endpoint = serve()
    for url, seen in ((endpoint.url, 0), ("http://far.invalid/v1", 1)):
        with Session(Server(base_url=url, model="m", attempts=1), 0) as llm:
            list(llm.complete([Prompt(f"Hello {url}")]))
        assert len(proxy.requests) == seen
