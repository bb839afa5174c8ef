"""The assumptions of a dry run: from runs like it, else figures of SmolLM2 and MiniLM."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s3.llm import LLM, Prompt
from s3.llm.store import Store
from s3.runs.checksums import mapping
from s3.tasks import Classification, Task
from s3.tasks.cleaning import listed

SAMPLE = 500  # stored completions looked at, at most
ENOUGH = 4  # completions of one length limit from which their mean is taken
# First figures of SmolLM2 and MiniLM (experiments/every_method, experiments/real_data): where
# answers are spans, what is kept and what is wrong; else the share of a guesser's errors still made
# in early rounds, where two texts are to be compared and where one is to be judged.
SPANS = {"kept": (0.6, 0.77), "wrong": (0.9,)}
PAIRS, TEXTS = 0.9, 0.6


@dataclass(frozen=True)
class UsualReply:
    """What one completion is like on average: its tokens, its items if it is a list, their size."""

    tokens: float
    items: float = 8
    letters: float = 30  # characters of an item


@dataclass(frozen=True)
class Habits:
    """How an LLM answers and a small model errs; by default as SmolLM2 and MiniLM do."""

    wrong: tuple[float, ...]  # share of gold validation, for each round; the last repeats
    letters: float = 4.4  # characters of a prompt that make one token
    length: float = 0.5  # tokens of a reply, as a share of the most that it may have
    replies: Mapping[int, UsualReply] = field(default_factory=dict)  # by the most tokens allowed
    kept: tuple[float, ...] = (0.9, 0.8)  # share of written texts; likewise
    sources: tuple[str, ...] = ()

    def reply(self, limit: int) -> UsualReply:
        """Return what a reply of at most `limit` tokens is like."""
        return self.replies.get(limit) or UsualReply(self.length * limit)

    def extremes(self) -> tuple[Habits, Habits]:
        """Return the habits by which a run costs least, and those by which it costs most.

        Least: every text is kept, no answer is wrong. Most: twice as many are dropped and wrong as
        assumed, and replies are as long as they may be.
        """
        least = replace(self, kept=(1.0,), wrong=(0.0,))
        dropped = [min(2 * (1 - share), 0.95) for share in self.kept]
        wrong = tuple(min(2 * share, 1.0) for share in self.wrong)
        kept = tuple(1 - share for share in dropped)
        return least, replace(self, kept=kept, wrong=wrong, length=1.0, replies={})


def learn(llm: LLM, task: Task, name: str, like: list[Path]) -> Habits:
    """Return the habits that earlier runs of a task show, with what they were taken from.

    `name` is what the names of its runs begin with. `like` are folders of runs with the same
    parts; the one that finished last is taken.
    """
    summaries = [folder / "summary.json" for folder in like]
    # A damaged one tells nothing: its run makes it again.
    finished = sorted((path for path in summaries if mapping(path).get("rounds")), key=_time)
    rounds: dict[str, Any] = _of_run(finished[-1]) if finished else _usual(task)
    place = f"from {finished[-1].parent}" if finished else "by default"
    habits = Habits(**rounds, **_of_store(llm, name))
    seen = f"from {habits.sources[0]}" if habits.sources else "by default"
    lengths = ", ".join(f"{one.tokens:.0f} (of {limit})" for limit, one in habits.replies.items())
    answers = f"replies of {lengths or f'{habits.length:.0%} of the most'} tokens"
    shares = f"{_shares(habits.kept)} of the texts kept, {_shares(habits.wrong)} of gold validation"
    sources = (
        f"{habits.letters:.1f} characters a prompt token, {answers}: {seen}",
        f"{shares} wrong, round by round: {place}",
    )
    return replace(habits, sources=sources)


def _usual(task: Task) -> dict[str, tuple[float, ...]]:
    if not isinstance(task, Classification):
        return SPANS
    return {"wrong": ((1 - 1 / len(task.labels)) * (PAIRS if task.given else TEXTS),)}


def _of_run(summary: Path) -> dict[str, tuple[float, ...]]:
    content = mapping(summary)
    rows, name = content["rounds"], f"validation/{content['metric']}"
    made = [row["data/added"] if index else row["data/seed"] for index, row in enumerate(rows)]
    dropped = [sum(v for k, v in row.items() if k.startswith("data/dropped/")) for row in rows]
    kept = [ok / (ok + bad) if ok else 1.0 for ok, bad in zip(made, dropped, strict=True)]
    return {"kept": tuple(kept), "wrong": tuple(1 - row[name] for row in rows)}


def _of_store(llm: LLM, name: str) -> dict[str, Any]:
    """Return what stored completions of this LLM and of the task's runs show, if there are any."""
    query = (
        "SELECT request, reply, prompt_tokens, completion_tokens FROM completions "
        "WHERE run >= ? AND run < ? AND endpoint = ? AND model = ? LIMIT ?"
    )
    # A run's name begins with its task's and a hyphen; the next character is the full stop.
    values = (f"{name}-", f"{name}.", llm.endpoint, llm.identity()["model"], SAMPLE)
    with closing(Store()) as store:
        found = store.database.query(query, values)
    protocol = llm.make_protocol()
    rows = []
    for request, reply, asked, given in found:
        try:
            prompt = protocol.prompt(json.loads(request))
        except KeyError:  # of another protocol
            continue
        rows.append((prompt, protocol.read(reply, "", prompt).text, asked, given))
    tokens = sum(asked for _, _, asked, _ in rows)
    if len(rows) < ENOUGH or not tokens:
        return {}
    letters = sum(len(prompt.sent) for prompt, *_ in rows) / tokens
    source = f"{len(rows)} completions in the store"
    return {"letters": letters, "replies": _replies(rows), "sources": (source,)}


def _replies(rows: list[tuple[Prompt, str, int, int]]) -> dict[int, UsualReply]:
    by_limit: dict[int, list[tuple[int, list[str]]]] = {}
    for prompt, text, _, given in rows:
        by_limit.setdefault(prompt.reply_tokens, []).append((given, listed(text)))
    return {limit: _mean(some) for limit, some in sorted(by_limit.items()) if len(some) >= ENOUGH}


def _mean(replies: list[tuple[int, list[str]]]) -> UsualReply:
    items = [item for _, listed_ in replies for item in listed_]
    tokens = sum(tokens for tokens, _ in replies) / len(replies)
    letters = sum(map(len, items)) / len(items) if items else UsualReply.letters
    return UsualReply(tokens, max(1, len(items) / len(replies)), letters)


def _shares(shares: tuple[float, ...]) -> str:
    return ", ".join(f"{share:.0%}" for share in shares)


def _time(path: Path) -> float:
    return path.stat().st_mtime
