"""Cleaning of replies: preambles, headings, quotation marks, lists, echoes, declining ones."""

from __future__ import annotations

import json
import re

from rapidfuzz import fuzz

from s3.text import word_count, words

ECHO = 97.5  # similarity in words, 0 to 100: a substitution in forty words is an echo
PASSAGE = 20  # words from which a given text counts as repeated where it is only a part

_OPENER = r"(?:sure(?: thing)?|certainly|of course|okay|ok|absolutely|alright|great|yes)[,.!]*"
_NOUN = (
    r"(?:review|sentence|statement|hypothesis|question|paragraph|example|version|text|rewrite"
    r"|response|list|reason|phrase|factor|impression)s?\b"
)
_KIND = (  # words between "a" and "review"; none that begins a clause: "Here is a film that ..."
    r"(?:(?!that\b|which\b|who\b|where\b|of\b|to\b)[\w'’,()-]+ +){0,6}?"
)
_ADJECTIVES = (
    r"(?:a|an|my|your|new|another|similar|short|movie|film|positive|negative|correct|wrong"
    r"|generated|rewritten|revised)"
)
# What stands before the text, in the order in which it comes. Each must name the thing asked for
# or offer help: reviewers, too, begin with "Sure, ..." or "Okay, let's start with the good: ...".
_FRAMES = tuple(
    re.compile(rf"^\s*{pattern}", re.IGNORECASE)
    for pattern in (
        rf"(?:{_OPENER}\s*)?(?:i(?:['’]d| would) be|i['’]m) (?:happy|glad) to"
        r" (?:help|assist|write|provide|do)\b[^\n.!:]{0,80}[.!:]\s*",
        rf"{_OPENER}\s*i (?:can|will|could) (?:help|assist|write|do that)\b"
        r"[^\n.!:]{0,80}[.!:]\s*",
        rf"{_OPENER}:?[ \t]*\n\s*",
        r"(?:(?:好的|当然(?:可以)?|没问题)[，,！!。]?\s*)?(?:以下|下面)是[^\n：:。]{0,40}[：:]\s*",
        r"(?:(?:بالتأكيد|بالطبع|حسن[اً]*)[،,!.]?\s*)?(?:إليك|فيما يلي)\b[^\n:.]{0,80}:\s*",
        rf"(?:{_OPENER}\s*)?(?:here(?:['’]s| is| are)|below (?:is|are)"
        r"|the following(?: is| are)?)"
        rf" +{_KIND}{_NOUN}[^\n:]{{0,120}}(?::[*_]*|\n)\s*",
        r"[*#]*\s*title\s*:[^\n]*\n\s*",
        rf"[*#]*\s*(?:{_ADJECTIVES} +){{0,4}}(?:q|answer|{_NOUN})(?:\s*\([^)\n]{{1,40}}\))?"
        r"[*]*\s*:[*]*\s*",
        rf"[*#]+\s*(?:{_ADJECTIVES} +){{0,4}}{_NOUN}\s*[*]*\s*\n\s*",
        r"(?:\d{1,2}[.)]|[-•])\s+",
    )
)
_AFTERWORD = re.compile(  # the last line
    r"[*(]*(?:(?:note|explanation|reason|reasoning|rationale)\b[*]*:"
    r"|this (?:sentence|statement|hypothesis|review|question) (?:is|was|reflects|has|can|follows)\b"
    r"|let me know\b|i hope (?:this|that) helps|feel free to\b)",
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:```|~~~)\s*\w*|[-*_=]{3,}")  # a line of Markdown without words
_COUNTED = re.compile(
    r"\s?[(\[*_]{0,4}\bword count:?\s*\d{1,5}(?: words)?[)\]*_.]*$", re.IGNORECASE
)
_CANNOT = (
    r"(?:can(?:no|['’])t|can not|won['’]t|(?:am|['’]m) (?:unable|not able) to|must decline to)"
)
_DECLINED = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language)(?:,? i\b|,? (?:language )?model"
    r"|,? (?:text|assistant|system))"
    rf"|\bi ?{_CANNOT} (?:generate|comply|assist|fulfil|engage in|help (?:you|with))"
    rf"|\bi ?{_CANNOT} (?:write|create|provide|produce|complete|continue|answer|offer)"
    r" [^.!?\n]{0,50}\b(?:content|reviews?|requests?|prompts?|statements?|sentences?|questions?"
    r"|hypothes[ie]s|responses?|opinions?)\b"
    r"|\bi apologi[sz]e,? (?:but|for (?:the|any) (?:confusion|inconvenience|misunderstanding))"
    r"|作为(?:一个|一名)?(?:ai|人工智能|大?型?语言模型)|我无法(?:提供|满足|完成|协助|生成)(?:您|你|这|该|此)"
    r"|(?:بصفتي|باعتباري|كوني) نموذج|كنموذج لغوي|ai(?:言語モデル)?として"
    r"|\bmy programming\b|\bas it goes against\b|\bopenai\b|\bcontent polic",
    re.IGNORECASE,
)
_ASKS_BACK = re.compile(
    r"\b(?:please|(?:can|could) you(?: please)?) (?:provide|clarify|specify|share)\b"
    r"|\bi (?:need|don['’]t have) (?:more|enough|sufficient) (?:information|context|details)",
    re.IGNORECASE,
)
# How a model begins to think aloud, about the request or about itself (English and Chinese).
_THINKS = re.compile(
    r"^(?:(?:okay|ok|alright|hmm+|well|so|now|first|let me (?:think|see))\b[,.]* *)*"
    r"(?:the user (?:is asking|wants|asks|asked|has|needs|provided|gave|said)\b"
    r"|(?:i|we)(?:['’]m| am|['’]re| are|['’]ve been| have been| was| were)?"
    r" (?:asked|tasked|supposed|need|have|want|should) (?:to|with) (?:(?:me|us) )?"
    r"(?:write|writing|come up|generat|creat|produc|craft|list|provid|answer|output|figure|think)"
    r"|let me (?:think|break)\b|let['’]s (?:think|break)\b)"
    r"|^(?:好的|嗯|首先)?[，,。]*(?:用户|我需要|我们需要|我得)",
    re.IGNORECASE,
)
_PAIRS = {'"': '"', "“": "”", "'": "'", "«": "»", "‘": "’", "「": "」", "『": "』"}
_MARK = re.compile(r"^(?:(?:\d+[.):]|[-*•])\s|\d+[、．]\s?)")
# What is no item of a list, but an answer to the question whether there will be one.
_NO_ITEM = re.compile(
    r"(?:no|yes|none|nothing|n/a|sorry|ok|okay|sure|certainly|of course)"
    r"(?:[ ,]+(?:no|yes|sorry|sure|thanks|thank you|problem|idea|reasons?|comment))?",
    re.IGNORECASE,
)


def is_declined(text: str) -> bool:
    """Say whether an LLM declines to write, in its first sentences."""
    return _DECLINED.search(text[:200]) is not None


def asks_back(text: str) -> bool:
    """Say whether an LLM asks, in its first sentences, for what it would need to write."""
    return _ASKS_BACK.search(text[:200]) is not None


def thinks_aloud(text: str) -> bool:
    """Say whether a text begins as the thoughts of a reasoning model do.

    Many templates begin the thought before the reply begins: one that is cut off in it has no mark
    of a thought at all. People begin so, too, so this is to be asked of what was cut off alone.
    """
    return _THINKS.search(text[:200]) is not None


def squeezed(text: str) -> str:
    """Return a text with one space at most between words, and no empty lines.

    Patterns that allow for white space in several places take quadratic time for much of it.
    """
    return "\n".join(filter(None, (" ".join(line.split()) for line in text.splitlines())))


def strip_frame(text: str) -> str:
    """Remove preamble, afterword, quotation marks, Markdown and JSON around; join the lines."""
    lines = [line for line in squeezed(text).splitlines() if not _RULE.fullmatch(line)]
    text = _COUNTED.sub("", _of_object("\n".join(lines)))
    before, _, last = text.rpartition("\n")
    if before and _AFTERWORD.match(last):
        text = before
    for frame in _FRAMES:
        text = frame.sub("", text)
    if all(line.startswith(">") for line in text.splitlines()):
        text = "\n".join(line.lstrip("> ") for line in text.splitlines())
    return " ".join(strip_quotes(text).split())


def _of_object(text: str) -> str:
    """Return the longest text of a JSON object, whose other fields may tell the label."""
    if not text.startswith("{"):
        return text
    try:
        found = json.loads(text, strict=False)
    except (ValueError, RecursionError):
        return text
    return max((one for one in found.values() if isinstance(one, str)), key=len, default="")


def strip_quotes(text: str) -> str:
    """Remove marks that enclose the whole text or its first lines, or that were left open."""
    text = text.strip()
    if len(text) > 4 and text.startswith("**") and text.endswith("**") and "**" not in text[2:-2]:
        text = text[2:-2].strip()
    opening = next((mark for mark in _PAIRS if text.startswith(mark)), "")
    if opening:
        end = _closing(text, opening)
        if end is None:
            return text if opening in "'‘" else text[1:].strip()
        if end == len(text) - 1 or (text[end + 1] == "\n" and text[end - 1] in ".!?。！？؟"):
            return text[1:end].strip()
    if text[-1:] in ('"', "”") and _left_open(text):
        return text[:-1].strip()
    return text


def _closing(text: str, opening: str) -> int | None:
    """Return where the quotation that begins the text ends; marks inside may nest."""
    depth = 0
    for place, step in _marks(text, opening, _PAIRS[opening]):
        depth += step
        if depth == 0:
            return place
    return None


def _left_open(text: str) -> bool:
    """Say whether the mark that ends a text closes a quotation that was never opened."""
    closing = text[-1]
    opening = next(mark for mark, other in _PAIRS.items() if other == closing)
    depth = 0
    for _, step in list(_marks(text, opening, closing))[:-1]:
        depth = max(0, depth + step)
    return depth == 0


def _marks(text: str, opening: str, closing: str) -> list[tuple[int, int]]:
    """Return (place, 1 or -1) of marks that open or close; an apostrophe inside a word is none."""
    found = []
    for place, char in enumerate(text):
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if char not in (opening, closing) or (
            char in "'’" and before.isalnum() and after.isalnum()
        ):
            continue
        opens = char == opening and (opening != closing or not before or before in " \n\t([-—>/")
        found.append((place, 1 if opens else -1))
    return found


def repeats(text: str, given: str) -> bool:
    """Say whether a text is the given one or lifted out of it, or holds all of a long one.

    In words, whatever their case and marks: one changed word makes a short sentence a new one,
    for it may turn its meaning, but not a review.
    """
    said, others = words(text), words(given)
    if len(said) > len(others) and len(others) < PASSAGE:
        return fuzz.ratio(said, others) >= ECHO
    return fuzz.partial_ratio(said, others) >= ECHO


def listed(text: str, finished: bool = True) -> list[str]:
    """Return the items of a numbered, bulleted or plain list, without repeats.

    The last one goes where the LLM was cut off. What follows a colon explains an item. A single
    line without a number or bullet is no list, nor are lines that begin with "No.".
    """
    text = squeezed(text)
    for frame in _FRAMES[:6]:
        text = frame.sub("", text)
    parts = re.split(r"\n| (?=\d{1,2}[.)]\s)", text)
    lines = parts if finished else parts[:-1]
    lines = [line for line in lines if not line.rstrip("* ").endswith((":", "："))]
    if any(map(_MARK.match, lines)):  # the first may continue a prompt that ends in "1."
        lines = [line for place, line in enumerate(lines) if place == 0 or _MARK.match(line)]
    elif len(parts) < 2 or _NO_ITEM.fullmatch(parts[0].rstrip(".!")):
        return []
    bare = (_MARK.sub("", line).replace("*", "").replace("：", ":") for line in lines)
    items = (line.partition(":")[0] for line in bare)
    items = (strip_quotes(item.strip().rstrip(".;,!。；，！؛،")) for item in items)
    good = (one for one in items if 1 <= word_count(one) <= 20 and not _NO_ITEM.fullmatch(one))
    return list(dict.fromkeys(good))
