"""Rules for the fake LLM to answer by, a session with it, and composed experiments."""

from __future__ import annotations

import hashlib
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from hydra import compose, initialize_config_dir

from s3.config import build, register
from s3.llm import Server, Session, Style
from s3.runs.experiment import Experiment
from tests.runs.helpers import ROOT
from tests.server import FakeLLM, Manners, Rule

PROMPT_TOKENS, REPLY_TOKENS = 11, 7  # what every reply is said to have used
_ports: list[int] = []  # the first fake LLM's


@contextmanager
def writing(
    rule: Rule, style: Style = Style.chat, seed: int = 0
) -> Iterator[tuple[FakeLLM, Session]]:
    """A fake LLM that answers by a rule, and a session with it.

    All of them have one address, one after the other: the store keeps completions by address.
    """
    usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": REPLY_TOKENS}
    protocol = "chat_completions" if style is Style.chat else "completions"
    with FakeLLM(rule, Manners(model="author-1", usage=usage), next(iter(_ports), 0)) as author:
        _ports[:] = [author.port]
        llm = Server(base_url=author.url, model="author", protocol=protocol, attempts=2)
        with Session(llm, seed) as session:
            yield author, session


def composed(*overrides: str) -> Experiment:
    """The experiment that a command line composes."""
    register()
    with initialize_config_dir(str(ROOT / "s3" / "conf"), version_base="1.3"):
        return build(compose("config", overrides=list(overrides)))


def sentence(prompt: str, sample: str) -> str:
    """Write a sentence of its own for each prompt and sample."""
    drawn = random.Random(hashlib.sha256(f"{prompt}|{sample}".encode()).digest())
    text = "river baker violin copper winter garden letter engine orchard signal"
    words = drawn.choices(text.split(), k=8)
    return f"The {' '.join(words)} number {drawn.randrange(10**6)} was seen."


def turns(*replies: str) -> Rule:
    """Answer each prompt with the replies in turn, and then with sentences of its own."""
    asked: Counter[str] = Counter()
    lock = threading.Lock()

    def rule(prompt: str, sample: str) -> str:
        with lock:
            asked[prompt] += 1
            turn = asked[prompt] - 1
        return replies[turn] if turn < len(replies) else sentence(prompt, sample)

    return rule


def question(prompt: str, sample: str) -> str:
    """Draft a question of its own for each prompt and sample."""
    return f"Which of them {sentence(prompt, sample)[:-1].lower()}?"


def rationales(prompt: str, sample: str) -> str:
    """List reasons where they are asked for; else write a sentence."""
    if not re.search(r"\d (short )?reasons", prompt):  # gold texts may have reasons, too
        return sentence(prompt, sample)
    mood = "positive" if "positive" in prompt else "negative"
    return "\n".join(f"{number}. {mood} reason {number}" for number in range(1, 31))
