"""The progress of a training as it is shown."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Any

import pytorch_lightning as pl

from s3.progress import progress
from s3.student.lightning.module import Fitting

REFRESH = 0.5  # seconds; reading the loss more often would stall a GPU


class Bar(pl.Callback):
    """Shows rows done of all epochs' rows, rows a second, the loss, and the last epoch's score."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.open = ExitStack()
        self.trained = 0  # rows in this process's life; a continued training starts later

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Open the bar, in one process only."""
        if trainer.is_global_zero and isinstance(module, Fitting):
            plans = module.data.plans
            total = sum(len(batch) for plan in plans for batch in plan)
            self.work = self.open.enter_context(progress(self.what, total))
            self.started = self.drawn = time.monotonic()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Move on by one batch."""
        if trainer.is_global_zero and isinstance(module, Fitting):
            self.trained += len(module.data.plans[trainer.current_epoch][index])
            if time.monotonic() - self.drawn >= REFRESH:
                self.drawn = time.monotonic()
                self._draw(trainer, module, index + 1)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show the epoch's end; validation has run, its score follows with the next epoch."""
        if trainer.is_global_zero and isinstance(module, Fitting):
            self._draw(trainer, module, len(module.data.plans[trainer.current_epoch]))

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Show the last epoch's score and close the bar."""
        if trainer.is_global_zero and isinstance(module, Fitting):
            self.work.update(self.work.done, _scores(module))
            self.open.close()

    def on_exception(
        self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Close the bar."""
        self.open.close()

    def _draw(self, trainer: pl.Trainer, module: Fitting, batches: int) -> None:
        plans, epoch = module.data.plans, trainer.current_epoch
        seen = sum(map(len, plans[epoch][:batches]))
        rate = self.trained / (time.monotonic() - self.started)
        parts = [f"epoch {epoch + 1}/{len(plans)}", f"loss {float(module.loss) / seen:.3f}"]
        parts += [_scores(module)] if module.record.history else []
        done = sum(map(len, (batch for plan in plans[:epoch] for batch in plan))) + seen
        self.work.update(done, "  ".join([*parts, f"{rate:.0f} examples/s"]))


def _scores(module: Fitting) -> str:
    row = module.record.history[-1]
    scores = (
        f"{part} {row[f'{part}/{module.record.metric}']:.2f}" for part in ("train", "validation")
    )
    return f"{module.record.metric} of epoch {row['epoch']}: " + " ".join(scores)
