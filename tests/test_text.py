"""The one normaliser: what makes two texts the same in any language, and what does not."""

from __future__ import annotations

import pytest

from s3.text import same, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It fell.", "it  FELL"),
        ("\u201cIt\u2019s here!\u201d", "it's here"),
        ("Straße", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),  # composed or not
        ("\uff21\uff22\uff23 \ufb01n", "abc fin"),  # full width, ligature
        ("a\u00a0b\tc", "a b c"),
        ("well-known", "well known"),
    ],
)
def test_texts_are_the_same_but_for_case_spacing_marks_and_composition(one: str, other: str):
    assert same(one) == same(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It fell", "It felt"),
        ("fine \U0001f600", "fine \U0001f620"),  # an emoji may carry the sentiment
        ("it costs $5", "it costs 5"),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u0928\u0926"),  # vowel signs are no marks
        ("...", "!"),
        ("a b", "ab"),
    ],
)
def test_what_may_mean_something_else_is_not_the_same(one: str, other: str):
    assert same(one) != same(other)


def test_words_are_in_order_folded_and_bare():
    assert words('He said: "Don\'t!" (twice)') == ["he", "said", "don", "t", "twice"]
    assert words("...") == []
    assert same(" ... ") == "..."
