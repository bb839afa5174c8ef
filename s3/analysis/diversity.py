"""How different from each other the texts of a data set are, by their words and as points.

What hangs on the number of texts is measured on a seeded sample of at most `SAMPLE`, so that rounds
and runs of other sizes can be compared.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from math import exp, log

import numpy as np

from s3.analysis.encodings import Points
from s3.analysis.similarity import nearest, some
from s3.text import words

SAMPLE = 1000  # texts
ORDERS = 4  # of the n-grams of BLEU
EPSILON = 0.1  # matches where there is none (Chen and Cherry 2014, method 1)

Gram = tuple[str, ...]


def sampled(texts: Sequence[str], seed: int = 0, most: int = SAMPLE) -> list[list[str]]:
    """Return the words of at most `most` texts, drawn with the seed."""
    chosen = random.Random(seed).sample(range(len(texts)), min(most, len(texts)))
    return [words(texts[i]) for i in sorted(chosen)]


def distinct_n(texts: Sequence[Sequence[str]], n: int) -> float:
    """Return the share of different n-grams among all n-grams of some texts, each a list of words.

    Source: Li et al., NAACL 2016 (distinct-n). It falls with the number of words.
    """
    count = Counter(gram for text in texts for gram in grams(text, n))
    return len(count) / total if (total := count.total()) else 0.0


def grams(text: Sequence[str], n: int) -> Iterator[Gram]:
    """Yield the n-grams of a text."""
    return zip(*(text[i:] for i in range(n)), strict=False)


def self_bleu(texts: Sequence[Sequence[str]]) -> float:
    """Return the mean BLEU-4 of each text with all others as its references; 1: all are the same.

    Source: Zhu et al., SIGIR 2018 (Texygen): corpus-free sentence BLEU with equal weights, the
    nearest reference's length for the brevity penalty, 0.1 matches where there are none.
    """
    counts = [[Counter(grams(text, n + 1)) for n in range(ORDERS)] for text in texts]
    others = [_most([one[n] for one in counts]) for n in range(ORDERS)]
    lengths = Counter(map(len, texts))
    scores = []
    for text, own in zip(texts, counts, strict=True):
        logs = 0.0
        for mine, most in zip(own, others, strict=True):
            # What another text has at most: the second most, where this one has the most alone.
            matches = sum(min(n, most[g][1 if n == most[g][0] else 0]) for g, n in mine.items())
            logs += log((matches or EPSILON) / (mine.total() or 1)) / ORDERS
        scores.append(
            exp(min(0.0, 1 - _nearest_length(len(text), lengths) / max(len(text), 1)) + logs)
        )
    return float(np.mean(scores)) if scores else 0.0


def _most(counts: Sequence[Counter[Gram]]) -> dict[Gram, tuple[int, int]]:
    """Return how often the text that has an n-gram most often has it, and the next one."""
    most: dict[Gram, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for one in counts:
        for gram, n in one.items():
            first, second = most[gram]
            most[gram] = (n, first) if n > first else (first, max(n, second))
    return most


def _nearest_length(own: int, lengths: Counter[int]) -> int:
    """Return the length of another text that is nearest to this one's; of two, the shorter."""
    rest = [length for length, n in lengths.items() if n > (length == own)]
    return min(rest, key=lambda length: (abs(length - own), length), default=own)


def remote_clique(points: Points) -> float:
    """Return the mean over texts of the mean distance to the others; distance is 1 - cosine.

    Source: Li et al. (EMNLP 2023), who name no distance; nothing is normalised. Exact for any
    number of points: the sum of all cosines is the square of the points' sum.
    """
    number = len(points)
    if number < 2:
        return 0.0
    total = points.sum(axis=0, dtype=np.float64)
    return float(1 - (total @ total - number) / (number * (number - 1)))


def chamfer(points: Points) -> float:
    """Return the mean over texts of the distance to the nearest other; distance is 1 - cosine.

    Source: Li et al. (EMNLP 2023), as above. It falls with the number of texts.
    """
    chosen = some(len(points))
    return float(1 - nearest(points[chosen], points, own=chosen).mean()) if len(points) > 1 else 0.0


def vendi(points: Points) -> float:
    """Return the Vendi score: how many texts that have nothing in common would be as diverse.

    Source: Friedman and Dieng, TMLR 2023: the exponential of the entropy of the eigenvalues of
    K / n, where K are the cosines. These are the eigenvalues of the 384 x 384 matrix of the
    points' second moments, so it is exact for any number of points, and never above 384.
    """
    moments = np.zeros((points.shape[1], points.shape[1]))
    for first in range(0, len(points), 20_000):
        block = points[first : first + 20_000].astype(np.float64)
        moments += block.T @ block
    values = np.linalg.eigvalsh(moments / max(len(points), 1))
    values = values[values > 1e-12]
    return float(np.exp(-(values * np.log(values)).sum()))
