"""Synthesis against an endpoint that writes by rule: drops, replacements, draws, rationales."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from s3.data.example import Answers, Example, Origin
from s3.synthesis import ATTEMPTS, SEED_ATTEMPTS, SynthesisedSet, extrapolate, seed_data
from s3.tasks import Task
from tests.author import (
    PROMPT_TOKENS,
    REPLY_TOKENS,
    Rule,
    composed,
    question,
    sentence,
    turns,
    writing,
)

CONTEXTS = [
    Example(
        {"premise": f"Passage {i} tells of the mill at Orrin.", "hypothesis": "h"}, "entailment"
    )
    for i in range(5)
]


@pytest.fixture
def rte() -> Task:
    return composed("task=rte").task


def seeds(task: Task, size: int, rule: Rule = sentence, seed: int = 0) -> SynthesisedSet:
    with writing(rule, seed=seed) as (_, llm):
        return seed_data(task, llm, CONTEXTS, size, seed)


def test_what_is_dropped_is_counted_by_reason_and_replaced(rte: Task):
    wrong = [
        Example({"premise": "The mill burnt.", "hypothesis": "It fell."}, "entailment"),
        Example({"premise": "The inn is old.", "hypothesis": "It stands."}, "not_entailment"),
    ]
    rule = turns("I cannot assist with that.", "Too short", "It fell down", "word [cut]")
    with writing(rule) as (author, llm):
        written = extrapolate(rte, llm, wrong, 1, 1, ())
    assert written.dropped == {"declined": 2, "too_short": 4, "cut_off": 2}
    assert [one.target for one in written.examples] == ["entailment", "not_entailment"]
    assert written.completions == len(author.asked) == 10
    assert written.tokens == 10 * (PROMPT_TOKENS + REPLY_TOKENS)
    assert written.shortfall == ""


def test_a_place_is_given_up_after_a_bounded_number_of_replies_which_is_said(
    rte: Task, capsys: pytest.CaptureFixture[str]
):
    def rule(prompt: str, sample: str) -> str:
        return "No." if "Passage 3" in prompt else sentence(prompt, sample)

    only = [one for one in CONTEXTS if "Passage 3" in one.fields["premise"]]
    with writing(rule) as (author, llm):
        written = seed_data(rte, llm, only, 3, 0)
    assert len(author.asked) == 3 * ATTEMPTS
    assert (written.wanted, written.examples) == (3, [])
    assert written.dropped == {"too_short": 3 * ATTEMPTS}
    said = f"3 of 3 examples given up after up to {ATTEMPTS} replies each: too_short {3 * ATTEMPTS}"
    assert written.shortfall == said
    assert f"seed data: {said}" in capsys.readouterr().err


def test_the_last_tenth_of_a_seed_is_asked_for_until_the_size_is_exact(rte: Task):
    def rule(prompt: str, sample: str) -> str:
        lucky = random.Random(prompt + sample).random() < 0.45
        return sentence(prompt, sample) if lucky else "No."

    with writing(rule) as (_, llm):
        written = seed_data(rte, llm, CONTEXTS, 100, 0)
    assert len(written.examples) == 100
    assert written.dropped["too_short"] > 50
    assert ATTEMPTS < written.attempts < SEED_ATTEMPTS


def test_a_bad_context_is_exchanged_and_its_label_stays(rte: Task):
    def rule(prompt: str, sample: str) -> str:
        return "No." if "Passage 3" in prompt else sentence(prompt, sample)

    written, undisturbed = seeds(rte, 40, rule), seeds(rte, 40)
    assert len(written.examples) == 40
    assert written.dropped["too_short"] > 2
    assert [one.target for one in written.examples] == [one.target for one in undisturbed.examples]
    assert not any("Passage 3" in one.fields["premise"] for one in written.examples)


def test_an_answer_is_asked_again_only_with_its_own_context():
    task = composed("task=adversarial_qa").task
    contexts = [
        Example(
            {"context": f"{'very ' * i}old mill {i} stands.", "question": "q"},
            Answers((f"mill {i}",), (5 * i + 4,)),
        )
        for i in range(6)
    ]

    def rule(prompt: str, sample: str) -> str:
        return "No question." if "mill 2" in prompt else question(prompt, sample)

    with writing(rule) as (_, llm):
        written = seed_data(task, llm, contexts, 24, 0)
    assert written.dropped["no_question"] > 0
    assert len(written.examples) == 24
    for example in written.examples:
        assert isinstance(example.target, Answers)
        start, text = example.target.starts[0], example.target.texts[0]
        assert example.fields["context"][start : start + len(text)] == text


def test_duplicates_of_known_and_new_examples_are_dropped_and_replaced(rte: Task):
    wrong = Example({"premise": "The mill burnt.", "hypothesis": "It fell."}, "entailment")
    known = [Example({"premise": "The mill burnt.", "hypothesis": "It is gone now."}, "entailment")]
    rule = turns("It is  gone: NOW!", "The fire took it.", "The fire took it.", "the fire took it.")
    with writing(rule) as (_, llm):
        written = extrapolate(rte, llm, [wrong], 3, 1, known)
    texts = {one.fields["hypothesis"].lower() for one in written.examples}
    assert len(texts) == len(written.examples) == 3
    assert "it is gone now." not in texts
    assert written.dropped == {"duplicate": 3}


def test_each_mistake_gets_so_many_with_its_context_label_and_source(rte: Task):
    wrong = [
        replace(one, target=label, origin=Origin("gold", source=f"validation.jsonl:{i}"))
        for i, (one, label) in enumerate(
            zip(CONTEXTS, ["entailment", "not_entailment"] * 2, strict=False)
        )
    ]
    with writing(sentence) as (author, llm):
        written = extrapolate(rte, llm, wrong, 3, 2, ())
    assert len(written.examples) == written.wanted == len(author.asked) == 12
    for place, example in enumerate(written.examples):
        mistake = wrong[place // 3]
        assert example.fields["premise"] == mistake.fields["premise"]
        assert example.target == mistake.target
        assert example.origin.source == mistake.origin.source
        assert (example.origin.kind, example.origin.round) == ("extrapolation", 2)
        assert example.origin.prompt in author.asked
        assert example.origin.completion
        assert example.origin.model == "author-1"


def test_a_longer_seed_set_begins_with_the_shorter_one(rte: Task):
    shorter, longer = seeds(rte, 6), seeds(rte, 15)
    assert longer.examples[:6] == shorter.examples
    assert len({one.id for one in longer.examples}) == 15


def test_another_seed_draws_and_writes_other_examples(rte: Task):
    first, other = seeds(rte, 12), seeds(rte, 12, seed=1)
    assert first.examples == seeds(rte, 12).examples
    assert [one.target for one in first.examples] != [one.target for one in other.examples]
    assert not {one.id for one in first.examples} & {one.id for one in other.examples}


def test_what_is_in_the_store_is_not_asked_again(rte: Task):
    with writing(sentence) as (author, llm):
        first = seed_data(rte, llm, CONTEXTS, 8, 0)
        assert len(author.asked) == 8
    with writing(sentence) as (author, llm):
        again = seed_data(rte, llm, CONTEXTS, 11, 0)
        assert len(author.asked) == 3
    assert again.examples[:8] == first.examples


def test_labels_are_drawn_evenly(rte: Task):
    counted = Counter(one.target for one in seeds(rte, 200).examples)
    assert set(counted) == {"entailment", "not_entailment"}
    assert all(75 <= count <= 125 for count in counted.values())


def test_a_prompt_that_does_not_fit_is_asked_once_and_not_kept(rte: Task, serve):
    from s3.llm import Server, Session

    endpoint = serve(context=400)
    long = Example({"premise": "long " * 100, "hypothesis": "h"}, "entailment")
    llm = Server(base_url=endpoint.url, model="test")
    with Session(llm, 0) as session:
        written = extrapolate(rte, session, [long, CONTEXTS[0]], 1, 1, ())
    assert written.dropped["too_long"] == 1
    assert [one.fields["premise"] for one in written.examples] == [CONTEXTS[0].fields["premise"]]
    assert written.shortfall.startswith("1 of 2 examples given up")


def test_a_place_whose_prompt_does_not_fit_is_asked_with_another(rte: Task, serve):
    from s3.llm import Server, Session

    endpoint = serve(context=400)
    long = Example({"premise": "long " * 100, "hypothesis": "h"}, "entailment")
    llm = Server(base_url=endpoint.url, model="test")
    with Session(llm, 0) as session:
        written = seed_data(rte, session, [long, *CONTEXTS[:2]], 12, 0)
    assert written.dropped["too_long"] > 1
    assert len(written.examples) == 12
    assert len({one.fields["premise"] for one in written.examples}) == 2


def test_a_top_up_begins_where_the_known_rows_end(rte: Task):
    many = [replace(CONTEXTS[0], fields={"premise": f"Passage {i}."}) for i in range(500)]
    with writing(sentence) as (_, llm):
        longer = seed_data(rte, llm, many, 12, 0)
    with writing(sentence) as (author, llm):
        rest = seed_data(rte, llm, many, 7, 0, known=longer.examples[:5])
        assert author.asked == []
    assert longer.examples[5:] == rest.examples
