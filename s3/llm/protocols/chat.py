"""Chat completions: a system turn and the user's, for models that follow instructions."""

from __future__ import annotations

from typing import Any, ClassVar

from s3.llm.protocols.base import Content, Protocol
from s3.llm.types import Prompt, Style


class ChatCompletions(Protocol):
    """OpenAI's chat completions, the format that most servers and providers speak."""

    name: ClassVar[str] = "chat_completions"
    path: ClassVar[str] = "/chat/completions"
    style: ClassVar[Style] = Style.chat

    def body(self, prompt: Prompt) -> Content:
        """Return the turns and the settings."""
        turns = [{"role": "system", "content": prompt.system}] if prompt.system else []
        return {
            "model": self.model,
            "messages": [*turns, {"role": "user", "content": prompt.text}],
            **self.sampling(),
            **({"stop": list(prompt.stop)} if prompt.stop else {}),
            self.length_field: prompt.reply_tokens,
        }

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks."""
        turns = {turn["role"]: turn["content"] for turn in body["messages"]}
        stop, length = tuple(body.get("stop", ())), body[self.length_field]
        return Prompt(turns["user"], turns.get("system", ""), stop, length)

    def reply(self, content: Content) -> tuple[Any, str]:
        """Return the first choice's text and finish reason."""
        choice = content["choices"][0]
        return choice["message"]["content"], str(choice.get("finish_reason") or "")
