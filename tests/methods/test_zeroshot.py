"""Zero-shot conversations and few-shot prompts, as the LLM's server reads them."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from s3.audit import Auditor
from s3.llm import Style
from s3.llm.errors import NothingUsable
from s3.methods import Method, Round
from s3.methods.zeroshot import DIVERSITY
from tests.author import composed, sentence, writing
from tests.methods.learner import Learner, bench

Body = dict[str, Any]


def run(style: Style, *overrides: str) -> tuple[list[Body], Round, Method]:
    """What was asked, in the order of the turns, and the round."""
    experiment = composed("task=imdb", *overrides)
    with writing(sentence, style) as (author, llm):
        (round_,) = experiment.method.run(
            bench(experiment.task, llm, Learner(experiment.task), few=10)
        )
        return sorted(author.requests, key=size), round_, experiment.method


def size(body: Body) -> int:
    return len(body.get("messages", ())) or body["prompt"].count('"')


def test_a_chat_keeps_what_was_said_in_turns() -> None:
    asked, round_, _ = run(
        Style.chat, "method=zeroshot", "seed_size=14", "method.conversation=6",
        "method.diversity_every=3", "method.shown_tokens=9999",
    )  # fmt: skip
    assert Counter(one.target for one in round_.train) == {"negative": 7, "positive": 7}
    label = {one.fields["text"]: one.target for one in round_.train}
    talks = [[turn for turn in one["messages"] if turn["role"] != "system"] for one in asked]
    assert Counter(map(len, talks)) == {1: 4, 3: 2, 5: 2, 7: 2, 9: 2, 11: 2}
    for talk in talks:
        assert [turn["role"] for turn in talk] == (["user", "assistant"] * 6)[: len(talk)]
        said = [turn["content"] for turn in talk]
        assert said[0].startswith("Imagine you are a movie reviewer")
        assert sum("Imagine" in one for one in said) == 1
        asking, replies = said[::2], said[1::2]
        (word,) = {"positive" if "positive movie" in one else "negative" for one in asking}
        assert {label[reply] for reply in replies} <= {word}
        assert len(set(replies)) == len(replies)
        diverse = [DIVERSITY.chat in one for one in asking]
        assert diverse == [turn == 3 for turn in range(len(asking))]
        if len(talk) > 1:  # it goes on where another request left off
            assert talk[:-2] in talks
    assert "more diverse compared to the previously generated data" in DIVERSITY.chat


def test_a_continuation_has_the_texts_one_after_the_other() -> None:
    asked, round_, _ = run(Style.continuation, "method=zeroshot", "seed_size=6")
    first, *_, last = [one["prompt"] for one in asked]
    assert first.startswith("Movie reviewers write")
    assert first.endswith(' words): "')
    shown = [one.fields["text"] for one in round_.train if one.fields["text"] in last]
    assert len(shown) == 2
    assert all(f'words): "{text}"\n\n' in last for text in shown)
    assert last.endswith(' words): "')


@pytest.mark.parametrize("style", list(Style))
def test_what_was_said_is_bounded_and_the_oldest_goes_first(style: Style) -> None:
    options = ("method=zeroshot", "seed_size=12", "method.shown_tokens=90")
    asked, round_, _ = run(style, *options)
    texts = [one.fields["text"] for one in round_.train if one.target == "positive"]
    last = next(one for one in round_.train if one.fields["text"] == texts[-1]).origin.prompt
    shown = [place for place, text in enumerate(texts) if text in last]
    assert 0 < len(shown) < 5
    assert shown == list(range(5))[-len(shown) :]
    persona, question = 80, 140  # bytes of what is not said before, at most
    assert len(last.encode()) <= 4 * 90 + persona + question
    assert len(asked) == 12


def test_the_same_seed_asks_nothing_anew() -> None:
    again = [run(Style.chat, "method=zeroshot", "seed_size=8") for _ in range(2)]
    assert [one.id for one in again[0][1].train] == [one.id for one in again[1][1].train]
    assert again[1][0] == []


@pytest.mark.parametrize("style", list(Style))
def test_real_examples_go_before_each_text(style: Style) -> None:
    experiment = composed("task=imdb", "method=fewshot", "seed_size=10", "method.examples=3")
    with writing(sentence, style) as (author, llm):
        made = bench(experiment.task, llm, Learner(experiment.task), few=10)
        (round_,) = experiment.method.run(made)
    real = {one.fields["text"]: one.target for one in made.train}
    drawn = []
    for prompt in author.asked:
        shown = [text for text in real if text in prompt]
        assert len(shown) == 3
        drawn.append(frozenset(shown))
        for text in shown:  # each after its label
            before = prompt[: prompt.index(text)]
            assert before.rfind(f"{real[text]} movie review") == before.rfind("movie review") - 9
        assert "rewrit" in prompt[max(prompt.index(text) for text in shown) :]
    assert len(set(drawn)) > 5
    assert Counter(one.target for one in round_.train) == {"negative": 5, "positive": 5}


def test_a_long_example_is_cut_and_a_reply_that_repeats_one_is_dropped() -> None:
    experiment = composed(
        "task=imdb", "method=fewshot", "seed_size=4", "method.shown_tokens=40", "method.examples=2"
    )

    def copy(prompt: str, sample: str) -> str:
        return next(one for one in texts if one[:30] in prompt)

    with writing(copy) as (author, llm):
        made = bench(experiment.task, llm, Learner(experiment.task), few=10)
        texts = [one.fields["text"] for one in made.train]
        with pytest.raises(NothingUsable, match="20 echo"):
            list(experiment.method.run(made))
    long = [text for text in texts if len(text) > 80]
    assert long
    assert not any(text in prompt for text in long for prompt in author.asked)


def test_the_audit_names_near_copies_of_shown_examples() -> None:
    experiment = composed("task=imdb", "method=fewshot", "seed_size=8")
    copied = dict[str, str]()  # what was written for each shown example

    def copy(prompt: str, sample: str) -> str:
        """Copy the first shown example that nobody copied, with every ninth word changed.

        A copy that is closer than that is dropped as an echo.
        """
        shown = sorted((text for text in places if text in prompt), key=prompt.index)
        if len(copied) == 3 or not (left := [text for text in shown if text not in copied]):
            return sentence(prompt, sample)
        said = left[0].split()
        said[4::9] = ["something"] * len(said[4::9])
        copied[left[0]] = " ".join(said)
        return copied[left[0]]

    with writing(copy) as (_, llm):
        made = bench(experiment.task, llm, Learner(experiment.task), few=10)
        places = {one.fields["text"]: one.origin.source for one in made.train}
        (round_,) = experiment.method.run(made)
    found = Auditor(experiment.audit, {"validation": made.train}, "text", ()).measure(round_.train)
    assert len(copied) == 3
    assert found.metrics["audit/validation/near_text"] == 3
    named = {(one["text"], one["gold"]) for one in found.copies}
    assert named == {(text, places[of]) for of, text in copied.items()}


@pytest.mark.parametrize("method", ["zeroshot", "fewshot"])
def test_pairs_and_questions_are_asked_with_zerogens_query(method: str) -> None:
    experiment = composed("task=rte", f"method={method}", "seed_size=6")
    with writing(sentence, Style.chat) as (_, llm):
        (round_,) = experiment.method.run(
            bench(experiment.task, llm, Learner(experiment.task), few=10)
        )
    assert len(round_.train) == 6
    assert all(one.fields["premise"] in one.origin.prompt for one in round_.train)


def test_the_papers_preset_has_3000_texts_a_label() -> None:
    for task, labels in (("ag_news", 4), ("sms_spam", 2)):
        made: Any = composed(f"task={task}", "method=zeroshot", "preset=paper").method
        assert made.seed_size == 3000 * labels
