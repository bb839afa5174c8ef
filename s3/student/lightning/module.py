"""The Lightning module and its data: the loss, the optimiser, and the scores of each epoch."""

from __future__ import annotations

import logging
import math
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from safetensors.torch import save_model
from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedTokenizerFast

from s3.data.example import Example
from s3.storage import whole
from s3.student.encoding import Loader, Plan, Selection, evaluation_plan, padding
from s3.student.hardware import use_cores
from s3.student.heads.base import Batch, Head, Predictions
from s3.student.predictor import OnEpoch, Record
from s3.student.settings import Settings
from s3.student.weights import MODEL

LOGGERS = [
    logging.getLogger(name)
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.pytorch", "lightning.fabric")
]


def mute() -> None:
    """Keep Lightning's remarks on devices, workers and loggers out of the user's terminal."""
    warnings.simplefilter("ignore")
    for logger in LOGGERS:
        logger.setLevel(logging.ERROR)


class TrainingData(pl.LightningDataModule):
    """Tokenised training and validation rows; `plans` holds the batches of each epoch."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        train: Selection,
        validation: Selection,
        plans: list[Plan],
        evaluation_tokens: int,
    ) -> None:
        super().__init__()
        self.tokenizer, self.train, self.validation = tokenizer, train, validation
        self.plans, self.evaluation_tokens = plans, evaluation_tokens

    def train_dataloader(self) -> Loader:
        """Return the batches of the current epoch; the processes share each batch."""
        rank, world = self._place()
        plan = self.plans[self.trainer.current_epoch if self.trainer else 0]
        return Loader.of(self.tokenizer, self.train, plan, rank, world)

    def val_dataloader(self) -> Loader:
        """Return the validation batches; the processes share each batch."""
        rank, world = self._place()
        plan = evaluation_plan(self.validation.lengths, self.evaluation_tokens, least=world)
        return Loader.of(self.tokenizer, self.validation, plan, rank, world)

    def _place(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)


class Fitting(pl.LightningModule):
    """One training of a model; it writes the weights of its best epoch into `folder`.

    Answers come out as codes, a few numbers for each row of tokens, collected over the epoch: so
    the training pass itself says how well the model does on its training set. `weights` [rows] are
    what the rows' losses count.
    """

    weights: torch.Tensor

    def __init__(
        self,
        model: Any,
        head: Head,
        data: TrainingData,
        examples: tuple[Sequence[Example], Sequence[Example]],
        weights: NDArray[np.float32],
        settings: Settings,
        seed: int,
        folder: Path,
    ) -> None:
        super().__init__()
        self.model = model.train()  # transformers hands it over with dropout off
        self.head, self.data, self.settings = head, data, settings
        self.seed, self.folder = seed, folder
        self.examples, self.validating = examples
        self.register_buffer("weights", torch.from_numpy(weights), persistent=False)
        self.record = Record(str(settings.metric))
        self.on_epoch: OnEpoch | None = None  # hears of each epoch's row
        self.codes = torch.zeros(len(data.train.numbers), head.width)
        self.validation_codes = torch.zeros(len(data.validation.numbers), head.width)
        self.loss = torch.zeros(())  # the sum over the epoch's rows so far; stays on the device
        self.seconds, self.started = 0.0, time.monotonic()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin in a spawned process, which its parent's silence does not reach."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        mute()

    def on_fit_start(self) -> None:
        """Set threads and memory: a spawned process begins without them."""
        use_cores(self.settings.devices)
        # Copies: spawned processes would share the memory of tensors that they are handed.
        self.codes = self.codes.to(self.device, copy=True)
        self.validation_codes = self.validation_codes.to(self.device, copy=True)
        self.loss = self.loss.to(self.device, copy=True)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Draw this step's dropout from its own seed: a continued training drops the same."""
        place = [self.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss: the rows' weighted sum over the nominal batch size.

        So a row counts as its weight says, however many rows its batch has.
        """
        outputs = self.head.forward(self.model, batch)
        losses: torch.Tensor = self.head.losses(outputs, batch) * self.weights[batch.rows]
        self.codes[batch.rows] = self.head.codes(outputs.detach(), batch).float()
        self.loss += losses.detach().sum()
        return losses.sum() * (self.trainer.world_size / self.settings.batch_size)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect the codes of a batch."""
        outputs = self.head.forward(self.model, batch)
        self.validation_codes[batch.rows] = self.head.codes(outputs, batch).float()

    def on_train_epoch_end(self) -> None:
        """Score both sets and keep the epoch if it is the best yet; validation has just run."""
        trained = self._answers(self.codes, self.examples, self.data.train)
        validated = self._answers(self.validation_codes, self.validating, self.data.validation)
        train_score = self.head.score(self.examples, trained.answers)
        score = self.head.score(self.validating, validated.answers)
        self._sum(self.loss)
        epoch, history, metric = self.current_epoch + 1, self.record.history, self.record.metric
        best = max((row[f"validation/{metric}"] for row in history), default=-math.inf)
        history.append(
            {
                "epoch": epoch,
                "loss": float(self.loss / self.weights.sum()),
                **{f"train/{name}": value for name, value in train_score.items()},
                **{f"validation/{name}": value for name, value in score.items()},
                "seconds": self.seconds + time.monotonic() - self.started,
                "padding": padding(self.data.plans[epoch - 1], self.data.train.lengths),
            }
        )
        if score[metric] > best:
            self.record.keep(epoch, validated, train_score)
            if self.global_rank == 0:
                with whole(self.folder / MODEL) as partial:
                    save_model(self.model, str(partial), metadata={"format": "pt"})
        if self.on_epoch:
            self.on_epoch(history)
        waited = epoch - self.record.best_epoch
        self.trainer.should_stop = waited >= (self.settings.patience or math.inf)
        self.loss.zero_()
        self.seconds, self.started = 0.0, time.monotonic()

    def on_train_end(self) -> None:
        """Write down how it went; from here on the training counts as finished."""
        if self.global_rank == 0:
            self.record.write(self.folder)

    def configure_optimizers(self) -> Any:
        """Return AdamW, and its schedule by steps: up over the warm-up, then down to 0.

        Biases and norms are not decayed.
        """
        weights, warmup = list(self.model.parameters()), self.settings.warmup_steps
        groups: list[dict[str, Any]] = [
            {"params": [p for p in weights if p.ndim > 1]},
            {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
        ]
        rate, decay = self.settings.learning_rate, self.settings.weight_decay
        optimizer = torch.optim.AdamW(groups, rate, weight_decay=decay, fused=True)
        steps = sum(-(-len(plan) // self.settings.accumulation) for plan in self.data.plans)

        def factor(step: int) -> float:
            left = (steps - step) / max(1, steps - warmup)
            return max(0.0, min((step + 1) / (warmup + 1), left))

        return [optimizer], [{"scheduler": LambdaLR(optimizer, factor), "interval": "step"}]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what the epochs so far, and this one so far, have given."""
        seconds = self.seconds + time.monotonic() - self.started
        checkpoint["fitting"] = {
            "record": asdict(self.record),
            "codes": self.codes,
            "loss": self.loss,
            "seconds": seconds,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up what `on_save_checkpoint` added."""
        state = checkpoint["fitting"]
        self.record = Record(**state["record"])
        self.codes, self.loss, self.seconds = state["codes"], state["loss"], state["seconds"]
        self.started = time.monotonic()

    def _answers(
        self, codes: torch.Tensor, examples: Sequence[Example], selection: Selection
    ) -> Predictions:
        self._sum(codes)  # each process has filled the rows it saw
        found = codes.cpu().numpy().copy()
        codes.zero_()
        return self.head.decode(examples, found, selection.firsts(len(examples)))

    def _sum(self, tensor: torch.Tensor) -> None:
        if self.trainer.world_size > 1:
            tensor.copy_(self.trainer.strategy.reduce(tensor, reduce_op="sum"))
