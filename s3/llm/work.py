"""What a connection and its channel share: the rows to be answered and the run's books."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass, field

from s3.llm.budget import Budget
from s3.llm.settings import LLM
from s3.llm.types import Completion, Failure, Prompt, Usage


@dataclass(slots=True, eq=False)
class Row:
    """One prompt on its way: `id` is its address in the store, `number` its place in line."""

    number: int
    prompt: Prompt
    id: str
    outcome: Completion | Failure | None = None


@dataclass
class Work:
    """One connection's dealings, seen from both of its threads.

    `arrived` is set whenever a row has got its outcome or `stopped` has got the reason why no
    more will.
    """

    llm: LLM
    seed: int
    run: str
    usage: Usage
    budget: Budget
    arrived: threading.Event = field(default_factory=threading.Event)
    stopped: Exception | None = None

    def stop(self, reason: Exception) -> None:
        """Let the connection raise `reason`; the first one counts."""
        self.stopped = self.stopped or reason
        self.arrived.set()


def address(llm: LLM, prompt: Prompt, seed: int) -> str:
    """Return the store's key of a prompt: everything that decides its replies, but the sample."""
    content = [llm.name, llm.style.value, llm.decisive(prompt), seed]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def body(llm: LLM, row: Row, draw: int = 0, slot: int | None = None) -> bytes:
    """Return the request of a row.

    `draw` counts the seeds that gave an empty reply; `slot` is a llama.cpp server's.
    """
    digest = hashlib.sha256(f"{row.id}-{draw}".encode()).digest()
    seed = int.from_bytes(digest[:4], "big") >> 1  # 31 bits: what every server takes
    place = {} if slot is None else {"id_slot": slot}
    request = {**llm.decisive(row.prompt), "seed": seed, **place}
    return json.dumps(request, ensure_ascii=False).encode()
