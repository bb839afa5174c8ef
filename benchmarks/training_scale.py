"""Peak memory of training on 2,000 and on 200,000 rows, and what of it the rows themselves take.

The encoder is a small one with random weights, so that the rows' share of the memory is seen and
the training takes minutes. The rows pair real RTE's sentences.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import training_common as common

from s3.data.example import Example

SIZES = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}


def pairs(folder: Path, numbers: list[int]) -> list[Example]:
    """Return numbered pairs of real sentences, all different."""
    rows = common.rte(folder, "train", 2490)
    texts = [row.fields["hypothesis"] for row in rows]
    found = []
    for i in numbers:
        shift, place = divmod(i, len(texts))
        fields = {"premise": texts[(place + shift) % len(texts)], "hypothesis": texts[place]}
        found.append(Example(fields, common.HEAD.labels[i % 2]))
    return found


def encoder(folder: Path) -> None:
    """Write an encoder of one small layer with MiniLM's vocabulary."""
    from transformers import AutoTokenizer, BertConfig, BertModel

    tokenizer = AutoTokenizer.from_pretrained(common.student().encoder.source.place)
    tokenizer.save_pretrained(folder)
    config = BertConfig(vocab_size=len(tokenizer), num_hidden_layers=1, **SIZES)
    BertModel(config).save_pretrained(folder)


def train(folder: Path, numbers: list[int]) -> tuple[int, str]:
    """Train one epoch; return the rows and what their tokens take."""
    with tempfile.TemporaryDirectory() as weights:
        encoder(Path(weights))
        student = common.student(weights=weights, epochs=1, batch_size=64)
        rows = pairs(folder, numbers)
        common.fit(student, rows, rows[:64])
        kept = student.encoder.tokens(common.HEAD).rows
        held = [kept.ids, kept.segments, kept.annotations, kept.starts]
        return len(rows), f"arrays {sum(one.nbytes for one in held) / 2**20:.0f} MiB"


def rows_alone(folder: Path, numbers: list[int]) -> tuple[int, str]:
    """Only make the rows, as whoever calls training holds them."""
    return len(pairs(folder, numbers)), ""


def main() -> None:
    options = common.parser(__doc__).parse_args()
    for count in (2_000, 200_000):
        given = options.threads, options.data, list(range(count))
        sides = [
            partial(common.side, f"{count} rows, made and not trained on", rows_alone, *given),
            partial(common.side, f"{count} rows trained on", train, *given),
        ]
        common.table(sides, 1)


if __name__ == "__main__":
    main()
