"""One training from pretrained weights to a finished folder, by Lightning."""

from __future__ import annotations

import shutil
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray

from s3.data.example import Example
from s3.storage import whole
from s3.student.dropout import quicken
from s3.student.encoding import Encoder, training_plan
from s3.student.hardware import all_cores, chosen
from s3.student.heads.base import Head
from s3.student.lightning.checkpoint import Checkpoints, SafeIO
from s3.student.lightning.module import LOGGERS, Fitting, TrainingData, mute
from s3.student.lightning.progress import Bar
from s3.student.predictor import OnEpoch, Record
from s3.student.settings import Precision, Settings
from s3.student.weighting import balanced, row_weights
from s3.student.weights import MODEL, Pretrained, load_model

PRECISIONS: dict[Precision, Any] = {Precision.bf16: "bf16-mixed", Precision.fp32: "32-true"}
# Lightning's "ddp" would start the whole program again in every process, LLM and reports too;
# its spawning twin starts processes for the training alone.
STRATEGIES = {"ddp": "ddp_spawn"}


def train_into(
    folder: Path,
    settings: Settings,
    encoder: Encoder,
    head: Head,
    train: Sequence[Example],
    validation: Sequence[Example],
    weights: NDArray[np.floating[Any]] | None,
    what: str,
    seed: int,
    source: Pretrained,
    probe: Path | None = None,
    on_epoch: OnEpoch | None = None,
) -> None:
    """Train a model from `source` and leave a finished training in `folder`.

    `settings.metric` names the metric that chooses the epoch. `probe` is the folder of the probe
    that `source` holds: it is epoch 0, and stays unless a later one is better; each label counts
    the same then, as it did for the probe. Nothing depends on the global random
    state, and it is left as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng(), all_cores(), _quiet(), _interruptible():
        torch.manual_seed(seed)
        data = _data(settings, encoder, head, train, validation, seed)
        counts = row_weights(weights, len(train), data.train.owners)
        model = load_model(head, source)
        model.config.pad_token_id = encoder.tokenizer.pad_token_id
        head.save_config(model, folder)
        encoder.tokenizer.save_pretrained(folder)
        if not torch.cuda.is_available():
            quicken(model)
        checkpoints = Checkpoints(folder)
        last = checkpoints.last()
        if probe is not None or settings.class_weights:
            counts = balanced(counts, data.train.targets[:, 0])
        fitting = Fitting(model, head, data, (train, validation), counts, settings, seed, folder)
        if settings.devices == 1:  # another process could not reach who listens here
            fitting.on_epoch = on_epoch
        if probe is not None and last is None:
            fitting.record = Record.read(probe)
            with whole(folder / MODEL) as partial:
                shutil.copy2(probe / MODEL, partial)
        trainer = _trainer(settings, folder, [checkpoints, Bar(what)])
        trainer.fit(fitting, datamodule=data, ckpt_path=last, weights_only=True)
        if probe is not None:
            shutil.rmtree(probe)


def _data(
    settings: Settings,
    encoder: Encoder,
    head: Head,
    train: Sequence[Example],
    validation: Sequence[Example],
    seed: int,
) -> TrainingData:
    tokens = encoder.tokens(head)
    chosen_train = tokens.select(train, targets=True)
    plans = [
        training_plan(chosen_train.lengths, settings.batch_size, seed, epoch, settings.devices)
        for epoch in range(settings.epochs)
    ]
    return TrainingData(
        encoder.tokenizer,
        chosen_train,
        tokens.select(validation, targets=False),
        plans,
        settings.evaluation_tokens,
    )


def _trainer(settings: Settings, folder: Path, callbacks: list[pl.Callback]) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cuda" if torch.cuda.is_available() else "cpu",
        devices=settings.devices,
        strategy=STRATEGIES.get(settings.strategy, settings.strategy),
        precision=PRECISIONS[chosen(settings.precision)],
        max_epochs=settings.epochs,
        accumulate_grad_batches=settings.accumulation,
        reload_dataloaders_every_n_epochs=1,
        use_distributed_sampler=False,  # the loader shares each batch itself
        callbacks=callbacks,
        plugins=[SafeIO()],
        default_root_dir=folder,
        num_sanity_val_steps=0,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing but errors be reported while the block runs."""
    levels = [logger.level for logger in LOGGERS]
    with warnings.catch_warnings():
        mute()
        try:
            yield
        finally:
            for logger, level in zip(LOGGERS, levels, strict=True):
                logger.setLevel(level)


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
