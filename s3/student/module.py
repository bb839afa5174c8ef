"""The Lightning module: the loss, the optimiser, and the scores at the end of an epoch."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from safetensors.torch import save_model

from s3.data.example import Example
from s3.student.batches import padding
from s3.student.datamodule import TrainingData
from s3.student.hardware import tune_memory
from s3.student.head import Batch, Head
from s3.student.inference import answers
from s3.student.quiet import mute
from s3.student.recipe import Recipe
from s3.student.record import Record
from s3.student.tokens import Selection

WEIGHTS = "model.safetensors"


class Fitting(pl.LightningModule):
    """One training of a model; it writes the weights of its best epoch into `folder`.

    Answers come out as codes, one row of numbers for each row of tokens, collected over the epoch:
    so the training pass itself says how well the model does on its training set.
    """

    def __init__(
        self,
        model: Any,
        head: Head,
        data: TrainingData,
        examples: tuple[list[Example], list[Example]],
        recipe: Recipe,
        folder: Path,
    ) -> None:
        super().__init__()
        self.model = model.train()  # transformers hands it over with dropout off
        self.head, self.data, self.recipe, self.folder = head, data, recipe, folder
        self.examples, self.validating = examples
        self.record = Record()
        self.codes = _empty(head, data.train)
        self.validation_codes = _empty(head, data.validation)
        self.loss = torch.zeros(())  # the sum over the epoch's rows so far; stays on the device
        self.seconds, self.started = 0.0, time.monotonic()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Begin in a spawned process, which its parent's `quiet` does not reach."""
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        mute()

    def on_fit_start(self) -> None:
        """Set threads and memory: a spawned process begins without what `threads` has set."""
        torch.set_num_threads(self.recipe.threads)
        tune_memory()
        # Copies: spawned processes would share the memory of tensors that they are handed.
        self.codes = self.codes.to(self.device, copy=True)
        self.validation_codes = self.validation_codes.to(self.device, copy=True)
        self.loss = self.loss.to(self.device, copy=True)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Draw this step's dropout from its own seed: a continued training drops the same."""
        place = [self.recipe.seed, self.current_epoch, batch_idx, self.global_rank]
        torch.manual_seed(int(np.random.SeedSequence(place).generate_state(1)[0]))

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Return the loss: the rows' sum over the nominal batch size.

        So every row has the same weight, however many rows its batch has.
        """
        outputs = self.head.outputs(self.model(**batch.inputs), batch)
        losses: torch.Tensor = self.head.losses(outputs, batch)
        self._collect(self.codes, batch, outputs.detach())
        self.loss += losses.detach().sum()
        return losses.sum() * (self.trainer.world_size / self.recipe.batch_size)

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Collect the answers to a batch."""
        outputs = self.head.outputs(self.model(**batch.inputs), batch)
        self._collect(self.validation_codes, batch, outputs)

    def on_train_epoch_end(self) -> None:
        """Score both sets and keep the epoch if it is the best yet; validation has just run."""
        trained = self._answers(self.codes, self.examples, self.data.train)
        predicted = self._answers(self.validation_codes, self.validating, self.data.validation)
        train_score = self.head.score(self.examples, trained)
        score = self.head.score(self.validating, predicted)
        best = max(
            (row[f"validation/{self.head.metric}"] for row in self.record.history),
            default=-math.inf,
        )
        self.record.history.append(self._row(train_score, score))
        if score[self.head.metric] > best:
            self.record.best_epoch = self.current_epoch + 1
            self.record.validation, self.record.train_score = predicted, train_score
            self._keep()
        waited = self.current_epoch + 1 - self.record.best_epoch
        self.trainer.should_stop = waited >= (self.recipe.patience or math.inf)
        self.loss.zero_()
        self.seconds, self.started = 0.0, time.monotonic()

    def on_train_end(self) -> None:
        """Write down how it went; from here on the training counts as finished."""
        if self.global_rank == 0:
            self.record.write(self.folder)

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule, which goes on with every step."""
        optimizer = self.recipe.optimizer(self.model)
        schedule = self.recipe.schedule(optimizer)
        return [optimizer], [{"scheduler": schedule, "interval": "step"}]

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

    def _collect(self, codes: torch.Tensor, batch: Batch, outputs: torch.Tensor) -> None:
        codes[batch.rows] = self.head.codes(outputs, batch).float()

    def _answers(
        self, codes: torch.Tensor, examples: list[Example], selection: Selection
    ) -> list[str]:
        self._sum(codes)  # each process has filled the rows it saw
        predicted = answers(self.head, examples, selection, codes.cpu().numpy())
        codes.zero_()
        return predicted

    def _sum(self, tensor: torch.Tensor) -> None:
        if self.trainer.world_size > 1:
            tensor.copy_(self.trainer.strategy.reduce(tensor, reduce_op="sum"))

    def _row(self, train: dict[str, float], validation: dict[str, float]) -> dict[str, float]:
        seconds = self.seconds + time.monotonic() - self.started
        self._sum(self.loss)
        plan, count = self.data.plans[self.current_epoch], len(self.data.train.numbers)
        return {
            "epoch": self.current_epoch + 1,
            "loss": float(self.loss) / count,
            **{f"train/{name}": value for name, value in train.items()},
            **{f"validation/{name}": value for name, value in validation.items()},
            "seconds": seconds,
            "padding": padding(plan, self.data.train.lengths),
        }

    def _keep(self) -> None:
        if self.global_rank == 0:
            partial = self.folder / f"{WEIGHTS}.partial"
            save_model(self.model, str(partial), metadata={"format": "pt"})
            partial.replace(self.folder / WEIGHTS)


def _empty(head: Head, selection: Selection) -> torch.Tensor:
    return torch.zeros((len(selection.numbers), head.width))
