"""Checkpoints within a training: safetensors for the tensors, JSON for the rest, no pickle."""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import CheckpointIO
from safetensors import safe_open
from safetensors.torch import save_file

from s3.storage import whole

EVERY = 60.0  # seconds between two checkpoints; a shorter training is repeated sooner than saved
FOLDER = "checkpoint"


class SafeIO(CheckpointIO):
    """Stores Lightning's checkpoint as one safetensors file, what is no tensor in its header."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None
    ) -> None:
        """Write the checkpoint, whole or not at all."""
        tensors: dict[str, torch.Tensor] = {}
        plain = json.dumps(_lift(checkpoint, tensors))
        with whole(Path(path)) as partial:
            save_file(tensors, partial, metadata={"plain": plain})

    def load_checkpoint(
        self, path: Any, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Read a checkpoint; tensors come to the CPU."""
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            checkpoint: dict[str, Any] = _lower(json.loads(file.metadata()["plain"]), tensors)
        return checkpoint

    def remove_checkpoint(self, path: Any) -> None:
        """Remove a checkpoint."""
        Path(path).unlink(missing_ok=True)


class Checkpoints(pl.Callback):
    """Saves the training now and then within its epochs, and cleans up at its end."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / FOLDER / "last.safetensors"
        self.saved = time.monotonic()

    def last(self) -> Path | None:
        """Return the checkpoint to go on from; one that cannot be read is removed, and said."""
        if not self.file.exists():
            return None
        try:
            SafeIO().load_checkpoint(self.file)
        except Exception as error:  # whatever is wrong with it, the training can do without
            self.file.unlink()
            print(f"{self.file}: damaged ({error}); this training begins anew.", file=sys.stderr)
            return None
        return self.file

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Save if it is time, between two steps of the optimiser and before an epoch's last."""
        whole = (index + 1) % trainer.accumulate_grad_batches == 0
        if index + 1 == trainer.num_training_batches or not whole:
            return
        due = time.monotonic() - self.saved >= EVERY
        if trainer.strategy.reduce_boolean_decision(due, all=False):
            trainer.save_checkpoint(self.file)
            self.saved = time.monotonic()

    def on_fit_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Remove the checkpoint once the training is recorded; the best weights are kept."""
        if trainer.is_global_zero:
            shutil.rmtree(self.file.parent, ignore_errors=True)


def _lift(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Move tensors out of nested containers; dictionaries become pairs: keys may be numbers."""
    if isinstance(value, torch.Tensor):
        tensors[str(len(tensors))] = value.detach().contiguous().clone()
        return {"tensor": str(len(tensors) - 1)}
    if isinstance(value, dict):
        return {"pairs": [[key, _lift(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_lift(item, tensors) for item in value]
    return value


def _lower(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    """Undo `_lift`; tuples come back as lists."""
    if isinstance(value, list):
        return [_lower(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "tensor" in value:
        return tensors[value["tensor"]]
    return {key: _lower(item, tensors) for key, item in value["pairs"]}
