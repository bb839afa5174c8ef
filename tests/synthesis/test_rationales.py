"""Rationales from an endpoint that writes by rule: listed once, asked for until enough."""

from __future__ import annotations

from collections import defaultdict

import pytest

from s3.errors import UserError
from s3.llm import Style
from s3.synthesis import SynthesisedSet, seed_data
from s3.synthesis.rationales import CALLS, rationales_of
from s3.tasks import Classification
from tests.author import PROMPT_TOKENS, REPLY_TOKENS, composed, turns, writing
from tests.author import rationales as reasons


@pytest.fixture
def imdb() -> Classification:
    task = composed("task=imdb").task
    assert isinstance(task, Classification)
    return task


@pytest.mark.parametrize("style", Style)
def test_rationales_of_a_label_are_listed_once_and_drawn_for_its_prompts(
    imdb: Classification, style: Style
):
    asked = SynthesisedSet(0)
    with writing(reasons, style) as (author, llm):
        pools = rationales_of(imdb, llm, 20, asked)
        calls = len(author.asked)
        written = seed_data(imdb, llm, [], 30, 0, pools, 3)
    assert calls == asked.completions == 2
    assert asked.tokens == 2 * (PROMPT_TOKENS + REPLY_TOKENS)
    assert {label: len(pool) for label, pool in pools.items()} == {"negative": 20, "positive": 20}
    used: defaultdict[object, set[str]] = defaultdict(set)
    for example in written.examples:
        drawn = example.origin.rationales
        assert len(set(drawn)) == 3
        assert set(drawn) <= set(pools[str(example.target)])
        assert ", ".join(drawn) in example.origin.prompt
        used[example.target] |= set(drawn)
    assert all(len(ones) > 10 for ones in used.values())


def test_rationales_are_asked_for_again_until_there_are_enough(imdb: Classification):
    rule = turns("1. one\n2. two\n3. on", "I'm sorry, but I cannot assist with that.")

    def fewer(prompt: str, sample: str) -> str:
        said = rule(prompt, sample)
        return said if said.startswith(("1.", "I'm")) else f"1. two\n2. {sample} reason"

    asked = SynthesisedSet(0)
    with writing(fewer) as (_, llm):
        pools = rationales_of(imdb, llm, 5, asked)
    assert all(len(pool) == 5 and len(set(pool)) == 5 for pool in pools.values())
    assert all(pool[:3] == ["one", "two", "on"] for pool in pools.values())
    assert asked.completions == 2 * 4


def test_a_label_without_any_rationale_is_an_error(imdb: Classification):
    def rule(prompt: str, sample: str) -> str:
        return "I cannot assist with that." if "negative" in prompt else reasons(prompt, sample)

    with writing(rule) as (author, llm):
        with pytest.raises(UserError, match=f"no rationale for negative in {CALLS}"):
            rationales_of(imdb, llm, 20, SynthesisedSet(0))
        assert len(author.asked) == CALLS + 1
