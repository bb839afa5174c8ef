"""The training of a probe: features once, then a convex problem that seconds solve exactly.

Three things keep it from answering with one label only: the encoder stays as it is, the labels
count the same however many rows each has, and the label shares of its answers to gold validation
are set to gold's own. There is no randomness: the same rows give the same probe.

A probe that starts from another goes so far from it towards what its own rows teach as gold
validation says. A weak model's errors are the rows on which its features point the wrong way, and
many of their likes can turn it round.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from s3.data.example import Example
from s3.storage import whole
from s3.student.encoding import Encoder
from s3.student.forward import BLOCK, remembered
from s3.student.hardware import one_core
from s3.student.heads.base import Floats, Head, Ints
from s3.student.predictor import Record
from s3.student.settings import Settings
from s3.student.weighting import balanced, label_shares, row_weights, shares_bias
from s3.student.weights import MODEL, load_probe

if TYPE_CHECKING:
    import torch

# The penalty on the weights, by measurement on eight data sets with 50 to 500 rows. Four cosines
# need hardly any where the rows are gold (10); where an LLM wrote them it keeps a cosine from
# being weighed by the writer's slips: with 100 rather than 10, a run on real RTE has 64.6, 62.1,
# 63.5 where it had 59.6, 53.1, 61.7. Of gold rows QNLI and SNLI want less (0.3 and 0.8 points).
L2_TEXT = 300.0
L2_PAIRS = 100.0
LEAST_GOLD = 50  # gold rows from which label shares say more than chance
ITERATIONS = 60  # of L-BFGS; a probe takes 10 to 40
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way from the probe that one starts from
# What decides a probe beside the settings; `features` is to be raised where these change.
CONSTANTS = {"l2": [L2_TEXT, L2_PAIRS], "least_gold": LEAST_GOLD, "steps": STEPS, "features": 1}


def probe_into(
    folder: Path,
    settings: Settings,
    encoder: Encoder,
    head: Head,
    train: Sequence[Example],
    validation: Sequence[Example],
    weights: NDArray[np.floating[Any]] | None,
    what: str,
    start: Path | None = None,
) -> None:
    """Fit a probe over the frozen pretrained encoder; leave a finished training in `folder`.

    `start` is the folder of the probe that it starts from, of the same encoder and head.
    """
    import torch
    from safetensors.torch import save_file
    from torch.nn.functional import cross_entropy

    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    tokens = encoder.tokens(head)
    rows, held_out = tokens.select(train, targets=True), tokens.select(validation, targets=False)
    with torch.random.fork_rng():  # a fresh layer is drawn, and then replaced
        model = load_probe(head, encoder.source, encoder.tokenizer, static=settings.static)
    both = np.concatenate([rows.numbers, held_out.numbers])
    found = torch.from_numpy(remembered(model, settings, encoder, head, both, what))
    model.cpu()  # what is left is too small for a GPU
    counts, targets = row_weights(weights, len(train), rows.owners), rows.targets[:, 0]
    with one_core():
        fit(model, found[: len(train)], targets, counts)
        step = None
        if len(validation) >= LEAST_GOLD:
            step = settle(model, found[len(train) :], head, validation, settings.metric, start)
        with torch.no_grad():
            logits = torch.cat([model.classify(part) for part in torch.split(found, BLOCK)])
    losses = cross_entropy(logits[: len(train)], torch.from_numpy(targets), reduction="none")
    loss = float(np.average(losses.numpy(), weights=counts))
    record = _record(head, str(settings.metric), (train, validation), logits.numpy(), loss)
    record.history[0] |= {"seconds": time.monotonic() - started}
    record.history[0] |= {} if step is None else {"step": step}
    head.save_config(model, folder)
    encoder.tokenizer.save_pretrained(folder)
    with whole(folder / MODEL) as partial:
        save_file(model.state_dict(), partial, metadata={"format": "pt"})
    record.write(folder)


def _record(
    head: Head,
    metric: str,
    sets: tuple[Sequence[Example], Sequence[Example]],
    logits: Floats,
    loss: float,
) -> Record:
    """Return the record of a probe from its logits for training and validation, [rows, labels]."""
    record, row = Record(metric), {"epoch": 0, "loss": loss}
    parts = np.split(logits, [len(sets[0])])
    trained, said = (
        head.decode(examples, part, np.arange(len(examples) + 1))
        for examples, part in zip(sets, parts, strict=True)
    )
    score = head.score(sets[0], trained.answers)
    row |= {f"train/{name}": value for name, value in score.items()}
    validated = head.score(sets[1], said.answers)
    row |= {f"validation/{name}": value for name, value in validated.items()}
    record.history.append(row)
    record.keep(0, said, score)
    return record


def fit(model: Any, features: torch.Tensor, targets: Ints, weights: NDArray[np.float32]) -> None:
    """Set the model's buffers and linear layer by multinomial logistic regression.

    The loss is the mean cross-entropy in which each label counts the same, within a label each row
    as its weight says, plus L2 / (2n) |W|^2, where n is the sum of the weights; solved in float64
    by L-BFGS from zero. Features of pairs are standardised one by one; those of a text, coordinates
    of one space, share one scale. Of many rows a block at a time is held in float64.
    """
    import torch

    pairs = model.config.pairs
    count, goals = torch.from_numpy(weights).double(), torch.from_numpy(targets)
    centre, variance = moments(features, count)
    scale = variance.sqrt() if pairs else variance.mean().sqrt().expand_as(centre)
    scale = scale.clamp(min=1e-6)

    labels = model.classifier.out_features
    shares = torch.from_numpy(balanced(weights, targets)).double() / count.sum()
    split = (torch.split(one, BLOCK) for one in (features, goals, shares))
    parts = list(zip(*split, strict=True))
    penalty = (L2_PAIRS if pairs else L2_TEXT) / (2 * float(count.sum()))
    weight = torch.zeros(labels, features.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(labels, dtype=torch.float64, requires_grad=True)
    solver = torch.optim.LBFGS(
        [weight, bias], max_iter=ITERATIONS, line_search_fn="strong_wolfe", tolerance_grad=1e-6
    )

    def loss() -> torch.Tensor:
        solver.zero_grad()
        value = penalty * (weight * weight).sum()
        value.backward()  # type: ignore[no-untyped-call]
        for part, wanted, share in parts:
            logits = (part.double() - centre) / scale @ weight.T + bias
            losses = torch.nn.functional.cross_entropy(logits, wanted, reduction="none")
            term = (losses * share).sum()
            term.backward()
            value = value + term
        return value.detach()

    solver.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        model.centre.copy_(centre)
        model.scale.copy_(scale)
        model.classifier.weight.copy_(weight)
        model.classifier.bias.copy_(bias)


def moments(features: torch.Tensor, count: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return mean and variance of features [rows, width] that count so much [rows], in float64."""
    import torch

    parts = list(zip(torch.split(features, BLOCK), torch.split(count, BLOCK), strict=True))
    mean = sum((part.double() * n[:, None]).sum(0) for part, n in parts) / count.sum()
    squares = (((part.double() - mean) ** 2 * n[:, None]).sum(0) for part, n in parts)
    return mean, sum(squares) / count.sum()


