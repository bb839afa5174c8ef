"""Each extrapolation beside the error that it grew from (S3, Table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s3.analysis.encodings import encode
from s3.text import words

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("cosine", "edit_distance", "error_length", "new_length")


def compared(
    errors: Sequence[str], news: Sequence[str], folder: Path | None = None
) -> pd.DataFrame:
    """Return how like its error each new text is, a row a pair.

    `cosine` of the two texts' points; `edit_distance`, Levenshtein's, and the two lengths, in
    words. Source: S3, Table 6, which encodes with DistilBERT (whose cosines are all near one, of
    unrelated texts too) and does not say what its tokens are.
    """
    import pandas as pd
    from rapidfuzz.distance import Levenshtein

    pairs = [(words(error), words(new)) for error, new in zip(errors, news, strict=True)]
    products = np.einsum("ij,ij->i", encode(errors, folder), encode(news, folder))
    distances = [Levenshtein.distance(*pair) for pair in pairs]
    lengths = [(len(error), len(new)) for error, new in pairs]
    first, second = zip(*lengths, strict=True) if lengths else ((), ())
    return pd.DataFrame(dict(zip(COLUMNS, (products, distances, first, second), strict=True)))
