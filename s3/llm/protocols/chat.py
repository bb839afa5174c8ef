"""Chat completions: a system turn and the user's, for models that follow instructions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from s3.llm.protocols.base import Protocol, Reply, conversation
from s3.llm.protocols.parsing import Content
from s3.llm.types import Prompt, Style


class ChatCompletions(Protocol):
    """OpenAI's chat completions, the format that most servers and providers speak."""

    name: ClassVar[str] = "chat_completions"
    path: ClassVar[str] = "/chat/completions"
    logprobs: ClassVar[Mapping[str, Any]] = {"logprobs": True}
    style: ClassVar[Style] = Style.chat

    def body(self, prompt: Prompt) -> Content:
        """Return the turns and the settings."""
        system, said, takes = prompt.system, (*prompt.turns, prompt.text), "system" not in self.omit
        if not takes and system:  # Gemma's templates and others know no such turn
            said = (f"{system}\n\n{said[0]}", *said[1:])
        opening = [{"role": "system", "content": system}] if takes and system else []
        return {
            "model": self.model,
            "messages": [*opening, *conversation(said)],
            **self.sampling(),
            **({"stop": list(prompt.stop)} if prompt.stop else {}),
            self.length_field: prompt.reply_tokens,
        }

    def prompt(self, body: Content) -> Prompt:
        """Return the prompt that a body asks."""
        texts = [turn["content"] for turn in body["messages"]]
        system = texts.pop(0) if body["messages"][0]["role"] == "system" else ""
        *turns, text = texts
        stop = tuple(body.get("stop", ()))
        return Prompt(text, system, stop, self.limit(body), turns=tuple(turns))

    def reply(self, content: Content) -> Reply:
        """Return what the first choice holds."""
        choice = content["choices"][0]
        message = choice["message"]
        text, thought = _texts(message.get("content"))
        return Reply(
            text,
            str(choice.get("finish_reason") or ""),
            thought + str(message.get("reasoning_content") or message.get("reasoning") or ""),
            str(message.get("refusal") or ""),
            choice.get("error"),
            bool(message.get("tool_calls") or message.get("function_call")),
        )


def _texts(content: Any) -> tuple[str, str]:
    """Return the text of a message's content, which may be a list of parts, and its thoughts."""
    if not isinstance(content, list):
        return content or "", ""
    parts = [{"text": part} if isinstance(part, str) else part for part in content]
    thoughts = "".join(str(part["thinking"]) for part in parts if "thinking" in part)
    return "".join(str(part["text"]) for part in parts if "text" in part), thoughts
