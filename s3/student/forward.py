"""The one loop of inference: examples go through a model, without gradients."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from s3.progress import progress
from s3.student.encoding import Encoder, Loader, Selection, evaluation_plan, joined, room
from s3.student.hardware import all_cores
from s3.student.heads.base import Batch, Floats, Head, Ints, Step
from s3.student.settings import Precision, Settings

BLOCK = 1 << 16  # rows whose features are computed with at a time: bounds what is held of them


def forward(model: Any, loader: Loader, step: Step, what: str, *, bf16: bool) -> Floats:
    """Return what `step` gives for each row of the loader's selection, in order, [rows, n].

    The model is moved to the GPU if there is one and put into evaluation mode. `bf16` computes
    by automatic mixed precision; `what` is shown beside the progress.
    """
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).eval()
    started = time.monotonic()
    rows: Floats = np.empty((0, 0))
    with (
        all_cores(),
        torch.inference_mode(),
        progress(what, len(loader.selection.numbers)) as work,
    ):
        for batch in loader:
            inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
            moved = Batch(inputs, *(tensor.to(device) for tensor in batch[1:]))
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                found = step(moved).float().cpu().numpy()
            if not len(rows):
                rows = room((len(loader.selection.numbers), *found.shape[1:]), found.dtype)
            rows[batch.rows.numpy()] = found  # the loader hands rows out by length
            done = work.done + len(batch.rows)
            work.update(done, f"{done / (time.monotonic() - started):.0f} examples/s")
    return rows


def remembered(
    model: Any, settings: Settings, encoder: Encoder, head: Head, numbers: Ints, what: str
) -> Floats:
    """Return the features of rows of the head's token store, [rows, width]; `numbers` say which.

    The encoder of a probe is frozen: a row is passed through it once as long as the store lives,
    however many rounds train on it and ask for it. `auto` is fp32 here: bf16 is no faster without
    gradients, and its last digits hang on which rows share a batch (1e-3 of a cosine; fp32: 3e-7),
    so that a run that is continued could answer otherwise.
    """
    tokens = encoder.tokens(head)
    new = np.setdiff1d(numbers, tokens.encoded)
    if len(new):
        nothing = np.zeros((len(new), 1), np.int64)
        selection = Selection(tokens.rows, new, np.arange(len(new)), nothing)
        plan = evaluation_plan(selection.lengths, settings.evaluation_tokens)
        found = forward(
            model,
            Loader.of(encoder.tokenizer, selection, plan),
            lambda batch: model.features(**batch.inputs),
            what,
            bf16=settings.precision is Precision.bf16,
        )
        before = [tokens.features] if len(tokens.encoded) else []
        tokens.features = joined([*before, found])
        tokens.encoded = np.concatenate([tokens.encoded, new])
    order = np.argsort(tokens.encoded)
    places = order[np.searchsorted(tokens.encoded, numbers, sorter=order)]
    chosen: Floats = room((len(places), *tokens.features.shape[1:]), np.float32)
    for first in range(0, len(places), BLOCK):
        part = slice(first, first + BLOCK)
        chosen[part] = tokens.features[places[part]]
    return chosen
