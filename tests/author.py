"""An LLM whose replies a test writes: a real loopback endpoint that answers by a given rule."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from hydra import compose, initialize_config_dir

from s3.config import build, register
from s3.llm import Server, Session, Style
from s3.runs.experiment import Experiment
from tests.loopback import Loopback
from tests.runs.helpers import ROOT

Rule = Callable[[str, str], str]  # prompt, a number that is another for each sample -> reply
PROMPT_TOKENS, REPLY_TOKENS = 11, 7  # what every reply is said to have used


class Author(Loopback):
    """The endpoint, while the block runs. A reply that ends in "[cut]" is one cut off there.

    `asked` has the text of every prompt (of a chat, the last turn), `bodies` the whole requests.
    """

    def __init__(self, rule: Rule) -> None:
        self.asked, self.bodies = list[str](), list[dict[str, Any]]()
        self._rule = rule
        super().__init__(self._handler())
        self.url += "/v1"

    def answer(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the response to a request."""
        prompt = body.get("prompt") or body["messages"][-1]["content"]
        self.asked.append(prompt)
        self.bodies.append(body)
        text = self._rule(prompt, str(body.get("seed")))
        finish = "length" if text.endswith("[cut]") else "stop"
        text = text.removesuffix("[cut]")
        said = {"text": text} if "prompt" in body else {"message": {"content": text}}
        usage = {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": REPLY_TOKENS}
        choice = {"index": 0, "finish_reason": finish, **said}
        return {"id": "x", "model": "author-1", "choices": [choice], "usage": usage}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        author = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body = json.dumps(author.answer(content)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        return Handler


@contextmanager
def writing(
    rule: Rule, style: Style = Style.chat, seed: int = 0
) -> Iterator[tuple[Author, Session]]:
    """An author and a connection to it."""
    with Author(rule) as author:
        llm = Server(base_url=author.url, model="author", style=style, attempts=2)
        with llm.connect(seed) as connection:
            yield author, connection


def composed(*overrides: str) -> Experiment:
    """The experiment that a command line composes."""
    register()
    with initialize_config_dir(str(ROOT / "conf"), version_base="1.3"):
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
    if "reasons" not in prompt:
        return sentence(prompt, sample)
    mood = "positive" if "positive" in prompt else "negative"
    return "\n".join(f"{number}. {mood} reason {number}" for number in range(1, 31))
