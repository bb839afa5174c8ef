"""The one text normaliser: what a text's words are, and when two texts are the same.

Whatever looks for duplicates, echoes or copies asks here, so that all of it means one thing by
"the same text": equal but for case, spacing, punctuation and the way Unicode composes it.
(SQuAD's answers are judged by the definition of its own script, in `s3/metrics.py`.)
"""

from __future__ import annotations

import unicodedata


class _Separators(dict[int, str]):
    """For `str.translate`: punctuation, white space and control characters become spaces.

    Letters, digits, combining marks and symbols that carry meaning (currency, emoji, plus) stay.
    """

    def __missing__(self, code: int) -> str:
        category = unicodedata.category(chr(code))
        kept = category[0] in "LMNS" and category != "Sk"
        self[code] = chr(code) if kept else " "
        return self[code]


_SEPARATORS = _Separators()


def words(text: str) -> list[str]:
    """Return the words of a text, case-folded, in order and without punctuation."""
    return unicodedata.normalize("NFKC", text).casefold().translate(_SEPARATORS).split()


def same(text: str) -> str:
    """Return a text's normal form; texts with equal forms are the same.

    It is the text's words. A text of nothing but punctuation is the same as none but itself.
    """
    return " ".join(words(text)) or text.strip()
