"""What language texts are in, guessed from their letters and their most frequent words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

ENGLISH = "English"
LETTERS = 20_000  # looked at
# Frequent words that tell languages of one script from each other.
WORDS = {
    ENGLISH: "the and is of you that it not have this are was",
    "German": "der die und ist nicht das ein ich sie mit auf wir",
    "French": "le les et est pas une je des vous dans que pour",
    "Spanish": "el los y es que una por con para las muy pero",
    "Italian": "il che di non è una per sono gli della ho ma",
    "Portuguese": "o que não uma os com para do da em é mas",
    "Dutch": "de het een en niet van ik dat is op voor zijn",
    "Russian": "и в не на что это я как но он она мы",
    "Ukrainian": "і в не на що це я як але він вона ми",
}
SCRIPTS = {
    "HANGUL": "Korean", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "CJK": "Chinese",
    "GREEK": "Greek", "HEBREW": "Hebrew", "THAI": "Thai", "ARABIC": "Arabic",
    "DEVANAGARI": "Hindi", "BENGALI": "Bengali", "TAMIL": "Tamil", "GEORGIAN": "Georgian",
    "ARMENIAN": "Armenian", "CYRILLIC": "Russian",
}  # fmt: skip


def language_of(texts: Iterable[str]) -> str:
    """Return the likeliest language; English where nothing tells.

    Scripts that several languages share are told apart by frequent words where some are known, and
    are else taken for their most widely written language: it is a guess.
    """
    text = " ".join(texts)[:LETTERS].casefold()
    scripts = Counter(unicodedata.name(one, "").partition(" ")[0] for one in text if one.isalpha())
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > len(text) / 50:  # beside Chinese characters
        return "Japanese"
    said = Counter(re.findall(r"\w+", text))
    known = {name: sum(said[word] for word in words.split()) for name, words in WORDS.items()}
    script = max(scripts, key=scripts.__getitem__, default="LATIN")
    best = max(known, key=known.__getitem__)
    if script in ("LATIN", "CYRILLIC") and known[best]:
        return best
    return SCRIPTS.get(script, ENGLISH)
