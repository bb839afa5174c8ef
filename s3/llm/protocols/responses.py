"""OpenAI's Responses API: a text in, a list of items out, some of which are thoughts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from s3.llm.errors import Unfit
from s3.llm.protocols.base import Content, Protocol, Response, Stated, message
from s3.llm.types import Prompt, Style

STATUSES = {"rate_limit_exceeded": 429, "server_error": 500, "vector_store_timeout": 500}


class Responses(Protocol):
    """The successor of chat completions at OpenAI; it takes neither stop texts nor a seed."""

    name: ClassVar[str] = "responses"
    path: ClassVar[str] = "/responses"
    style: ClassVar[Style] = Style.chat
    finishes: ClassVar[Mapping[str, str]] = {"max_output_tokens": "length"}

    def body(self, prompt: Prompt) -> Content:
        """Return the text and the settings; the provider is to keep nothing."""
        return {
            "model": self.model,
            "input": prompt.text,
            **({"instructions": prompt.system} if prompt.system else {}),
            **self.sampling(),
            "max_output_tokens": prompt.reply_tokens,
            "store": False,
        }

    def seeding(self, seed: int) -> Content:
        """Return nothing: replies cannot be made to repeat."""
        return {}

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks; stop texts are not in it."""
        return Prompt(body["input"], body.get("instructions", ""), (), body["max_output_tokens"])

    def content(self, response: Response, where: str) -> Content:
        """Return what a 200 holds; one whose generation failed is judged by its cause."""
        content = super().content(response, where)
        error = content.get("error")
        if content.get("status") != "failed" or not isinstance(error, dict):
            return content
        code = str(error.get("code"))
        if code == "invalid_prompt" or "policy" in code:
            raise Unfit("filtered", message(response.body))
        return super().content(replace(response, status=STATUSES.get(code, 400)), where)

    def reply(self, content: Content) -> tuple[Any, str]:
        """Return the texts of the messages; items of other types are thoughts."""
        items = [item for item in content["output"] if item["type"] == "message"]
        parts = [part for item in items for part in item["content"]]
        if any(part["type"] == "refusal" for part in parts):
            return "", "content_filter"
        cut = content.get("incomplete_details") or {}
        end = str(cut.get("reason") or content.get("status") or "")
        return "".join(part["text"] for part in parts if part["type"] == "output_text"), end

    def stated(self, usage: Content) -> Stated:
        """Return the tokens; those of thoughts are in the output's."""
        return usage.get("input_tokens"), usage.get("output_tokens"), self.cached(usage, "input")
