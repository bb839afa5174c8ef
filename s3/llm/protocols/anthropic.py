"""Anthropic's Messages API: blocks out, some of which are thoughts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import ClassVar

from s3.llm.protocols.base import Protocol, Reply, Stated, conversation
from s3.llm.protocols.parsing import Content, count
from s3.llm.types import Prompt, Style

VERSION = "2023-06-01"


class AnthropicMessages(Protocol):
    """What Claude's own API speaks; it takes no seed."""

    name: ClassVar[str] = "anthropic_messages"
    path: ClassVar[str] = "/messages"
    style: ClassVar[Style] = Style.chat
    finishes: ClassVar[Mapping[str, str]] = {
        "max_tokens": "length",
        "model_context_window_exceeded": "length",
        "refusal": "content_filter",
    }

    def headers(self, key: str) -> dict[str, str]:
        """Return the version of the API, and the key in a header of its own."""
        return {"anthropic-version": VERSION, **({"x-api-key": key} if key else {})}

    def body(self, prompt: Prompt) -> Content:
        """Return the turn and the settings; stop texts of white space alone are refused."""
        stop = [text for text in prompt.stop if text.strip()]
        return {
            "model": self.model,
            **({"system": prompt.system} if prompt.system else {}),
            "messages": conversation((*prompt.turns, prompt.text)),
            **self.sampling(),
            **({"stop_sequences": stop} if stop else {}),
            "max_tokens": prompt.reply_tokens,
        }

    def seeding(self, seed: int) -> Content:
        """Return nothing: replies cannot be made to repeat."""
        return {}

    def effort(self) -> Content:
        """Return how much a model is to think, if that is chosen; "none" turns thinking off."""
        if self.reasoning == "none":
            return {"thinking": {"type": "disabled"}}
        return {"output_config": {"effort": self.reasoning}} if self.reasoning else {}

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks."""
        *turns, text = (turn["content"] for turn in body["messages"])
        stop, limit = tuple(body.get("stop_sequences", ())), body.get("max_tokens", 0)
        return Prompt(text, body.get("system", ""), stop, limit, turns=tuple(turns))

    def reply(self, content: Content) -> Reply:
        """Return the text blocks; thinking blocks are thoughts."""
        blocks = content["content"]
        return Reply(
            "".join(block["text"] for block in blocks if block["type"] == "text"),
            str(content.get("stop_reason") or ""),
            "".join(str(block["thinking"]) for block in blocks if block["type"] == "thinking"),
            calls=any(block["type"] == "tool_use" for block in blocks),
        )

    def stated(self, usage: Content) -> Stated:
        """Return the tokens; what was read from the cache or written there is not in the input."""
        cached = count(usage.get("cache_read_input_tokens")) or 0
        written = count(usage.get("cache_creation_input_tokens")) or 0
        asked = count(usage.get("input_tokens"))
        total = None if asked is None else asked + cached + written
        return total, usage.get("output_tokens"), cached

    def announced(self, headers: Mapping[str, str]) -> float | None:
        """Return the seconds until the headers allow one more request, if not now."""
        waits = []
        for kind in ("requests", "tokens", "input-tokens", "output-tokens"):
            name = f"anthropic-ratelimit-{kind}-"
            limit = headers.get(name + "limit", "")
            if headers.get(name + "remaining") == "0" and limit.isdigit() and int(limit):
                waits.append(_until(headers.get(name + "reset", "")) / int(limit))
        return max(waits, default=None)


def _until(time: str) -> float:
    """Return the seconds until a time as RFC 3339 writes it; 0 where it is none, or past."""
    try:
        return max(0.0, (datetime.fromisoformat(time) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # a time without a zone cannot be compared
        return 0.0
