"""Fixtures for all tests: nothing a test does reaches the user's store or W&B."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from s3.storage import cache_folder
from tests.server import FakeLLM, Manners

WEIGHTS = cache_folder() / "weights"  # the real ones, looked up before a test moves the cache
_TEXT = "good great fine bad awful poor the a film plot was is and it very of actor scene end"
WORDS = _TEXT.split()  # the vocabulary of the tiny encoder
WANDB_FOLDERS = ("WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_CONFIG_DIR")

# Tests run side by side, a process a core: threads of each would only get in each other's way. Set
# before torch is imported; the processes that tests start inherit it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell's background jobs ignore Ctrl-C, and so would whatever the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store for each test, the real weights, and W&B's files out of the way."""
    folder = tmp_path / "cache"
    folder.mkdir()
    WEIGHTS.mkdir(parents=True, exist_ok=True)
    (folder / "weights").symlink_to(WEIGHTS)
    monkeypatch.setenv("S3_CACHE", str(folder))
    for name in [name for name in os.environ if name.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    for name in WANDB_FOLDERS:
        monkeypatch.setenv(name, str(tmp_path / "wandb"))
    keys = ("OPENAI_API_KEY", "S3_SERVER_KEY", "S3_SWEEP", "S3_SWEPT", "S3_JOB", "HF_HUB_OFFLINE")
    for key in keys:
        monkeypatch.delenv(key, raising=False)
    return folder


@pytest.fixture
def serve() -> Iterator[Callable[..., FakeLLM]]:
    """Start fake LLMs that end with the test: `serve(delay=0.05)`."""
    running: list[FakeLLM] = []

    def start(**manners: Any) -> FakeLLM:
        running.append(FakeLLM(None, Manners(**manners)).__enter__())
        return running[-1]

    yield start
    for fake in running:
        fake.__exit__()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a two-layer BERT with random weights and a vocabulary of the words above."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {
        word: i for i, word in enumerate([*special, *WORDS, *"?.,", *map(str, range(10))])
    }
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(
        vocab_size=len(vocabulary), num_hidden_layers=2, initializer_range=0.05, **sizes
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder
