from __future__ import annotations

from typing import Any

from s3.llm import Server
from tests.llm.endpoint import Endpoint


def server(endpoint: Endpoint, **settings: Any) -> Server:
    """An LLM at a test endpoint."""
    return Server(base_url=endpoint.url, model="test", **settings)
