"""Azure's chat completions: OpenAI's, with the key in a header of its own."""

from __future__ import annotations

from typing import ClassVar

from s3.llm.protocols.chat import ChatCompletions


class AzureChat(ChatCompletions):
    """Chat completions of a deployment; its address names the deployment and the API's version."""

    name: ClassVar[str] = "azure_chat"

    def headers(self, key: str) -> dict[str, str]:
        """Return the key; `Authorization` is for Entra's tokens."""
        return {"api-key": key} if key else {}
