"""Scores of predictions, all in 0..1: accuracy, macro-F1, and SQuAD's exact match and F1.

Answers in other languages are compared as MLQA's evaluation does it (Lewis et al. 2020).
"""

from __future__ import annotations

import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

from s3.text import apart

NORMAL_95 = 1.96  # standard errors within which chance stays 19 times in 20
LAST_LATIN = "\u024f"  # letters behind it are of another script
_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)


def accuracy(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Return the share of labels that are right."""
    return sum(p == g for p, g in zip(predicted, gold, strict=True)) / len(gold)


def macro_f1(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Return the unweighted mean of F1 over the labels that occur in either list.

    A label that is never predicted, or never gold, counts as 0.
    """
    right = Counter(p for p, g in zip(predicted, gold, strict=True) if p == g)
    occurs = Counter(predicted) + Counter(gold)
    return sum(2 * right[label] / total for label, total in occurs.items()) / len(occurs)


def unrelated(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Return the accuracy of answers with these shares that had nothing to do with the examples.

    Cohen's kappa measures from it: answers below it go against the labels.
    """
    labels, said = Counter(gold), Counter(predicted)
    return sum(labels[one] * said[one] for one in labels) / len(gold) ** 2


def against(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Return by how many standard errors answers are right less often than unrelated ones.

    A standard error is that of the accuracy, sqrt(p (1 - p) / n). Above 0 Cohen's kappa is below.
    """
    right = accuracy(predicted, gold)
    error: float = (right * (1 - right) / len(gold)) ** 0.5
    below = unrelated(predicted, gold) - right
    if not below:
        return 0.0
    return below / error if error else math.copysign(math.inf, below)


def exact_match(predicted: str, answers: Sequence[str]) -> float:
    """Return 1 if the answer equals a gold answer after SQuAD's normalisation, else 0."""
    return float(normalise(predicted) in map(normalise, answers))


def f1(predicted: str, answers: Sequence[str]) -> float:
    """Return the largest word-level F1 with any gold answer, as SQuAD defines it."""
    return max(_word_f1(normalise(predicted).split(), normalise(a).split()) for a in answers)


def normalise(text: str) -> str:
    """Lower the case, drop punctuation and articles, put one space between words.

    For texts in Latin letters it is the normalisation of SQuAD's official evaluation script,
    version 1.1; MLQA's drops the punctuation of other scripts too, and takes each character for a
    word where a script parts none by spaces.
    """
    letters = [sign > LAST_LATIN for sign in text if sign.isalpha()]
    latin = 2 * sum(letters) <= len(letters)
    counts = (
        sign
        for sign in text.lower()
        if sign not in _PUNCTUATION and (latin or unicodedata.category(sign)[0] != "P")
    )
    bare = _ARTICLES.sub(" ", "".join(counts))
    return " ".join((bare if latin else apart(bare)).split())


def _word_f1(predicted: list[str], answer: list[str]) -> float:
    if not predicted or not answer:  # an answer may be a mere article; version 2.0's rule
        return float(predicted == answer)
    common = sum((Counter(predicted) & Counter(answer)).values())
    return 2 * common / (len(predicted) + len(answer))
