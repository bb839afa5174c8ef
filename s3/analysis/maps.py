"""Maps: gold rows, seeds, each round's additions and errors as points of a plane."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING

from s3.analysis.encodings import Points, encode
from s3.analysis.gold import gold_of, task_of
from s3.data.example import Example
from s3.errors import UserError
from s3.runs.reading import Run

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("tsne", "pca")
MOST = 1000  # points of a kind and round: more make a blot, and t-SNE slow
PERPLEXITY = 30.0  # neighbours that t-SNE keeps near


def coordinates(run: Run, method: str = "tsne", *, seed: int = 0, most: int = MOST) -> pd.DataFrame:
    """Return the places of a run's texts on a map, a row a text.

    Columns: `x`, `y`; `kind`, which is "gold" (validation rows), "error" (of them those that the
    round's model got wrong), "seed" or "addition"; `round` (0 for gold and seed); `id`, `source`,
    `label` (empty for answers that are texts) and `text`. The texts are the written field's, as
    points of `encodings.py`; `method` is "tsne" (van der Maaten and Hinton 2008; begun from the
    principal components) or "pca". At most `most` rows of a kind and round, drawn with the seed.
    """
    import pandas as pd

    written = task_of(run).written
    sets: list[tuple[str, int, Sequence[Example]]] = [("gold", 0, gold_of(run, "validation"))]
    for round_ in run.rounds:
        sets.append(("addition" if round_.index else "seed", round_.index, round_.added))
        wrong = [mistake.example for mistake in round_.mistakes]
        sets.append(("error", round_.index, wrong))
    rows = [
        {
            "kind": kind, "round": index, "id": one.id, "source": one.origin.source,
            "label": one.target if isinstance(one.target, str) else "", "text": one.fields[written],
        }
        for kind, index, examples in sets
        for one in random.Random(seed).sample(examples, min(most, len(examples)))
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    distinct = frame["text"].drop_duplicates()
    places = pd.DataFrame(
        plane(encode(list(distinct), run.path / "analysis"), method, seed),
        columns=["x", "y"],
        index=distinct,
    )
    return places.loc[frame["text"]].reset_index(drop=True).join(frame)


def plane(points: Points, method: str, seed: int = 0) -> Points:
    """Return points on a plane, [points, 2]. Raises UserError for an unknown method, few points."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if method not in METHODS:
        raise UserError(f"no map by {method}; there are {', '.join(METHODS)}.")
    if len(points) < 4:
        raise UserError(f"a map needs 4 different texts; there are {len(points)}.")
    if method == "pca":
        found: Points = PCA(2, random_state=seed).fit_transform(points)
        return found
    perplexity = min(PERPLEXITY, (len(points) - 1) / 3)
    flat: Points = TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(
        points
    )
    return flat
