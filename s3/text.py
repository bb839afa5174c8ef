"""Texts as such, in any script: what may not be in one, what its words are, when two are the same.

Whatever comes in from outside (a reply, a gold row, an audited file) goes through `sanitised`, and
so does what is shown on a terminal. Whatever looks for duplicates, echoes or copies asks `words` or
`same`, so that all of it means one thing by "the same text": equal but for case, spacing,
punctuation and the way Unicode composes it. (Answers are judged in `s3/metrics.py`.)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import groupby


def _ranges(signs: Iterable[str]) -> str:
    """Return signs as the inside of a regular expression's set, neighbours as a range."""
    codes = enumerate(map(ord, signs))
    runs = [[code for _, code in run] for _, run in groupby(codes, lambda one: one[1] - one[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


# Scripts that part no words by spaces, where Unicode finds words by a dictionary only (UAX #29).
# Chinese and Japanese: each character counts as a word, as word processors count them and MLQA's
# evaluation (Lewis et al. 2020) compares them.
_CHARACTERS = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u309f\u30a1-\u30fa\u30fc-\u312f"
    "\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# Thai and Lao, Burmese, Khmer, the other Tai scripts: line breaking class SA (UAX #14).
_COMPLEX = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
)
LETTERS = 3  # of these that count as one word where lengths are limited: about a Thai word
_OF_COMPLEX = re.findall(f"[{_COMPLEX}]", "".join(map(chr, range(0xAAE0))))
_MARKS = _ranges(one for one in _OF_COMPLEX if unicodedata.category(one)[0] == "M")
_LETTERS = _ranges(one for one in _OF_COMPLEX if unicodedata.category(one)[0] == "L")
_CHARACTER = re.compile(f"[{_CHARACTERS}]")
_LETTER = re.compile(f"[{_LETTERS}][{_MARKS}]*")
_ALONE = re.compile(f"{_CHARACTER.pattern}|{_LETTER.pattern}")

_STEERING = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
# Joiners belong into the letters of Arabic, Indic and other scripts and into emoji; anywhere else
# nobody sees them. A space of no width parts words in the complex scripts alone.
_JOINING = "\u0590-\u1dff\u2600-\u27bf\ua800-\uabff\ufb1d-\ufe0f\ufe70-\ufefc\U00010800-\U0001fbff"
# Marks over and under letters; normalising takes quadratic time for a heap of them. No language
# has more than a few on a letter: what is above 30 goes (Unicode's stream-safe format, UAX #15).
_STACKED = _ranges(filter(unicodedata.combining, map(chr, range(0x300, 0x1E94B))))
_UNWANTED = re.compile(
    rf"[{_STEERING}\u200b-\u200d{_STACKED}](?:"  # one set in front, which is searched for fast
    r"(?<=\x1b)(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|[ -/]*[0-~])?"
    rf"|(?<=[{_STEERING}])"
    rf"|(?<=[\u200c\u200d])(?<![{_JOINING}].)"
    rf"|(?<=\u200b)(?<![{_COMPLEX}].)"
    rf"|(?<=[{_STACKED}]{{31}}))",
    re.DOTALL,
)
# What takes a place takes it as a space. Codes 0x80 to 0x9f are Windows' quotation marks and
# dashes that somebody has read as Latin-1; HTML's standard and ftfy read them so, too.
_INSTEAD = {
    **dict.fromkeys("\x0b\x0c\r\x1c\x1d\x1e\x1f", " "),
    **dict.fromkeys("\u2028\u2029", "\n"),
    **{chr(code): bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)},
}


def sanitised(text: str) -> str:
    """Return a text without what no reader sees: what steers terminals or breaks files.

    Halves of surrogate pairs, control characters and sequences, marks that turn the direction of
    writing, characters of no width and heaps of marks go; joiners stay where letters need them.
    Each goes whatever follows it: the start of a text stays the start of its sanitised form.
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text  # as most texts are: found out 80 times as fast
    return _UNWANTED.sub(lambda found: _INSTEAD.get(found[0], ""), text)


class _Separators(dict[int, str]):
    """For `str.translate`: punctuation, white space and control characters become spaces.

    Letters, digits, combining marks and symbols that carry meaning (currency, emoji, plus) stay.
    What has no width goes, and so does the bar that stretches an Arabic word.
    """

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        kept = category[0] in "LMNS" and category != "Sk"
        self[code] = "" if category == "Cf" or code == 0x0640 else chr(code) if kept else " "
        return self[code]


_SEPARATORS = _Separators()


def apart(text: str) -> str:
    """Return a text with spaces around what is a word by itself in scripts without spaces."""
    return _ALONE.sub(r" \g<0> ", text)


def words(text: str) -> list[str]:
    """Return the words of a text, case-folded, in order and without punctuation."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return apart(folded.translate(_SEPARATORS)).split()


def word_count(text: str) -> int:
    """Return how many words a text has, as its length is limited: what spaces part.

    In scripts without spaces a Chinese or Japanese character counts as a word, and so do LETTERS
    letters of Thai, Lao, Khmer or Burmese.
    """
    parted = sum(any(map(str.isalnum, one)) for one in _ALONE.sub(" ", text).split())
    letters = len(_LETTER.findall(text))
    return parted + len(_CHARACTER.findall(text)) + -(-letters // LETTERS)


def same(text: str) -> str:
    """Return a text's normal form; texts with equal forms are the same.

    It is the text's words. A text of nothing but punctuation is the same as none but itself.
    """
    return " ".join(words(text)) or text.strip()
