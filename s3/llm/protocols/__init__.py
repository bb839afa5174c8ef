"""The wire formats. A new one is a file here and a line in `PROTOCOLS`."""

from s3.llm.protocols.base import Protocol, Response
from s3.llm.protocols.chat import ChatCompletions
from s3.llm.protocols.completions import Completions

PROTOCOLS: dict[str, type[Protocol]] = {one.name: one for one in (ChatCompletions, Completions)}

__all__ = ["PROTOCOLS", "ChatCompletions", "Completions", "Protocol", "Response"]
