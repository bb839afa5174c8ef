"""What an endpoint must not be able to do: learn more, say more, or fill the memory."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from s3.errors import UserError
from s3.llm import Prompt, Server, Session
from s3.llm.errors import Fault
from s3.llm.transport.base import Address
from s3.llm.transport.http import HTTP
from tests.llm.conftest import server
from tests.server import FakeLLM

Serve = Callable[..., FakeLLM]
KEY = "sk-very-secret-0123456789"


def test_the_key_is_sent_and_never_shown(
    serve: Serve, cache: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", KEY)
    body = b'{"choices": [{"message": {"content": "so %s it is"}}]}' % KEY.encode()
    endpoint = serve(key=KEY, body=body)
    with Session(server(endpoint), 0) as llm:
        outcomes = list(llm.complete([Prompt("Hello")]))
    endpoint.manners.status, endpoint.manners.said = 400, f"bad key {KEY}"
    with Session(server(endpoint), 0) as llm, pytest.raises(UserError) as error:
        list(llm.complete([Prompt("Again")]))
    output = "".join(capfd.readouterr())
    files = b"".join(p.read_bytes() for p in (cache / "completions").iterdir())
    for text in (repr(outcomes), str(error.value), output, repr(server(endpoint))):
        assert KEY not in text
    assert KEY.encode() not in files
    assert "[key]" in str(error.value)


def test_a_wrong_key_is_not_repeated_by_the_error(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SERVER_KEY", KEY)
    with pytest.raises(UserError) as error, Session(server(serve(key="another")), 0) as llm:
        list(llm.complete([Prompt("Hello")]))
    assert KEY not in str(error.value)


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
