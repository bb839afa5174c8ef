"""How a training goes: its hyper-parameters, its optimiser and the course of its learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch.optim.lr_scheduler import LambdaLR


@dataclass(frozen=True)
class Recipe:
    """The hyper-parameters of one training; `steps` of the optimiser in all."""

    batch_size: int
    learning_rate: float
    weight_decay: float
    warmup_steps: int
    patience: int | None
    steps: int
    seed: int
    threads: int

    def optimizer(self, model: Any) -> torch.optim.Optimizer:
        """Return AdamW over the model's weights; biases and norms are not decayed."""
        weights = list(model.parameters())
        groups: list[dict[str, Any]] = [
            {"params": [p for p in weights if p.ndim > 1]},
            {"params": [p for p in weights if p.ndim <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(
            groups, self.learning_rate, weight_decay=self.weight_decay, fused=True
        )

    def schedule(self, optimizer: torch.optim.Optimizer) -> LambdaLR:
        """Return the linear schedule: up over the warm-up's steps, then down to 0."""

        def factor(step: int) -> float:
            warm = (step + 1) / (self.warmup_steps + 1)
            left = (self.steps - step) / max(1, self.steps - self.warmup_steps)
            return max(0.0, min(warm, left))

        return LambdaLR(optimizer, factor)
