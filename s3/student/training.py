"""One training from pretrained weights to a finished folder, by Lightning."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch

from s3.data.example import Example
from s3.student.bar import Bar
from s3.student.batches import training_plan
from s3.student.checkpoint import Checkpoints, SafeIO
from s3.student.datamodule import TrainingData
from s3.student.dropout import quicken
from s3.student.hardware import chosen, cores, threads
from s3.student.head import Head
from s3.student.module import Fitting
from s3.student.precision import Precision
from s3.student.pretrained import load_model
from s3.student.quiet import quiet
from s3.student.recipe import Recipe

if TYPE_CHECKING:
    from s3.student.student import Student

PRECISIONS: dict[Precision, Any] = {Precision.bf16: "bf16-mixed", Precision.fp32: "32-true"}
# Lightning's "ddp" would start the whole program again in every process, LLM and reports too;
# its spawning twin starts processes for the training alone.
STRATEGIES = {"ddp": "ddp_spawn"}


def train_into(
    folder: Path,
    student: Student,
    head: Head,
    train: list[Example],
    validation: list[Example],
    seed: int,
    what: str,
    source: str,
) -> None:
    """Train a model from `source` and leave a finished training in `folder`.

    Nothing depends on the global random state, and it is left as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), threads(cores()), quiet(), _interruptible():
        torch.manual_seed(seed)
        data = _data(student, head, train, validation, seed)
        model = load_model(head, source)
        model.config.architectures = [type(model).__name__]
        model.config.save_pretrained(folder)
        student.tokenizer.save_pretrained(folder)
        if not torch.cuda.is_available():
            quicken(model)
        recipe = _recipe(student, data, seed)
        fitting = Fitting(model, head, data, (train, validation), recipe, folder)
        trainer, checkpoints = _trainer(student, folder, what)
        last = checkpoints.file if checkpoints.file.exists() else None
        trainer.fit(fitting, datamodule=data, ckpt_path=last, weights_only=True)


def _data(
    student: Student, head: Head, train: list[Example], validation: list[Example], seed: int
) -> TrainingData:
    tokens = student.tokens(head)
    chosen_train = tokens.select(train, targets=True)
    chosen_validation = tokens.select(validation, targets=False)
    lengths = chosen_train.lengths
    plans = [
        training_plan(lengths, student.batch_size, seed, epoch, student.devices)
        for epoch in range(student.epochs)
    ]
    return TrainingData(
        student.tokenizer, chosen_train, chosen_validation, plans, student.evaluation_tokens
    )


def _recipe(student: Student, data: TrainingData, seed: int) -> Recipe:
    return Recipe(
        batch_size=student.batch_size,
        learning_rate=student.learning_rate,
        weight_decay=student.weight_decay,
        warmup_steps=student.warmup_steps,
        patience=student.patience,
        steps=sum(-(-len(plan) // student.accumulation) for plan in data.plans),
        seed=seed,
        threads=max(1, cores() // student.devices),
    )


def _trainer(student: Student, folder: Path, what: str) -> tuple[pl.Trainer, Checkpoints]:
    checkpoints = Checkpoints(folder)
    trainer = pl.Trainer(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=student.devices,
        strategy=STRATEGIES.get(student.strategy, student.strategy),
        precision=PRECISIONS[chosen(student.precision)],
        max_epochs=student.epochs,
        accumulate_grad_batches=student.accumulation,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # the loader shares each batch itself
        callbacks=[checkpoints, Bar(what)],
        plugins=[SafeIO()],
        default_root_dir=folder,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    return trainer, checkpoints


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C through: Lightning turns it into an exit and ignores every later one."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as exit_:
        if isinstance(exit_.__context__, KeyboardInterrupt):
            signal.signal(signal.SIGINT, before)
            raise KeyboardInterrupt from exit_
        raise
