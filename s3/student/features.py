"""What a trained model's last layer is given: the features that influence is taken over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.progress import progress
from s3.student.batches import Loader, evaluation_plan
from s3.student.hardware import cores, threads
from s3.student.pretrained import load_model

if TYPE_CHECKING:
    from s3.student.predictor import Predictor

Floats = NDArray[np.float64]


def features(predictor: Predictor, examples: list[Example]) -> tuple[Floats, Floats]:
    """Return a classifier's last layer's inputs, [examples, width], and logits, [examples, labels].

    The last layer is the linear one that comes last in the model: in all of transformers'
    sequence classifiers, the one that gives the logits. In float32, without dropout.
    """
    import torch

    student, head = predictor.student, predictor.head
    selection = student.tokens(head).select(examples, targets=False)
    plan = evaluation_plan(selection.lengths, student.evaluation_tokens)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = load_model(head, str(predictor.folder)).to(device).eval()
    seen: list[tuple[Any, Any]] = []
    last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
    last.register_forward_hook(lambda _, given, logits: seen.append((given[0], logits)))
    started, done = time.monotonic(), 0
    with threads(cores()), torch.inference_mode(), progress("features", len(examples)) as work:
        for batch in Loader.of(student.tokenizer, selection, plan):
            model(**{name: tensor.to(device) for name, tensor in batch.inputs.items()})
            done += len(batch.rows)
            work.update(done, f"{done / (time.monotonic() - started):.0f} examples/s")
    back = np.argsort(np.concatenate(plan))  # the loader hands the examples out by length
    inputs, logits = (
        torch.cat(parts).cpu().double().numpy()[back] for parts in zip(*seen, strict=True)
    )
    return inputs, logits
