from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s3.llm import Server
from s3.registry import cache_folder
from tests.llm.endpoint import Endpoint, Manners

WEIGHTS = cache_folder() / "weights"  # the real ones, looked up before a test moves the cache


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store for each test; the weights stay where they are."""
    folder = tmp_path / "cache"
    folder.mkdir()
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    (folder / "weights").symlink_to(WEIGHTS)
    monkeypatch.setenv("S3_CACHE", str(folder))
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., Endpoint]]:
    """Start endpoints that end with the test: `serve(delay=0.05)`."""
    running: list[Endpoint] = []

    def start(**manners: Any) -> Endpoint:
        running.append(Endpoint(Manners(**manners)).__enter__())
        return running[-1]

    yield start
    for endpoint in running:
        endpoint.__exit__()


def server(endpoint: Endpoint, **settings: Any) -> Server:
    """An LLM at a test endpoint."""
    return Server(base_url=endpoint.url, model="test", **settings)
