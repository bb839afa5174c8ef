"""Which rows share a batch, and the batch as tensors padded to its own longest row only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3.student.encoding.store import Selection
from s3.student.heads.base import Batch, Ints

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

POOL = 50  # batches that are sorted by length together; more saves padding but shuffles less
JITTER = 0.05  # share by which lengths are blurred, so that equal lengths do not always meet
Plan = list[Ints]  # the rows of each batch, in the order of training


def training_plan(lengths: Ints, batch_size: int, seed: int, epoch: int, least: int = 1) -> Plan:
    """Return the shuffled batches of an epoch: about `batch_size` rows, equal shares of tokens.

    Short rows make larger batches than long ones, so that every step costs the same; the number
    of steps stays that of equal batches. No batch has fewer than `least` rows (the number of
    processes that share it), unless there are fewer in all. A pure function of its arguments.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    blurred = lengths * random.uniform(1 - JITTER, 1 + JITTER, len(lengths))
    plan: Plan = []
    pools: list[Ints] = np.array_split(order, max(1, round(len(order) / (POOL * batch_size))))
    for pool in pools:
        by_length = pool[np.argsort(blurred[pool], kind="stable")]
        plan += _equal_shares(by_length, lengths, max(1, round(len(pool) / batch_size)), least)
    return [plan[i] for i in random.permutation(len(plan))]


def evaluation_plan(lengths: Ints, tokens: int, least: int = 1) -> Plan:
    """Return batches in order of length, each of at most `tokens` tokens with its padding.

    As in training none has fewer than `least` rows: idle processes would wait for each other.
    """
    order = np.argsort(-lengths, kind="stable")
    plan: Plan = []
    first = 0
    while first < len(order):
        rows = max(least, tokens // int(lengths[order[first]]))
        if len(order) - first - rows < least:
            rows = len(order)
        plan.append(order[first : first + rows])
        first += rows
    return plan


def padding(plan: Plan, lengths: Ints) -> float:
    """Return the share of padding among all tokens of the plan's batches, in 0..1."""
    padded = sum(len(batch) * int(lengths[batch].max()) for batch in plan)
    return 1 - int(lengths.sum()) / padded


@dataclass
class Loader:
    """The batches of a plan for one of `world` processes, as tensors.

    It continues where a killed training stopped: `done` batches have been handed out.
    """

    selection: Selection
    plan: Plan
    pad: int
    segments: bool  # whether the model takes token types
    rank: int = 0
    world: int = 1
    done: int = 0

    @classmethod
    def of(
        cls,
        tokenizer: PreTrainedTokenizerFast,
        selection: Selection,
        plan: Plan,
        rank: int = 0,
        world: int = 1,
    ) -> Loader:
        """Return the loader for a model with this tokenizer."""
        segments = "token_type_ids" in tokenizer.model_input_names
        return cls(selection, plan, int(tokenizer.pad_token_id or 0), segments, rank, world)

    def __len__(self) -> int:
        return len(self.plan)

    def __iter__(self) -> Iterator[Batch]:
        for i in range(self.done, len(self.plan)):
            self.done = i + 1
            yield self._collate(self.plan[i][self.rank :: self.world])
        self.done = 0

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` continues from (Lightning stores it)."""
        return {"done": self.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue after the batches that had been handed out."""
        self.done = state["done"]

    def _collate(self, chosen: Ints) -> Batch:
        import torch

        rows, numbers = self.selection.rows, self.selection.numbers[chosen]
        starts, lengths = rows.starts[numbers], rows.lengths(numbers)
        mask = np.arange(lengths.max() if len(lengths) else 0) < lengths[:, None]
        places = (starts[:, None] + np.arange(mask.shape[1]))[mask]
        inputs = {
            "input_ids": _padded(mask, rows.ids[places], self.pad),
            "attention_mask": torch.from_numpy(mask.astype(np.int64)),
        }
        if self.segments:
            inputs["token_type_ids"] = _padded(mask, rows.segments[places], 0)
        targets = torch.from_numpy(self.selection.targets[chosen])
        notes = _padded(mask, rows.annotations[places], -1)
        return Batch(inputs, torch.from_numpy(chosen), targets, notes)


def _padded(mask: NDArray[np.bool_], values: Ints, fill: int) -> torch.Tensor:
    """Return the values of all tokens [tokens, ...] as rows with padding, [rows, length, ...]."""
    import torch

    full = np.full((*mask.shape, *values.shape[1:]), fill, np.int64)
    full[mask] = values
    return torch.from_numpy(full)


def _equal_shares(rows: Ints, lengths: Ints, count: int, least: int) -> Plan:
    """Cut sorted rows into `count` runs of about equal tokens, none with fewer than `least`."""
    total = np.cumsum(lengths[rows])
    cuts = np.searchsorted(total, total[-1] * np.arange(1, count) / count, side="right")
    plan: Plan = []
    first = 0
    for cut in [*cuts, len(rows)]:
        if cut - first >= least and (len(rows) - cut >= least or cut == len(rows)):
            plan.append(rows[first:cut])
            first = cut
    if first < len(rows):
        plan.append(rows[first:])
    return plan
