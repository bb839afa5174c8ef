"""OpenAI's Responses API: a text in, a list of items out, some of which are thoughts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from s3.llm.protocols.base import Protocol, Reply, Stated, conversation
from s3.llm.protocols.parsing import Content
from s3.llm.types import Prompt, Style

SHORTEST = 16  # tokens: a lower limit is refused


class Responses(Protocol):
    """The successor of chat completions at OpenAI; it takes neither stop texts nor a seed."""

    name: ClassVar[str] = "responses"
    path: ClassVar[str] = "/responses"
    logprobs: ClassVar[Mapping[str, Any]] = {"include": ["message.output_text.logprobs"]}
    style: ClassVar[Style] = Style.chat
    finishes: ClassVar[Mapping[str, str]] = {
        "max_output_tokens": "length",
        "cancelled": "error",
        "failed": "error",
    }

    def body(self, prompt: Prompt) -> Content:
        """Return the text and the settings; the provider is to keep nothing."""
        return {
            "model": self.model,
            "input": conversation((*prompt.turns, prompt.text)) if prompt.turns else prompt.text,
            **({"instructions": prompt.system} if prompt.system else {}),
            **self.sampling(),
            "max_output_tokens": max(prompt.reply_tokens, SHORTEST),
            "store": False,
        }

    def seeding(self, seed: int) -> Content:
        """Return nothing: replies cannot be made to repeat."""
        return {}

    def effort(self) -> Content:
        """Return how much a thinking model is to think, if that is chosen."""
        return {"reasoning": {"effort": self.reasoning}} if self.reasoning else {}

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks; stop texts are not in it."""
        length = body.get("max_output_tokens", 0)
        asked, system = body["input"], body.get("instructions", "")
        if isinstance(asked, str):
            return Prompt(asked, system, (), length)
        *turns, text = (turn["content"] for turn in asked)
        return Prompt(text, system, (), length, turns=tuple(turns))

    def reply(self, content: Content) -> Reply:
        """Return the texts of the messages; what a reasoning item holds are thoughts."""
        output = content["output"]
        parts = [part for item in output if item["type"] == "message" for part in item["content"]]
        thoughts = [part for item in output for part in item.get("summary") or ()]
        cut = content.get("incomplete_details") or {}
        return Reply(
            "".join(part["text"] for part in parts if part["type"] == "output_text"),
            str(cut.get("reason") or content.get("status") or ""),
            "".join(str(part["text"]) for part in thoughts),
            "".join(str(part["refusal"]) for part in parts if part["type"] == "refusal"),
            calls=any(item["type"] == "function_call" for item in output),
        )

    def stated(self, usage: Content) -> Stated:
        """Return the tokens; those of thoughts are in the output's."""
        details = usage.get("input_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        return usage.get("input_tokens"), usage.get("output_tokens"), cached