def settle(
    model: Any,
    features: torch.Tensor,
    head: Head,
    gold: Sequence[Example],
    metric: str | None,
    start: Path | None,
) -> float | None:
    """Set the bias to gold's label shares, `features` [rows, width] being gold's.

    With a `start`, go that step from it which gold's metric likes best, the smallest of equals, and
    return it. The answers of linear models mix as their weights do.
    """
    import torch

    shares = label_shares(gold, list(model.config.id2label.values()))
    layer = model.classifier
    with torch.no_grad():
        own = layer.weight.clone(), layer.bias.clone()
        before = own if start is None else moved(start, model)
        found: list[tuple[float, float, torch.Tensor, torch.Tensor]] = []
        for step in STEPS if start else STEPS[-1:]:
            weight, bias = (a + step * (b - a) for a, b in zip(before, own, strict=True))
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
            logits = model.classify(features).double()
            bias = bias + shares_bias(logits, shares)
            layer.bias.copy_(bias)
            said = head.decode(gold, model.classify(features).numpy(), np.arange(len(gold) + 1))
            score = head.score(gold, said.answers)[metric or head.default_metric(gold)]
            found.append((score, step, weight, bias))
        _, step, weight, bias = max(found, key=lambda one: one[0])
        layer.weight.copy_(weight)
        layer.bias.copy_(bias)
    return step if start else None


def moved(folder: Path, model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return weight and bias of a saved probe, as they are over the model's centre and scale."""
    from safetensors import safe_open

    with safe_open(folder / MODEL, "pt") as file:
        names = ("classifier.weight", "classifier.bias", "centre", "scale")
        weight, bias, centre, scale = (file.get_tensor(name) for name in names)
    return weight * (model.scale / scale), bias + weight @ ((model.centre - centre) / scale)
