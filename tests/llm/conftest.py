from __future__ import annotations

from typing import Any

from s3.llm import Server, Session
from tests.server import FakeLLM


def server(fake: FakeLLM, **settings: Any) -> Server:
    """An LLM at a fake server."""
    return Server(base_url=fake.url, model="test", **settings)


def session(fake: FakeLLM, seed: int = 0, run: str = "", **settings: Any) -> Session:
    """A session with a fake server."""
    return Session(server(fake, **settings), seed, run)
