"""Each extrapolation beside the error that it grew from (S3, Table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s3.analysis.encodings import WEIGHTS, encode, tokenised

if TYPE_CHECKING:
    import pandas as pd

LONGEST = 512  # tokens of a text
COLUMNS = ("cosine", "edit_distance", "error_length", "new_length")


def compared(
    errors: Sequence[str], news: Sequence[str], folder: Path | None = None
) -> pd.DataFrame:
    """Return how like its error each new text is, a row a pair.

    `cosine` of the two texts' points; `edit_distance`, Levenshtein's, and the two lengths, in
    tokens of BERT's uncased vocabulary, which the encoder has, [CLS] and [SEP] included, at most
    512. Source: S3, Table 6. It does not say what its tokens are; counted so, the released rows
    have its lengths and its edit distance. Its cosines are of DistilBERT, another scale than these.
    """
    import pandas as pd
    from rapidfuzz.distance import Levenshtein

    read = (tokenised(WEIGHTS.folder(), texts, LONGEST) for texts in (errors, news))
    pairs = list(zip(*read, strict=True))
    products = np.einsum("ij,ij->i", encode(errors, folder), encode(news, folder))
    distances = [Levenshtein.distance(*pair) for pair in pairs]
    lengths = [(len(error), len(new)) for error, new in pairs]
    first, second = zip(*lengths, strict=True) if lengths else ((), ())
    return pd.DataFrame(dict(zip(COLUMNS, (products, distances, first, second), strict=True)))
