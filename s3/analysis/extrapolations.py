"""Each extrapolation beside the error that it grew from (S3, Table 6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from s3.analysis.encodings import BLOCK, WEIGHTS, encode, tokenised

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

    blocks = [
        _block(errors[first : first + BLOCK], news[first : first + BLOCK], folder)
        for first in range(0, max(len(news), 1), BLOCK)
    ]
    return pd.concat(blocks, ignore_index=True)


def _block(errors: Sequence[str], news: Sequence[str], folder: Path | None) -> pd.DataFrame:
    import pandas as pd
    from rapidfuzz.distance import Levenshtein

    read = (tokenised(WEIGHTS.folder(), texts, LONGEST) for texts in (errors, news))
    counts = [(Levenshtein.distance(*pair), *map(len, pair)) for pair in zip(*read, strict=True)]
    products = np.einsum("ij,ij->i", encode(errors, folder), encode(news, folder))
    frame = pd.DataFrame(counts, columns=COLUMNS[1:], dtype=np.int64)
    frame.insert(0, COLUMNS[0], products)
    return frame
