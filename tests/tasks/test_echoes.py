"""What a small model lifts out of its prompt is no example."""

from __future__ import annotations

import pytest

from s3.data.example import Example, Origin
from s3.llm import Style
from s3.llm.types import Completion
from s3.tasks import Dropped
from tests.author import composed

PREMISE = "The ferry left at noon with nine people on board."


def reply(text: str) -> Completion:
    return Completion(
        text=text, finish="stop", prompt_tokens=9, completion_tokens=9, id="c", model="m"
    )


@pytest.mark.parametrize("lifted", ["Elena Marsh was born in Kenya.", "the library lost a book"])
def test_an_example_of_the_prompt_is_an_echo(lifted: str):
    task = composed("task=rte").task
    task.mistake.continuation = (
        'The library lost a book. Wrong: "Elena Marsh was born in Kenya." $premise Also $label: "'
    )
    wrong = Example({"premise": PREMISE, "hypothesis": "Nine left."}, "entailment", Origin("gold"))
    draft = task.mistake_draft(Style.continuation, wrong, 1)
    with pytest.raises(Dropped, match="echo"):
        task.read(reply(lifted), draft)
    assert task.read(reply("Nine people were on the ferry."), draft).target == "entailment"


def test_the_list_of_rationales_is_an_echo():
    task = composed("task=imdb").task
    reasons = ("The jokes are old", "Nobody laughs", "The plot is thin")
    draft = task.seed_draft(Style.continuation, {}, "negative", reasons)
    with pytest.raises(Dropped, match="echo"):
        task.read(reply("The jokes are old, nobody laughs, the plot is thin."), draft)
    assert task.read(reply("The jokes are old and I wanted to leave."), draft)
