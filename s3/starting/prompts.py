"""The prompts of a new task in both styles, filled from a description, columns and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from s3.starting.language import ENGLISH

Prompts = dict[str, dict[str, str]]  # by the prompt's name: its chat and its continuation

SYSTEM = "Answer with the text asked for only. No introduction and no quotation marks."
NO_ASPECT = ("label", "labels", "class", "category", "target")  # columns that say nothing of what


@dataclass(frozen=True)
class Wording:
    """What the prompts of a task say: `about` what its texts are, `aspect` what a label tells."""

    about: str
    aspect: str
    language: str
    text: str  # the written field
    given: Sequence[str] = ()

    @classmethod
    def of(
        cls, about: str, column: str, language: str, text: str, given: Sequence[str] = ()
    ) -> Wording:
        """Return the words for a column of labels; a description may hold the sign $."""
        name = column.strip().replace("_", " ").lower()
        aspect = "kind" if name in NO_ASPECT else name
        return cls(_escaped(about or "texts"), _escaped(aspect), language, text, tuple(given))

    @property
    def system(self) -> str:
        """What goes before each chat."""
        return SYSTEM + ("" if self.language == ENGLISH else f" Write in {self.language}.")

    @property
    def kind(self) -> str:
        """What the texts are, as the start of a document that goes on with such texts."""
        among = "" if self.language == ENGLISH else f" ({self.language})"
        return f"{self.about[0].upper()}{self.about[1:]}{among}."


def prompts_of_texts(say: Wording) -> Prompts:
    """Return the prompts of a task that classifies one text."""
    has = f"whose {say.aspect} is $label"
    head = f"{say.kind}\n\n{say.aspect.capitalize()}: $label\n"
    one = f"Write one example of {say.about} {has}."
    return {
        "persona": {
            "chat": f"Imagine you are one of the people who write {say.about}.",
            "continuation": say.kind,
        },
        "generation": {
            "chat": f"{one[:-1]}. Write in a $style style, about $length words.",
            "continuation": (
                f"{say.aspect.capitalize()}: $label\nStyle: $style, $length words\nText: \""
            ),
        },
        "rationale": {
            "chat": (
                f"Think of {say.about} {has}. List $number things that they say or are about, "
                "one short phrase a line."
            ),
            "continuation": (
                f"{say.kind}\n\nHere are $number things that such texts say or are about when "
                f"their {say.aspect} is $label, short:\n1."
            ),
        },
        "query": {
            "chat": f"{one[:-1]}. It is about: $rationales.",
            "continuation": f"{head}About: $rationales\nText: \"",
        },
        "bare": {"chat": one, "continuation": f"{head}Text: \""},
        "mistake": {
            "chat": (
                f"Here is an example of {say.about} {has}:\n${say.text}\n\n"
                f"Write another one that is similar to it, and {has} too."
            ),
            "continuation": (
                f"{head}Text: \"${say.text}\"\n\n{say.aspect.capitalize()}: $label\n"
                "A similar text: \""
            ),
        },
        "zerogen": {"chat": one, "continuation": f"{head}Text: \""},
    }  # fmt: skip


def prompts_of_pairs(say: Wording) -> Prompts:
    """Return the prompts of a task that classifies a text beside given ones."""
    shown = "\n".join(f"{name.replace('_', ' ').capitalize()}: ${name}" for name in say.given)
    written = say.text.replace("_", " ")
    has = f"the {say.aspect} of the two is $label"
    head = f'{shown}\n{say.aspect.capitalize()}: $label\n{written.capitalize()}: "'
    ask = {
        "chat": f"From {say.about}:\n{shown}\n\nWrite one {written} that goes with it; {has}.",
        "continuation": f"{say.kind}\n\n{head}",
    }
    like = {
        "chat": (
            f"From {say.about}:\n{shown}\n{written.capitalize()}: ${say.text}\n\n{has.capitalize()}"
            f". Write another {written} that is similar to this one; {has}, too."
        ),
        "continuation": (
            f'{say.kind}\n\n{head}${say.text}"\nA similar {written}, of the same {say.aspect}: "'
        ),
    }
    return {"query": ask, "mistake": like}


def prompts_of_questions(say: Wording) -> Prompts:
    """Return the prompts of a task that finds answers in a given passage."""
    (context,) = say.given
    head = f"{say.kind}\n\nPassage: ${context}\n"
    return {
        "query": {
            "chat": (
                f"From {say.about}:\n${context}\n\nWrite one question about this passage. The "
                "answer must be: $answer"
            ),
            "continuation": f"{head}\"$answer\" is the answer to this question: \"",
        },
        "mistake": {
            "chat": (
                f"From {say.about}:\n${context}\n\n$answer is the answer to: ${say.text}\nWrite "
                "another question about this passage that has the same answer."
            ),
            "continuation": (
                f"{head}\"$answer\" is the answer to: \"${say.text}\"\n"
                "Another question that has the same answer: \""
            ),
        },
    }  # fmt: skip


def _escaped(text: str) -> str:
    return " ".join(text.split()).rstrip(".").replace("$", "$$")
