"""The real embedded server: exact seeds, its manners, its rest."""

from __future__ import annotations

import json
import os
import random
import time
import urllib.error
import urllib.request

import pytest

from s3.llm import Completion, Failure, Prompt, Session, SmolLM2
from s3.llm.embedded import serving
from s3.llm.store import Store

PASSAGE = "The ferry to Harrow Point leaves at nine, unless the wind is from the north. " * 3


def prompts(number: int) -> list[Prompt]:
    """Prompts that share passages, as those of the tasks do; texts of 8 to 70 tokens."""
    rng = random.Random(number)
    texts = [
        rng.choice(["", f"Day {rng.randrange(4)}. {PASSAGE}"])
        + f'A {rng.choice(["good", "bad"])} review of film {i}: "'
        for i in range(number)
    ]
    return [Prompt(text, stop=('"',), reply_tokens=24) for text in texts]


def replies(asked: list[Prompt], seed: int = 0) -> dict[str, str]:
    """Draft with an empty store; return texts by prompt."""
    Store().database.execute("DELETE FROM completions")
    with Session(SmolLM2(), seed) as llm:
        outcomes = list(llm.complete(asked))
    assert llm.usage.stored == 0
    return {
        prompt.text: outcome.text
        for prompt, outcome in zip(asked, outcomes, strict=True)
        if isinstance(outcome, Completion)
    }


def test_a_seed_decides_the_text_whatever_else_is_in_flight() -> None:
    asked = prompts(12)
    together = replies(asked)
    assert len(together) == 12
    assert replies(asked[::-1]) == together
    assert replies(asked[:2]) == {p.text: together[p.text] for p in asked[:2]}
    assert replies(asked[:2], seed=1) != {p.text: together[p.text] for p in asked[:2]}


@pytest.mark.slow
def test_seeds_are_exact_over_hundreds_of_prompts() -> None:
    asked = prompts(300)
    together = replies(asked)
    other = random.Random(1).sample(asked, len(asked))
    assert replies(other) == together


def test_a_prompt_beyond_the_context_is_skipped() -> None:
    with Session(SmolLM2(), 0) as llm:
        outcome = next(llm.complete([Prompt("word " * 3000)]))
    assert isinstance(outcome, Failure)
    assert outcome.reason == "too_long"


def test_the_server_wants_its_key_rests_when_idle_and_ends() -> None:
    body = json.dumps({"prompt": "Hello", "max_tokens": 1}).encode()
    with serving() as endpoint:
        assert endpoint.url.startswith("http://127.0.0.1:")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{endpoint.url}/completions", body)
        headers = {"Authorization": f"Bearer {endpoint.key}"}
        request = urllib.request.Request(f"{endpoint.url}/completions", body, headers)
        assert urllib.request.urlopen(request).status == 200
        before = sum(os.times()[:2])
        time.sleep(1.5)
        assert sum(os.times()[:2]) - before < 0.15
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(request)


def test_nothing_starts_when_the_store_has_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = prompts(2)
    with Session(SmolLM2(), 0) as llm:
        first = list(llm.complete(asked))
    monkeypatch.setattr("s3.llm.providers.serving", None)
    with Session(SmolLM2(), 0) as llm:
        assert list(llm.complete(asked)) == first
