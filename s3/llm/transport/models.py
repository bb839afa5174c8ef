"""An endpoint's list of its models: which there are, and how long a prompt may be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

from s3.llm.errors import Fault, Unfit
from s3.llm.protocols import Content
from s3.llm.protocols.parsing import count
from s3.llm.transport.http import HTTP
from s3.llm.types import Prompt

PATIENCE = 5.0  # seconds: the list is of use, but no reason to wait
# What servers and services call the longest prompt and reply together, in their list of models.
CONTEXT = (
    "max_model_len", "context_length", "context_window", "max_context_length", "n_ctx",
    "max_input_tokens", "n_ctx_train",
)  # fmt: skip
MOST_BYTES = 6  # of text in a token, on average: seldom more than 4.5 in English, less elsewhere


async def listed(http: HTTP) -> list[Content]:
    """Return the list, empty where there is none that can be read. Raises Fault: unreachable."""
    try:
        response = await asyncio.wait_for(http.get("/models"), PATIENCE)
        content = json.loads(response.body)
    except Fault as fault:
        if fault.reason == "unreachable":
            raise
        return []
    except (TimeoutError, ValueError, RecursionError):
        return []
    found = content.get("data") if isinstance(content, dict) else content
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def name_of(model: Content) -> str:
    """Return a model's name in a list; Google's begin with the word."""
    return str(model.get("id") or model.get("name") or "").removeprefix("models/")


def entry(models: list[Content], name: str) -> Content:
    """Return what a list says of a model, {} where it says nothing."""
    return next((one for one in models if name_of(one) == name), {})


def context_length(model: Content) -> int | None:
    """Return the tokens that prompt and reply may have together, where the list says it."""
    values = (count(value) for name in CONTEXT for value in values_of(model, name))
    return next((value for value in values if value), None)


def refuse_too_long(prompt: Prompt, longest: int) -> None:
    """Raise Unfit for a prompt that has no chance; what is only likely too long is sent."""
    least = len(prompt.sent.encode()) // MOST_BYTES + prompt.reply_tokens
    if least > longest:
        raise Unfit(
            "too_long",
            f"at least {least} tokens with its reply, and the endpoint's list of models says that "
            f"this one takes {longest}: not sent. Shorter texts, or a model with more room.",
        )


def values_of(content: Any, name: str) -> Iterator[Any]:
    """Yield the values of a field wherever it is in JSON, not deeper than a few levels."""
    level = [content]
    for _ in range(8):
        parts = [part for part in level if isinstance(part, dict | list)]
        yield from (part[name] for part in parts if isinstance(part, dict) and name in part)
        level = [
            one for part in parts for one in (part.values() if isinstance(part, dict) else part)
        ]
