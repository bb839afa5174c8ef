"""Classification: prompts of the paper, draws, rows to examples, replies to examples."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from s3.data.example import Example, Origin
from s3.errors import UserError
from s3.llm import Completion, Style
from s3.tasks import Classification, Dropped, PromptTemplate
from tests.author import composed

PREMISE = "The ferry left at noon with nine people on board."
WRONG = Example(
    {"premise": PREMISE, "hypothesis": "The ferry was empty."},
    "not_entailment",
    Origin("gold", source="validation.jsonl:3"),
)


def reply(text: str, finish: str = "stop") -> Completion:
    return Completion("c0ffee-0", text, "a model", finish, 5, 5)


@pytest.fixture
def rte() -> Classification:
    task = composed("task=rte").task
    assert isinstance(task, Classification)
    return task


@pytest.fixture
def imdb() -> Classification:
    task = composed("task=imdb").task
    assert isinstance(task, Classification)
    return task


def test_prompts_are_the_papers(rte: Classification, imdb: Classification):
    seed = rte.seed_draft(Style.chat, {"premise": PREMISE}, "entailment").prompt
    assert seed.text == (
        f"{PREMISE}\nBased on the above description, the following sentence is definitely correct:"
    )
    assert "one sentence only" in seed.system
    query = imdb.seed_draft(Style.chat, {}, "positive", ("good sound", "a plot")).prompt
    assert query.text == (
        "Now imagine that you just watched a movie that has good sound, a plot. "
        "Now you should write a positive review about this movie."
    )
    listed = imdb.rationale_prompt(Style.chat, "negative", 20)
    assert listed.text.startswith(
        "Imagine you are watching a movie; consider 20 reasons that may lead to negative "
        "impression of the movie."
    )
    mistake = imdb.mistake_draft(Style.chat, Example({"text": "Dull."}, "negative"), 1).prompt
    assert mistake.text == "Write a negative movie review similar to:\nDull."


def test_a_continuation_has_no_system_and_stops_at_the_closing_mark(rte: Classification):
    prompt = rte.seed_draft(Style.continuation, {"premise": PREMISE}, "entailment").prompt
    assert prompt.text.endswith('is definitely correct: "')
    assert (prompt.system, prompt.stop) == ("", ('"',))
    assert prompt.reply_tokens == rte.reply.tokens


def test_a_mistake_keeps_its_context_and_label_and_is_traced(rte: Classification):
    draft = rte.mistake_draft(Style.chat, WRONG, 2)
    assert all(text in draft.prompt.text for text in (PREMISE, "The ferry was empty.", "wrong"))
    made = rte.read(reply('Sure, here is a sentence: "Nobody was on board."'), draft)
    assert made.fields == {"premise": PREMISE, "hypothesis": "Nobody was on board."}
    assert made.target == "not_entailment"
    assert made.origin == Origin(
        "extrapolation", 2, "validation.jsonl:3", draft.prompt.text, "c0ffee-0", "a model"
    )


@pytest.mark.parametrize("text", [PREMISE, "the ferry was empty!"])
def test_a_reply_that_repeats_context_or_mistake_is_dropped(rte: Classification, text: str):
    with pytest.raises(Dropped) as caught:
        rte.read(reply(text), rte.mistake_draft(Style.chat, WRONG, 1))
    assert caught.value.reason == "echo"


def test_a_reply_cut_off_by_its_length_ends_at_a_sentence(imdb: Classification):
    draft = imdb.seed_draft(Style.chat, {}, "positive", ("good sound",))
    made = imdb.read(reply("I liked the sound a lot. And the pl", "length"), draft)
    assert made.fields["text"] == "I liked the sound a lot."
    assert (made.origin.kind, made.origin.rationales) == ("seed", ("good sound",))


def test_labels_and_contexts_are_drawn_uniformly(rte: Classification):
    contexts = [Example({"premise": f"p{i}", "hypothesis": "h"}, "entailment") for i in range(4)]
    draws = [rte.draw(random.Random(f"0/{i}"), contexts) for i in range(2000)]
    counted = Counter((fields["premise"], target) for fields, target in draws)
    assert len(counted) == 8
    assert all(200 < count < 300 for count in counted.values())
    assert {frozenset(fields) for fields, _ in draws} == {frozenset({"premise"})}


def test_contexts_come_from_a_file_of_plain_or_labelled_texts(tmp_path: Path):
    (tmp_path / "plain.txt").write_text("One passage.\nAnother passage.\n")
    (tmp_path / "rows.jsonl").write_text(json.dumps({"premise": "A third.", "more": 1}) + "\n")
    (tmp_path / "empty.txt").write_text("\n")

    def contexts(name: str) -> list[str]:
        task = composed("task=rte", f"task.contexts={tmp_path}/{name}").task
        return [example.fields["premise"] for example in task.context_examples([WRONG])]

    assert contexts("plain.txt") == ["One passage.", "Another passage."]
    assert contexts("rows.jsonl") == ["A third."]
    with pytest.raises(UserError, match="holds no rows"):
        contexts("empty.txt")
    with pytest.raises(UserError, match=r"gone\.txt: no such file"):
        contexts("gone.txt")


def test_contexts_are_golds_where_no_file_is_named(rte: Classification):
    assert rte.context_examples([WRONG]) == [WRONG]


def test_any_number_of_fields_and_labels_with_words_of_their_own(tmp_path: Path):
    """A task of one's own: two given fields, four labels, one YAML's worth of settings."""
    rows = [{"title": "T", "body": "B", "note": f"n {i}", "kind": i % 4} for i in range(8)]
    for name, some in (("rows", rows), ("others", [{**row, "note": "n"} for row in rows])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    names = ["anger", "joy", "optimism", "sadness"]
    task = Classification(
        given=["title", "body"],
        written="comment",
        labels=dict(zip(names, ["angry", "glad", "hopeful", "sad"], strict=True)),
        label="kind",
        gold=composed("task=rte").task.gold,
        query=template("$title / $body: a $label comment"),
        mistake=template("$title / $body: like $comment, $label"),
    )
    files = task.gold.files
    task.gold.source = type(task.gold.source)("files")
    files.path, files.validation, files.test = str(tmp_path), "others.jsonl", "rows.jsonl"
    files.columns, files.labels = {"comment": "note"}, {str(i): n for i, n in enumerate(names)}
    gold = task.load(0)
    assert [example.target for example in gold.test[:4]] == names
    assert gold.test[5].fields == {"title": "T", "body": "B", "comment": "n 5"}
    draft = task.mistake_draft(Style.chat, gold.test[5], 1)
    assert draft.prompt.text == "T / B: like n 5, glad"
    assert draft.fields == {"title": "T", "body": "B"}


def template(text: str):

    return PromptTemplate(chat=text, continuation=text)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("task.query.chat='$premis and'", "query.chat: unknown variable $premis; it may use"),
        ("task.query.chat='costs 5$'", "query.chat: a lone $"),
        ("task.mistake.continuation=''", "mistake.continuation is empty"),
        ("task.query.continuation='$hypothesis'", "unknown variable $hypothesis"),
    ],
)
def test_a_prompt_that_cannot_be_filled_fails_when_composed(override: str, said: str):
    with pytest.raises(UserError) as caught:
        composed("task=rte", override)
    assert said in str(caught.value)


def test_labels_are_at_least_two():
    with pytest.raises(ValueError, match="at least two labels, not 1"):
        Classification(labels={"only": "one"}, gold=composed("task=rte").task.gold)


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("task.written=source", "source"),
        ("task.written=label", "label"),
        ("task.given=[prompt]", "prompt"),
        ("task.given=[id]", "id"),
        ("task.given=[target]", "target"),
        ("task.given=[answers]", "answers"),
    ],
)
def test_a_field_with_the_name_of_another_column_is_refused(override: str, name: str):
    with pytest.raises(UserError, match=rf"'{name}'.* map your column .*gold\.bundled\.columns"):
        composed("task=rte", override)


def test_a_field_with_the_name_of_the_condition_is_refused_where_there_is_one():
    composed("task=rte", "task.given=[condition]", *neutral("rte"))
    with pytest.raises(UserError, match="'condition'"):
        composed("task=imdb", "task.written=condition", *neutral("imdb"))


def neutral(task: str) -> list[str]:
    """Overrides that take the usual fields out of a task's prompts, for a method that asks none."""
    names = ["query", "mistake", "zerogen"]
    return ["method=gold", *(f"task.{name}={{chat: '', continuation: ''}}" for name in names)]


def test_what_decides_of_a_task_is_what_the_method_uses(tmp_path: Path):
    (tmp_path / "a.txt").write_text("One passage.\n")
    (tmp_path / "b.txt").write_text("One passage.\n")

    def identity(*options: str, used: frozenset[str] = frozenset({"query"})) -> Any:
        return composed("task=rte", *options).task.identity(set(used), Style.continuation)

    base = identity()
    assert (
        identity("task.mistake.chat='$label $premise $hypothesis'", "task.rationale_tokens=9")
        == base
    )
    assert identity("task.gold.files.path=elsewhere", "task.name=other") == base
    assert identity("task.query.chat='$label $premise'") == base  # the LLM continues texts
    assert identity("task.query.continuation='$label $premise'") != base
    assert identity("task.reply.tokens=61") != base
    assert identity("task.labels.entailment=true") != base
    contexts = f"task.contexts={tmp_path}"
    assert identity(f"{contexts}/a.txt") == identity(f"{contexts}/b.txt") != base
    gold = identity(used=frozenset())
    assert gold == identity("task.reply.tokens=61", f"{contexts}/a.txt", used=frozenset())
    json.dumps(base)
