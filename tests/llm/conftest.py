from __future__ import annotations

from typing import Any

from s3.llm import Server
from tests.server import FakeLLM


def server(fake: FakeLLM, **settings: Any) -> Server:
    """An LLM at a fake server."""
    return Server(**{"base_url": fake.url, "model": "test", **settings})
