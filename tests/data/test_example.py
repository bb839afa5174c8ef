"""Examples: identity, duplicates, rows that come back as they were, files that appear whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from s3.data.example import Answers, Example, Origin
from s3.data.rows import RESERVED, fingerprint, flat_row, from_row, to_row
from s3.storage import read_jsonl, write_jsonl

GROWN = Origin(
    "extrapolation", 2, "validation.jsonl:7", "a prompt", "c0ffee-1", "a model", ("dull", "long")
)
REVIEW = Example({"text": "Ein großer Film – naïve."}, "positive", GROWN)
SPAN = Example(
    {"context": "It rained in Oslo.", "question": "Where did it rain?"},
    Answers(("Oslo", "in Oslo"), (13, 10)),
)


@pytest.mark.parametrize("example", [REVIEW, SPAN])
def test_an_example_survives_its_row_with_its_origin(example: Example, tmp_path: Path):
    write_jsonl(tmp_path / "rows.jsonl", [to_row(example)])
    (row,) = read_jsonl(tmp_path / "rows.jsonl")
    assert from_row(row) == example
    assert from_row(row).origin == example.origin
    assert row["id"] == example.id


def test_equal_content_has_one_id_whatever_its_origin():
    assert Example(REVIEW.fields, "positive").id == REVIEW.id
    assert Example(REVIEW.fields, "negative").id != REVIEW.id
    moved = Example(SPAN.fields, Answers(("Oslo", "in Oslo"), (13, 9)))
    assert moved.id != SPAN.id


def test_ids_stay_the_same_from_release_to_release():
    assert Example({"text": "good"}, "positive").id == "5047a9f033545e0a"


def test_a_fingerprint_depends_on_content_and_order():
    assert fingerprint([REVIEW, SPAN]) == fingerprint(iter([REVIEW, SPAN]))
    assert fingerprint([REVIEW, SPAN]) != fingerprint([SPAN, REVIEW])


def test_a_file_that_cannot_be_written_whole_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "new" / "rows.jsonl"
    write_jsonl(path, [{"a": "é"}])
    with pytest.raises(TypeError):
        write_jsonl(path, [{"a": 1}, {"a": object()}])
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "é"}
    assert [file.name for file in path.parent.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("example", [REVIEW, SPAN])
def test_rows_have_no_column_beside_the_fields_that_is_not_reserved(example: Example):
    for row in (to_row(example), flat_row(example)):
        assert set(row) - set(example.fields) <= RESERVED
        assert {name: row[name] for name in example.fields} == example.fields


def test_a_row_with_the_models_answer_beside_it_is_the_same_example():
    assert from_row({**to_row(REVIEW), "predicted": "negative"}).fields == REVIEW.fields


def test_a_flat_row_has_squads_answers_or_a_label():
    assert flat_row(REVIEW)["label"] == "positive"
    assert flat_row(REVIEW)["source"] == "validation.jsonl:7"
    assert flat_row(SPAN)["answers"] == {"text": ["Oslo", "in Oslo"], "answer_start": [13, 10]}


def test_duplicates_differ_in_case_spacing_punctuation_and_label_alone():
    shouted = Example({"question": "where  DID it rain", "context": "It rained, in Oslo"}, "x")
    assert shouted.key() == SPAN.key()
    assert shouted.key("question") == ("where did it rain",)
    assert Example({**SPAN.fields, "question": "When did it rain?"}, "x").key() != SPAN.key()
