"""Completions: a text that the model goes on with, for base models and very small ones."""

from __future__ import annotations

from typing import Any, ClassVar

from s3.llm.protocols.base import Content, Protocol
from s3.llm.types import Prompt, Style


class Completions(Protocol):
    """OpenAI's older completions, which llama.cpp, vLLM and Ollama serve too."""

    name: ClassVar[str] = "completions"
    path: ClassVar[str] = "/completions"
    style: ClassVar[Style] = Style.continuation

    def body(self, prompt: Prompt) -> Content:
        """Return the text and the settings; there is no place for a system turn."""
        return {
            "model": self.model,
            "prompt": prompt.text,
            **self.sampling(),
            **({"stop": list(prompt.stop)} if prompt.stop else {}),
            "max_tokens": prompt.reply_tokens,
        }

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks."""
        return Prompt(body["prompt"], "", tuple(body.get("stop", ())), body["max_tokens"])

    def reply(self, content: Content) -> tuple[Any, str]:
        """Return the first choice's text and finish reason."""
        choice = content["choices"][0]
        return choice["text"], str(choice.get("finish_reason") or "")
