"""Mistral's chat completions: OpenAI's, with another word for the seed."""

from __future__ import annotations

from typing import ClassVar

from s3.llm.protocols.chat import ChatCompletions
from s3.llm.protocols.parsing import Content


class MistralChat(ChatCompletions):
    """Chat completions as Mistral takes them: a field that it does not know is an error there."""

    name: ClassVar[str] = "mistral_chat"

    def seeding(self, seed: int) -> Content:
        """Return the seed under Mistral's name for it."""
        return {"random_seed": seed}
