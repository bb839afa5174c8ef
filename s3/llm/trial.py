"""Is what the LLM sends of use? A run whose first replies are not stops; what is odd is said."""

from __future__ import annotations

import sys
from collections import Counter, deque

from s3.llm.errors import NothingUsable
from s3.llm.types import Completion, Prompt, token_estimate
from s3.text import same

FIRST = 20  # replies: none of them usable is no accident
# The reasons that have a remedy of their own.
REMEDIES = {
    "reasoning": "llm.reasoning=low or none makes the model think less; task.reply.tokens is the "
    "length of a reply",
    "cut_off": "task.reply.tokens is the length of a reply; llm.reasoning=low or none makes a "
    "model think less",
    "declined": "another model, or other words in the task's prompt, may help",
    "filtered": "another endpoint, or other words in the task's prompt, may help",
    "too_long": "a longer context at the server, or shorter given texts, may help",
    "tool_call": "turn tools off at the server, or by +llm.extra.tool_choice=none",
    "empty": "see what the endpoint sends: python -m s3 store show",
}
LOOK = "see the prompts with dry_run=true and the replies with python -m s3 store show"


class Trial:
    """The first replies of a run: one of use ends the trial, `limit` of no use end the run."""

    def __init__(self, where: str, limit: int = FIRST) -> None:
        self._where, self._limit = where, limit
        self._reasons: Counter[str] = Counter()
        self._over = False

    @property
    def passed(self) -> bool:
        """Whether there was a reply of use."""
        return self._over

    def good(self) -> None:
        """Note a reply that is of use."""
        self._over = True

    def bad(self, reason: str, said: str) -> None:
        """Note one that is not, and why. Raises NothingUsable when none of the first was."""
        if self._over:
            return
        if self._reasons.total() < self._limit:
            self._reasons[reason] += 1
        if self._reasons.total() < self._limit:
            return
        listed = ", ".join(f"{number} {name}" for name, number in self._reasons.most_common())
        remedy = REMEDIES.get(self._reasons.most_common(1)[0][0], LOOK)
        raise NothingUsable(
            f"{self._where}: the first {self._limit} replies gave nothing usable ({listed}), so "
            f"no more are paid for. The last: {said[:200]!r}. What may help: {remedy}. "
            f"llm.tolerated_failures={self._limit} lets the run go on for as many more."
        )


class Oddities:
    """Warns, once each, of replies that look well and are not: cut prompts, all alike."""

    PROMPT = 200  # estimated tokens that a prompt must have to be compared with what is stated
    WINDOW, DIFFERENT = 20, 4  # of so many replies, so few are different

    def __init__(self, where: str) -> None:
        self._where = where
        self._said: set[str] = set()
        self._last: deque[str] = deque(maxlen=self.WINDOW)

    def look(self, prompt: Prompt, reply: Completion) -> None:
        """Look at a reply to a prompt."""
        sent = token_estimate(prompt.sent)
        if sent >= self.PROMPT and 0 < reply.prompt_tokens * 2 < sent:
            self._say(
                "cut",
                f"states {reply.prompt_tokens} tokens for a prompt of about {sent}: it seems to "
                "cut prompts at its context length. Raise it there (Ollama: "
                "OLLAMA_CONTEXT_LENGTH=8192, vLLM: --max-model-len, llama.cpp: --ctx-size)",
            )
        if prompt.kind != "text" or "alike" in self._said:
            return
        self._last.append(same(reply.text))
        if len(self._last) == self.WINDOW and len(set(self._last)) <= self.DIFFERENT:
            self._say(
                "alike",
                f"gave {len(set(self._last))} different texts in the last {self.WINDOW} replies. "
                "Is its sampling off, or a cache in front of it? Look at llm.temperature, "
                "llm.top_p and what the server makes of the seed",
            )

    def _say(self, what: str, said: str) -> None:
        if what not in self._said:
            self._said.add(what)
            print(f"{self._where} {said}.", file=sys.stderr, flush=True)
