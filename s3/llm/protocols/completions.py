"""Completions: a text that the model goes on with, for base models and very small ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from s3.llm.protocols.base import Protocol, Reply
from s3.llm.protocols.parsing import Content
from s3.llm.types import Prompt, Style


class Completions(Protocol):
    """OpenAI's older completions, which llama.cpp, vLLM and Ollama serve too."""

    name: ClassVar[str] = "completions"
    path: ClassVar[str] = "/completions"
    logprobs: ClassVar[Mapping[str, Any]] = {"logprobs": 1}
    style: ClassVar[Style] = Style.continuation

    def body(self, prompt: Prompt) -> Content:
        """Return the text and the settings; there is no place for a system turn."""
        return {
            "model": self.model,
            "prompt": prompt.text,
            **self.sampling(),
            **({"stop": list(prompt.stop)} if prompt.stop else {}),
            self.length_field: prompt.reply_tokens,
        }

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks."""
        return Prompt(body["prompt"], "", tuple(body.get("stop", ())), self.limit(body))

    def reply(self, content: Content) -> Reply:
        """Return what the first choice holds."""
        choice = content["choices"][0]
        end, thought = choice.get("finish_reason"), choice.get("reasoning")
        return Reply(choice["text"], str(end or ""), str(thought or ""), "", choice.get("error"))
