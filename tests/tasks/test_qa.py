"""Extractive QA: SQuAD's rows in every shape, spans that stand where they say, told answers."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from s3.data.example import Answers, Example
from s3.data.gold import Source
from s3.errors import UserError
from s3.llm import Completion, Style
from s3.tasks import Dropped, ExtractiveQA
from s3.tasks.qa import candidate_spans
from tests.author import composed

CONTEXT = "The mason Tarn built the bridge over the Varn in 1812."
GOLD = Example(
    {"context": CONTEXT, "question": "Who built the bridge?"},
    Answers(("Tarn", "The mason Tarn"), (10, 0)),
)
NESTED = {"text": ["Tarn", "The mason Tarn"], "answer_start": [10, 0]}
LISTED = [{"text": "Tarn", "answer_start": 10}, {"text": "The mason Tarn", "answer_start": 0}]


@pytest.fixture
def qa() -> ExtractiveQA:
    task = composed("task=adversarial_qa").task
    assert isinstance(task, ExtractiveQA)
    return task


def load(qa: ExtractiveQA, path: Path) -> list[Example]:
    qa.gold.source = Source.files
    files = qa.gold.files
    files.path, files.validation, files.test = str(path.parent), path.name, "others.jsonl"
    other = {**GOLD.fields, "question": "Who was the mason?", "answers": LISTED}
    (path.parent / "others.jsonl").write_text(json.dumps(other))
    return qa.load(0).validation


@pytest.mark.parametrize("answers", [NESTED, LISTED])
def test_answers_are_read_in_every_shape_of_squad(qa: ExtractiveQA, tmp_path: Path, answers: Any):
    row = {**GOLD.fields, "answers": answers}
    (tmp_path / "flat.jsonl").write_text(json.dumps(row))
    paragraph = {"context": CONTEXT, "qas": [{"question": row["question"], "answers": answers}]}
    (tmp_path / "squad.json").write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))
    for name in ("flat.jsonl", "squad.json"):
        assert load(qa, tmp_path / name) == [GOLD]


def test_one_answer_can_stand_in_plain_columns(qa: ExtractiveQA, tmp_path: Path):
    path = tmp_path / "rows.csv"
    path.write_text(f"context,question,answer,answer_start\n{CONTEXT},Who built it?,Tarn,10\n")
    (example,) = load(qa, path)
    assert example.target == Answers(("Tarn",), (10,))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"text": ["Tarn"], "answer_start": [9]}, "answer 'Tarn' does not stand at character 9"),
        ({"text": ["Tarn"], "answer_start": [-44]}, "does not stand at character -44"),
        ({"text": [" "], "answer_start": [3]}, "does not stand at character 3"),
        ({"text": [], "answer_start": []}, "needs at least one text"),
        ({"text": ["Tarn", "x"], "answer_start": [10]}, "each with its answer_start"),
        ({"text": [5], "answer_start": [10]}, "needs at least one text"),
        ({"text": ["Tarn"]}, "holds no answers with text and answer_start"),
        ("Tarn", "holds no answers with text and answer_start"),
        (None, "holds no answers with text and answer_start"),
    ],
)
def test_an_answer_that_is_no_span_is_an_error_with_its_place(
    qa: ExtractiveQA, tmp_path: Path, answers: Any, said: str
):
    path = tmp_path / "rows.jsonl"
    path.write_text("\n" + json.dumps({**GOLD.fields, "answers": answers}))
    with pytest.raises(UserError) as caught:
        load(qa, path)
    assert f"{path}:2: " in str(caught.value)
    assert said in str(caught.value)


def test_answers_stand_where_they_did_after_what_nobody_sees_has_gone(
    qa: ExtractiveQA, tmp_path: Path
):
    context = f"\ufeff\x1b[1m\u202e{CONTEXT[:12]}\u200b{CONTEXT[12:]}"
    start = context.index("Ta")
    answers = {"text": ["Ta\u200brn"], "answer_start": [start]}
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"context": context, "question": "Who?", "answers": answers}))
    (example,) = load(qa, path)
    assert example.fields["context"] == CONTEXT
    assert example.target == Answers(("Tarn",), (10,))


def test_a_question_that_holds_the_answer_is_found_where_no_spaces_part_words(qa: ExtractiveQA):
    context = "石匠王明在1812年建了这座桥。"
    example = Example({"context": context, "question": "谁建了桥？"}, Answers(("王明",), (2,)))
    draft = qa.mistake_draft(Style.chat, example, 1)
    with pytest.raises(Dropped, match="contains_answer"):
        qa.read(reply("这座桥是王明建的吗？"), draft)
    assert (
        qa.read(reply("这座桥是哪位石匠建的？"), draft).fields["question"]
        == "这座桥是哪位石匠建的？"
    )


def reply(text: str) -> Completion:
    return Completion("c0ffee-0", text, "a model", "stop", 5, 5)


def test_context_and_answer_are_kept_and_another_question_asked(qa: ExtractiveQA):
    draft = qa.mistake_draft(Style.chat, GOLD, 1)
    assert draft.prompt.text == (
        f"Given a context: {CONTEXT}\nTarn is the answer to: Who built the bridge?.\n"
        "A question that has the same answer in the context is:"
    )
    made = qa.read(reply("Question: Whose work is the bridge? Answer: Tarn"), draft)
    assert made.fields == {"context": CONTEXT, "question": "Whose work is the bridge?"}
    assert made.target == GOLD.target


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Was it the mason TARN who built it?", "contains_answer"),
        ("Did Tarn, of all people, build it?", "contains_answer"),
        ("who built  the bridge?", "echo"),
        ("Tarn built the bridge over the Varn", "no_question"),
        ("I cannot answer this question.", "declined"),
    ],
)
def test_a_question_that_will_not_do_is_dropped(qa: ExtractiveQA, text: str, reason: str):
    with pytest.raises(Dropped) as caught:
        qa.read(reply(text), qa.mistake_draft(Style.chat, GOLD, 1))
    assert caught.value.reason == reason


def test_an_answer_inside_a_longer_word_is_not_told(qa: ExtractiveQA):
    draft = qa.mistake_draft(Style.chat, GOLD, 1)
    made = qa.read(reply("Who, before the Tarnish wars, built the bridge?"), draft)
    assert made.target == GOLD.target


def test_seeds_draw_contexts_with_their_answers(qa: ExtractiveQA):
    fields, target = qa.draw(random.Random(0), [GOLD])
    assert (dict(fields), target) == ({"context": CONTEXT}, GOLD.target)


def test_contexts_without_answers_yield_spans(qa: ExtractiveQA, tmp_path: Path):
    path = tmp_path / "contexts.txt"
    path.write_text(CONTEXT + "\nIn Oslo it rained on 14 days.\n")
    qa.contexts = str(path)
    contexts = qa.context_examples([GOLD])
    draws = [qa.draw(random.Random(i), contexts) for i in range(200)]
    for fields, target in draws:
        assert isinstance(target, Answers)
        ((text, start),) = zip(target.texts, target.starts, strict=True)
        assert fields["context"][start : start + len(text)] == text
    drawn = {target.texts[0] for _, target in draws if isinstance(target, Answers)}
    assert {"Varn", "1812", "14 days"} <= drawn
    assert "Who built the bridge?" not in drawn


@pytest.mark.parametrize("context", [CONTEXT, "  it rained, again.", "...", "  雨が降った。"])
def test_candidate_spans_stand_where_they_say(context: str):
    spans = candidate_spans(context)
    assert spans
    for start, text in spans:
        assert text.strip()
        assert context[start : start + len(text)] == text
    assert len(set(spans)) == len(spans)


def test_given_names_the_context_alone():
    with pytest.raises(UserError, match="given must name one field"):
        composed("task=adversarial_qa", "task.given=[context,title]")
