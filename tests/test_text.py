"""The one normaliser: what makes two texts the same in any language, and what does not."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest

from s3.llm.thoughts import without_thoughts
from s3.metrics import normalise
from s3.tasks import Dropped, ReplyRules
from s3.tasks.cleaning import listed
from s3.text import same, sanitised, word_count, words


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


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("half \ud83d of one", "half  of one"),  # of a surrogate pair
        ("a\x00b\x08\x7f", "ab"),
        ("one\x0btwo\r\nthree\tfour", "one two \nthree\tfour"),
        ("\x1b]0;owned\x07\x1b[31mred\x1b[0m \x1b[2J\x1b(Bfine\x1b", "red fine"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ and more", "link and more"),
        ("it\x92s \x93fine\x94 \x96 or not\x85\x81", "it’s “fine” – or not…"),  # Windows' codes
        ("user\u202e txt.exe\u2066 \u200fmark\u061c", "user txt.exe mark"),
        ("\ufeffw\u200be\u200cl\u200dl co\xadop\u2060", "well coop"),
        ("one\u2028two\u2029three", "one\ntwo\nthree"),
        ("tag\U000e0041\U000e0042ged", "tagged"),
        ("zalgo" + "\u0301\u0327" * 500, "zalgo" + "\u0301\u0327" * 15),
    ],
)
def test_what_no_reader_sees_goes(text: str, left: str):
    assert sanitised(text) == left
    assert sanitised(left) == left
    left.encode()


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم بروم",  # Persian: a joiner that keeps letters apart
        "क्\u200dष और क्\u200cष",  # Hindi: half forms
        "ශ්\u200dරී ලංකා",  # Sinhala
        "👩\u200d❤️\u200d👨 🏴\u200d☠️ 👍🏽",  # emoji
        "ภาษา\u200bไทย",  # Thai: where a line may break
        "Zoë wrote “naïve” – 3 × 4 ≠ 5, 中文，日本語。 שלום؟\n\tEnd…",
        "cafe\u0301 ﻻ Ａ",
    ],
)
def test_what_a_script_needs_stays(text: str):
    assert sanitised(text) == text


def test_the_start_of_a_text_stays_the_start_so_that_places_can_be_counted_anew():
    text = "a\u202e b\x00c می\u200cخ\u200c\u200d \x93d\x94 \u0301\ud800e"
    whole = sanitised(text)
    assert all(whole.startswith(sanitised(text[:end])) for end in range(len(text) + 1))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("你好，世界！", "你好 世界"),
        ("ｉＰｈｏｎｅ手机", "iphone 手机"),
        ("本を読む。", "本 を読む"),
        ("ฉันรักคุณ", "ฉัน รัก คุณ"),
        ("كـــبير", "كبير"),  # a word that is stretched
        ("هل هذا؟", "هل هذا"),
        ("\u200fשלום, עולם", "שלום עולם"),
    ],
)
def test_texts_of_other_scripts_are_the_same_but_for_spacing_and_marks(one: str, other: str):
    assert same(one) == same(other)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Don't go - it's well-known ...", 4),
        ("这部电影很好看。", 7),
        ("我用iPhone 15看电影", 7),
        ("この映画は良い", 7),
        ("ฉันชอบหนังเรื่องนี้มาก", 6),  # of 16 letters; a dictionary finds six words too
        ("هذا فيلم جميل جدا؟", 4),
        ("זה סרט יפה", 3),
        ("이 영화는 좋다", 3),
        ("。！", 0),
    ],
)
def test_words_are_counted_where_no_spaces_part_them(text: str, count: int):
    assert word_count(text) == count


# Each was once, or may be, where a pattern begins to look again and again.
UNITS = [
    *"\n\t .*#('\"“‘:!?-a中กé", "\u0301", "\u0327\u0301", "\x1b[", "\x1b]", "\u200d", "\u202e",
    "1. ", "- ", "a ", "Sure ", "here is a ", "# review ", "review (", "title: ", "Note: ",
    "</think>", "<think>", "<think", "<|channel|>", "<|channel|>final ", "i cannot write ", ".\"' ",
    "。」", "Mr. ",
]  # fmt: skip


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
@pytest.mark.parametrize("frame", ["{}", "# review{}x", "Sure! Here is a review{}\nx", "x\n{}Note"])
def test_what_reads_a_reply_takes_linear_time(unit: str, frame: str):
    def read(length: int) -> float:
        """The least of three times, in seconds, to do all that is done to a reply."""
        reply, times = frame.format(unit * (length // len(unit))), []
        for _ in range(3):
            start = time.process_time()
            text, _ = without_thoughts(sanitised(reply))
            for finished in (True, False):
                listed(text, finished)
                with suppress(Dropped):
                    ReplyRules().clean(text, finished, (text,))
            same(text)
            normalise(text)
            times.append(time.process_time() - start)
        return min(times)

    short, long = read(3_000), read(24_000)  # quadratic: 64 times as long
    assert long < 24 * short + 0.05
