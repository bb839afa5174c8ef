"""Answers of a model in evaluation: no autograd, large batches of like lengths."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.progress import progress
from s3.student.batches import Loader, evaluation_plan
from s3.student.hardware import chosen, cores, threads
from s3.student.head import Batch, Head
from s3.student.precision import Precision
from s3.student.tokens import Selection

if TYPE_CHECKING:
    from s3.student.student import Student


def infer(student: Student, head: Head, model: Any, examples: list[Example]) -> list[str]:
    """Return the model's answer to each example, in order."""
    import torch

    selection = student.tokens(head).select(examples, targets=False)
    plan = evaluation_plan(selection.lengths, student.evaluation_tokens)
    loader = Loader.of(student.tokenizer, selection, plan)
    codes = np.zeros((len(selection.numbers), head.width))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    low = chosen(student.precision) is Precision.bf16
    model = model.to(device).eval()
    started = time.monotonic()
    with (
        threads(cores()),
        torch.inference_mode(),
        torch.autocast(device.type, torch.bfloat16, enabled=low),
        progress("predicting", len(codes)) as work,
    ):
        for batch in loader:
            batch = _moved(batch, device)
            found = head.codes(head.outputs(model(**batch.inputs), batch), batch)
            codes[batch.rows.cpu().numpy()] = found.cpu().numpy()
            done = work.done + len(found)
            work.update(done, f"{done / (time.monotonic() - started):.0f} examples/s")
    return answers(head, examples, selection, codes)


def answers(
    head: Head, examples: Sequence[Example], selection: Selection, codes: NDArray[np.floating[Any]]
) -> list[str]:
    """Read each example's answer from the codes of its rows, [rows, width]."""
    firsts = np.searchsorted(selection.owners, np.arange(len(examples) + 1))
    return [
        head.answer(example, codes[first:end])
        for example, (first, end) in zip(examples, pairwise(firsts), strict=True)
    ]


def _moved(batch: Batch, device: Any) -> Batch:
    inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
    return Batch(inputs, *(tensor.to(device) for tensor in batch[1:]))
