"""The wire formats. A new one is a file here and a line in `PROTOCOLS`."""

from s3.llm.protocols.base import Protocol, Reply
from s3.llm.protocols.chat import ChatCompletions
from s3.llm.protocols.completions import Completions
from s3.llm.protocols.parsing import Content, Response

PROTOCOLS: dict[str, type[Protocol]] = {one.name: one for one in (ChatCompletions, Completions)}

__all__ = [
    "PROTOCOLS",
    "ChatCompletions",
    "Completions",
    "Content",
    "Protocol",
    "Reply",
    "Response",
]
