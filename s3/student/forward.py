"""The one loop of inference: examples go through a model, without gradients."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from s3.progress import progress
from s3.student.encoding import Loader
from s3.student.hardware import all_cores
from s3.student.heads.base import Batch, Floats, Step


def forward(model: Any, loader: Loader, step: Step, what: str, *, bf16: bool) -> Floats:
    """Return what `step` gives for each row of the loader's selection, in order, [rows, n].

    The model is moved to the GPU if there is one and put into evaluation mode. `bf16` computes
    by automatic mixed precision; `what` is shown beside the progress.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).eval()
    started = time.monotonic()
    numbers, found = [np.empty(0, np.int64)], []
    with (
        all_cores(),
        torch.inference_mode(),
        progress(what, len(loader.selection.numbers)) as work,
    ):
        for batch in loader:
            inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
            moved = Batch(inputs, *(tensor.to(device) for tensor in batch[1:]))
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                found.append(step(moved).float().cpu().numpy())
            numbers.append(batch.rows.numpy())
            done = work.done + len(batch.rows)
            work.update(done, f"{done / (time.monotonic() - started):.0f} examples/s")
    order = np.argsort(np.concatenate(numbers))  # the loader hands rows out by length
    rows: Floats = np.concatenate(found)[order] if found else np.empty((0, 0))
    return rows
