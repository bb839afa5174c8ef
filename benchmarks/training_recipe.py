"""Our training against the authors' recipe: fp32, all padded to 512, gold evaluated each epoch."""

from __future__ import annotations

from functools import partial

import training_common as common

from s3.data.example import Example

BATCH, EPOCHS = 16, 1


def theirs(train: list[Example], test: list[Example], evaluate: bool) -> tuple[int, str]:
    """Train as the released script does, with a plain loop."""
    import torch
    from transformers import AutoTokenizer

    from s3.student.weights import load_model

    torch.manual_seed(0)
    source = common.student().encoder.source
    tokenizer, model = AutoTokenizer.from_pretrained(source.place), load_model(common.HEAD, source)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5, weight_decay=1e-2)
    sets = [
        _padded(common.tokenised(part, tokenizer, padding="max_length")) for part in (train, test)
    ]
    for _ in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(train)).split(BATCH):
            model(**{name: column[rows] for name, column in sets[0].items()}).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
        model.eval()
        for gold in sets if evaluate else []:
            with torch.no_grad():
                for rows in torch.arange(len(gold["labels"])).split(BATCH):
                    model(**{name: column[rows] for name, column in gold.items()})
    return EPOCHS * len(train), ""


def ours(
    train: list[Example], test: list[Example], evaluate: bool, precision: str
) -> tuple[int, str]:
    """Train with the defaults; gold validation once an epoch, test once."""
    student = common.student(batch_size=BATCH, epochs=EPOCHS, precision=precision)
    predictor = common.fit(student, train, train if evaluate else train[:1])
    if evaluate:
        predictor.predict(test)
    return EPOCHS * len(train), f"padding {predictor.history[0]['padding']:.3f}"


def _padded(rows: list[dict[str, object]]) -> dict[str, object]:
    import torch
    from torch.nn.functional import pad

    columns = {name: torch.tensor([row[name] for row in rows]) for name in rows[0]}
    return {
        name: column if column.ndim == 1 else pad(column, (0, 512 - column.shape[1]))
        for name, column in columns.items()
    }


def main() -> None:
    options = common.parser(__doc__).parse_args()
    train = common.rte(options.data, "train", options.rows)
    test = common.rte(options.data, "validation", options.rows)
    for evaluate in (True, False):
        print(
            f"\nRTE, {len(train)} rows, evaluation {'as each does it' if evaluate else 'left out'}"
        )
        given = options.threads, train, test, evaluate
        sides = [
            partial(common.side, "authors' recipe", theirs, *given),
            partial(common.side, "ours, fp32", ours, *given, "fp32"),
            partial(common.side, "ours, default precision", ours, *given, "auto"),
        ]
        common.table(sides, options.repeats)


if __name__ == "__main__":
    main()
