"""Our training against Hugging Face's Trainer, as it comes and at its best (needs `accelerate`)."""

from __future__ import annotations

import tempfile
from functools import partial
from typing import Any

import training_common as common

from s3.data.example import Example

BATCH = 16


def theirs(train: list[Example], **settings: Any) -> tuple[int, str]:
    """Train one epoch with the Trainer and its collator that pads to the batch's longest."""
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

    from s3.student.weights import load_model

    source = common.student().encoder.source
    tokenizer = AutoTokenizer.from_pretrained(source.place)
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            num_train_epochs=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
            **settings,
        )
        trainer = Trainer(
            model=load_model(common.HEAD, source),
            args=arguments,
            train_dataset=common.tokenised(train, tokenizer),
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
    return len(train), ""


def ours(train: list[Example], precision: str) -> tuple[int, str]:
    """Train one epoch with the defaults; one row of validation, since the Trainer has none."""
    student = common.student(batch_size=BATCH, epochs=1, precision=precision)
    predictor = common.fit(student, train, train[:1])
    return len(train), f"padding {predictor.history[0]['padding']:.3f}"


def main() -> None:
    options = common.parser(__doc__).parse_args()
    train = common.rte(options.data, "train", options.rows)
    given = options.threads, train
    best = partial(theirs, bf16=True, train_sampling_strategy="group_by_length")
    grouped = partial(theirs, train_sampling_strategy="group_by_length")
    sides = [
        partial(common.side, "Trainer as it comes, fp32", theirs, *given),
        partial(common.side, "Trainer by length, fp32", grouped, *given),
        partial(common.side, "Trainer by length, bf16", best, *given),
        partial(common.side, "ours, fp32", ours, *given, "fp32"),
        partial(common.side, "ours, default precision", ours, *given, "auto"),
    ]
    common.table(sides, options.repeats)


if __name__ == "__main__":
    main()
