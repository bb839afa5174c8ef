"""The Lightning data module: each epoch's batches, and validation in order of length."""

from __future__ import annotations

import pytorch_lightning as pl
from transformers import PreTrainedTokenizerFast

from s3.student.batches import Loader, Plan, evaluation_plan
from s3.student.tokens import Selection


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
