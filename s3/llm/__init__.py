"""The LLM engine: prompts in, completions out, in order, each paid for once."""

from s3.llm.base import LLM
from s3.llm.errors import BudgetReached, TooManyFailures
from s3.llm.providers import BatchService, OpenAI, OpenAIBatch, Server, Service, SmolLM2
from s3.llm.session import Session
from s3.llm.types import Completion, Failure, Prompt, Style, Usage

__all__ = [
    "LLM",
    "BatchService",
    "BudgetReached",
    "Completion",
    "Failure",
    "OpenAI",
    "OpenAIBatch",
    "Prompt",
    "Server",
    "Service",
    "Session",
    "SmolLM2",
    "Style",
    "TooManyFailures",
    "Usage",
]
