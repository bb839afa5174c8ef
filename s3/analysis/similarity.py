"""How near some texts are to others: similarity to gold and coverage of gold.

Points are rows of unit length (`encodings.py`), so a product is a cosine, and the Euclidean
distance of two is sqrt(2 - 2 cosine). All is computed in blocks, whatever the number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from s3.analysis.encodings import Points

ROWS, COLUMNS = 1024, 16_384  # of a block of cosines: 67 MB, of which two are held
MOST = 10_000  # rows that a mean of neighbours is taken over
MOST_SIMILAR = 5  # cosines that Li et al. average
RADIUS = 1.0  # of coverage: the distance of two points with a cosine of one half


def nearest(
    points: Points, others: Points, count: int = 1, own: NDArray[np.int64] | None = None
) -> Points:
    """Return the largest cosines of each point with the others, the largest first, [points, count].

    Where the points are among the others, `own` [points] says at which places: none is its own
    neighbour. There are fewer than `count` where there are fewer others.
    """
    count = min(count, max(len(others) - (own is not None), 0))
    found = np.full((len(points), count), -np.inf, np.float32)
    for rows, start, cosines in _blocks(points, others):
        if own is not None:
            places = own[rows] - start
            here = (places >= 0) & (places < cosines.shape[1])
            cosines[here, places[here]] = -2
        found[rows] = _top(np.concatenate([found[rows], _top(cosines, count)], axis=1), count)
    return -np.sort(-found, axis=1)


def _blocks(points: Points, others: Points) -> Iterator[tuple[slice, int, Points]]:
    """Yield cosines a block at a time, with the points' places and where the others begin."""
    for first in range(0, len(points), ROWS):
        rows = slice(first, first + ROWS)
        for start in range(0, len(others), COLUMNS):
            yield rows, start, points[rows] @ others[start : start + COLUMNS].T


def _top(cosines: Points, count: int) -> Points:
    if cosines.shape[1] <= count:
        return cosines
    if count == 1:  # much faster than a partition
        best: Points = cosines.max(axis=1, keepdims=True)
        return best
    return np.partition(cosines, cosines.shape[1] - count, axis=1)[:, cosines.shape[1] - count :]


def some(number: int) -> NDArray[np.int64]:
    """Return the places of at most `MOST` rows, drawn with a seed: over which a mean is taken.

    What they are near to is looked for among all rows. With 10,000 a mean's standard error is a
    hundredth of the rows' own spread.
    """
    return np.sort(np.random.default_rng(0).permutation(number)[:MOST])


def nearest_place(points: Points, others: Points) -> NDArray[np.int64]:
    """Return the place among the others of the one that is nearest to each point."""
    found, best = np.empty(len(points), np.int64), np.full(len(points), -2, np.float32)
    for rows, start, cosines in _blocks(points, others):
        largest = cosines.max(axis=1)
        nearer = largest > best[rows]
        best[rows][nearer] = largest[nearer]
        found[rows][nearer] = start + cosines.argmax(axis=1)[nearer]
    return found


def similarity_to_gold(gold: Points, synthetic: Points) -> float:
    """Return the mean over gold texts of the mean of their five highest cosines to synthetic texts.

    Source: Li et al. (EMNLP 2023), similarity to real data. It rises with the number of synthetic
    texts: compare equal numbers.
    """
    return float(nearest(gold[some(len(gold))], synthetic, MOST_SIMILAR).mean())


def coverage(gold: Points, synthetic: Points, radius: float = RADIUS) -> float:
    """Return the share of gold texts within the radius of some synthetic text.

    Source: S3, Table 8, which gives neither radius nor encoder; `radius` is a Euclidean distance
    of unit points, 1 a cosine of one half. It rises with the number of synthetic texts.
    """
    least = 1 - radius**2 / 2
    return float((nearest(gold[some(len(gold))], synthetic)[:, 0] >= least - 1e-6).mean())
