"""The embedded server: completions a second by setting, and which settings keep seeds exact.

`python benchmarks/llm_embedded.py --prompts 64 --rounds 2`. The settings take turns. Exact means:
the same texts when the prompts come in another order, and when they come alone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from s3.llm import Completion, Prompt, Session, SmolLM2, embedded
from s3.llm.limits import Limiter
from s3.llm.transport.base import Context, Transport
from s3.llm.transport.online import OnlineTransport
from s3.llm.transport.slots import SlotsTransport
from s3.storage import cache_folder

ALONE = 20  # prompts asked one at a time
WEIGHTS = cache_folder() / "weights"  # before the settings get caches of their own
ROOT = Path(__file__).resolve().parent.parent / "s3" / "data" / "bundled"
RTE = '{premise}\nBased on the above description, the following sentence is definitely {word}: "'
RTE_AGAIN = RTE + '{hypothesis}"\nA similar sentence that is also definitely {word}: "'
IMDB = 'I just watched a movie that has {reasons}. Here is my short {word} review of this movie: "'
IMDB_AGAIN = 'A {word} movie review: "{text}"\nA similar {word} movie review: "'
REASONS = ["a clever plot", "fine acting", "slow scenes", "loud music", "a weak end", "much heart"]


@dataclass
class Setting:
    """How the server is set up: its slots, tokens a batch, and whether we choose the slot."""

    name: str
    slots: int
    batch: int
    chosen: bool


SETTINGS = [
    Setting("chosen", embedded.SLOTS, embedded.BATCH, True),
    Setting("chosen, slots by the server", embedded.SLOTS, embedded.BATCH, False),
    Setting("8 slots", 8, 32, True),
    Setting("32 slots", 32, 32, True),
    Setting("16 slots, batch 16", 16, 16, True),
    Setting("16 slots, batch 64", 16, 64, True),
    Setting("16 slots, batch 512 (library's)", 16, 512, True),
    Setting("32 slots, batch 512", 32, 512, True),
]


def tasks_prompts(number: int) -> list[Prompt]:
    """Return different prompts as the tasks rte and imdb make them: seeds and extrapolations."""
    rng = random.Random(7)
    rows = {name: _rows(name) for name in ("rte", "imdb")}
    prompts: dict[str, Prompt] = {}
    while len(prompts) < number:
        pair, review = rng.choice(rows["rte"]), rng.choice(rows["imdb"])
        truth, mood = rng.choice(["correct", "wrong"]), rng.choice(["positive", "negative"])
        reasons = ", ".join(rng.sample(REASONS, 3))
        text, tokens = rng.choice(
            [
                (RTE.format(**pair, word=truth), 60),
                (RTE_AGAIN.format(**pair, word=truth), 60),
                (IMDB.format(reasons=reasons, word=mood), 96),
                (IMDB_AGAIN.format(**review, word=mood), 96),
            ]
        )
        prompts[text] = Prompt(text, stop=('"',), reply_tokens=tokens)
    return list(prompts.values())


def _rows(name: str) -> list[dict[str, str]]:
    lines = (ROOT / name / "validation.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@contextmanager
def connected(setting: Setting) -> Iterator[Session]:
    """Hold a session with a server that is set up so, with an empty store."""
    embedded.SLOTS, embedded.BATCH = setting.slots, setting.batch

    def transport(context: Context) -> Transport:
        if setting.chosen:
            return SlotsTransport(context, embedded.serving, setting.slots)
        limiter = Limiter(context.budget, setting.slots, setting.slots)
        return OnlineTransport(context, embedded.serving, limiter, timeout=600, attempts=10)

    folder = Path(tempfile.mkdtemp())
    (folder / "weights").symlink_to(WEIGHTS)
    os.environ["S3_CACHE"] = str(folder)
    with Session(SmolLM2(), 0, transport=transport) as llm:
        yield llm


def trial(setting: Setting, prompts: list[Prompt]) -> tuple[list[str], float, float]:
    """Draft all at once; return the texts, completions and reply tokens a second."""
    with connected(setting) as llm:
        list(llm.complete([Prompt("Once", reply_tokens=1)]))  # the weights are loaded now
        before, started = llm.usage.completion_tokens, time.perf_counter()
        outcomes = list(llm.complete(prompts))
        seconds = time.perf_counter() - started
        tokens = llm.usage.completion_tokens - before
    texts = [outcome.text for outcome in outcomes if isinstance(outcome, Completion)]
    return texts, len(prompts) / seconds, tokens / seconds


def shuffled(setting: Setting, prompts: list[Prompt]) -> list[str]:
    """Return the texts when the prompts come in another order, put back into theirs."""
    order = list(range(len(prompts)))
    random.Random(1).shuffle(order)
    texts, _, _ = trial(setting, [prompts[i] for i in order])
    return [text for _, text in sorted(zip(order, texts, strict=True))]


def alone(setting: Setting, prompts: list[Prompt]) -> list[str]:
    """Return the texts of prompts that are asked one after the other."""
    texts = []
    with connected(setting) as llm:
        for prompt in prompts:
            texts += [one.text for one in llm.complete([prompt]) if isinstance(one, Completion)]
    return texts


def main() -> None:
    """Measure the settings in turns, then their exactness; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", type=int, nargs="*", default=list(range(len(SETTINGS))))
    options = parser.parse_args()
    prompts = tasks_prompts(options.prompts)
    chosen = [SETTINGS[i] for i in options.only]
    rates: dict[str, list[float]] = {setting.name: [] for setting in chosen}
    reference: dict[str, list[str]] = {}
    print(
        f"{len(prompts)} prompts of {sum(len(p.text) for p in prompts) // len(prompts)} characters"
    )
    for _ in range(options.rounds):
        for setting in chosen:
            texts, rate, tokens = trial(setting, prompts)
            rates[setting.name].append(rate)
            reference.setdefault(setting.name, texts)
            print(f"  {setting.name:34} {rate:5.2f}/s {tokens:5.0f} tokens/s", flush=True)
    for setting in chosen:
        other = shuffled(setting, prompts)
        equal = sum(a == b for a, b in zip(reference[setting.name], other, strict=True))
        first = sum(a == b for a, b in zip(reference[chosen[0].name], other, strict=True))
        single = alone(setting, prompts[:ALONE])
        same = sum(a == b for a, b in zip(reference[setting.name], single, strict=False))
        print(
            f"{setting.name:34} {statistics.median(rates[setting.name]):5.2f} completions/s   "
            f"{equal}/{len(prompts)} texts equal in another order, {first} equal to the first's, "
            f"{same}/{len(single)} equal alone",
            flush=True,
        )


if __name__ == "__main__":
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - the progress bars' place
    main()
