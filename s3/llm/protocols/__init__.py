"""The wire formats. A new one is a file here and a line in `PROTOCOLS`."""

from s3.llm.protocols.anthropic import AnthropicMessages
from s3.llm.protocols.azure import AzureChat
from s3.llm.protocols.base import Protocol, Reply
from s3.llm.protocols.chat import ChatCompletions
from s3.llm.protocols.completions import Completions
from s3.llm.protocols.mistral import MistralChat
from s3.llm.protocols.parsing import Content, Response
from s3.llm.protocols.responses import Responses

FORMATS = (ChatCompletions, Completions, Responses, AnthropicMessages, AzureChat, MistralChat)
PROTOCOLS: dict[str, type[Protocol]] = {one.name: one for one in FORMATS}

__all__ = [
    "PROTOCOLS",
    "ChatCompletions",
    "Completions",
    "Content",
    "Protocol",
    "Reply",
    "Response",
]
