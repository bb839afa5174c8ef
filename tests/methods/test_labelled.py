"""Texts that exist and have no label: the LLM labels them, and where it agrees they are seeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from s3.errors import UserError
from tests.author import composed, rationales
from tests.methods.trial import Trial

GOOD = [f"A good film with a story of its own, number {i}." for i in range(6)]
BAD = [f"A bad film without any story, number {i}." for i in range(4)]
TORN = [f"A film that nobody is sure of, number {i}." for i in range(3)]


def author(prompt: str, sample: str) -> str:
    """Label what is asked about; of the torn texts say what stands first."""
    if "Which of these labels fits?" not in prompt:
        return rationales(prompt, sample)
    first = prompt.partition("fits? ")[2].partition(",")[0]
    return "positive" if "good" in prompt else "negative" if "bad" in prompt else first


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    rows = [*GOOD, *BAD, *TORN, GOOD[0]]
    path.write_text("text\n" + "\n".join(f'"{one}"' for one in rows) + "\n")
    return path


def test_texts_are_labelled_and_the_seed_is_filled_up_by_synthesis(texts: Path) -> None:
    trial = Trial(
        "task=imdb", "method=zerogen", "method.seed=labelled", f"task.unlabelled={texts}",
        "seed_size=20", write=author,
    )  # fmt: skip
    (round_,) = trial.rounds
    found = {one.fields["text"]: one for one in round_.train if one.origin.kind == "labelled"}
    # Three of five orders begin with one label, two with the other: a vote of 3 of 5 is a majority.
    assert {text: found[text].target for text in (*GOOD, *BAD)} == {
        **dict.fromkeys(GOOD, "positive"), **dict.fromkeys(BAD, "negative"),
    }  # fmt: skip
    sure, torn = found[GOOD[1]].origin, found[TORN[0]].origin
    assert sure.rationales == ("5 of 5 replies",)
    assert torn.rationales == ("3 of 5 replies",)
    assert sure.source == "texts.csv:3"
    assert sure.completion
    assert sure.model
    written = [one for one in round_.train if one.origin.kind == "seed"]
    assert len(written) == 20 - len(found)


def test_replies_that_name_no_label_make_no_row(texts: Path) -> None:
    def vague(prompt: str, sample: str) -> str:
        return "Hard to say." if "Which of these" in prompt else rationales(prompt, sample)

    trial = Trial(
        "task=imdb", "method=zerogen", "method.seed=labelled", f"task.unlabelled={texts}",
        "seed_size=4", write=vague,
    )  # fmt: skip
    (round_,) = trial.rounds
    assert [one.origin.kind for one in round_.train] == ["seed"] * 4
    assert round_.added.dropped["disagreement"] == 4


@pytest.mark.parametrize(
    "options",
    [
        ("task=imdb", "method=zerogen", "method.seed=labelled"),
        ("task=adversarial_qa", "method=zerogen", "method.seed=labelled", "task.unlabelled=x.csv"),
    ],
)
def test_without_texts_or_without_labels_there_is_nothing_to_label(
    options: tuple[str, ...],
) -> None:
    with pytest.raises(UserError, match=r"needs a file of texts in task\.unlabelled"):
        composed(*options)


def test_the_texts_decide_the_result(texts: Path) -> None:
    def identity() -> object:
        one = composed("task=imdb", "method=zerogen", "method.seed=labelled",
                       f"task.unlabelled={texts}")  # fmt: skip
        used = one.method.templates(one.task)
        return one.task.identity(used, one.llm.style)

    before = identity()
    texts.write_text(texts.read_text() + '"Another film, which is good."\n')
    assert identity() != before
