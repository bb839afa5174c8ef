"""Is the influence that ProGen goes by right? `python experiments/progen_influence/run.py`."""

from __future__ import annotations

import argparse
import random
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from numpy.typing import NDArray

from s3.config import build, register
from s3.data.example import Example
from s3.methods import ProGen
from s3.methods.existing import existing
from s3.methods.influence import Floats, Ints, LastLayer, influences, reverse_loss, solve
from s3.runs.experiment import Experiment

CONF = Path(__file__).resolve().parents[2] / "s3" / "conf"
FLIPPED = 0.3
DAMPINGS = (1e-3, 1e-2, 1e-1, 1.0, 50.0)  # the last is that of the paper's LiSSA: 5e-3 x 1e4
PENALTY, LEFT_OUT = 0.01, 60


def main() -> None:
    """Print both checks for one data set and seed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, required=True, help="film reviews: rows or a run")
    options.add_argument("--rows", type=int, default=1200, help="examples used at most")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("overrides", nargs="*", help="as for run.py: model.epochs=1")
    chosen = options.parse_args()
    register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        experiment = build(compose("config", overrides=["task=imdb", *chosen.overrides]))
    examples = load(experiment, chosen.data, chosen.rows, chosen.seed)
    train, held_out, flipped = trained_layers(experiment, examples, chosen.seed)
    print(
        f"{len(train.targets)} training and {len(held_out.targets)} held-out examples", flush=True
    )
    show_flips(train, held_out, flipped)
    show_leaving_out(train, held_out)


def load(experiment: Experiment, data: Path, rows: int, seed: int) -> list[Example]:
    """Return at most `rows` of the examples, shuffled."""
    found = existing(experiment.task, data, "seed")
    random.Random(seed).shuffle(found)
    return found[:rows]


def trained_layers(
    experiment: Experiment, examples: list[Example], seed: int
) -> tuple[LastLayer, LastLayer, NDArray[np.bool_]]:
    """Flip labels everywhere, train, and return the layers of training and held-out examples."""
    labels = list(experiment.task.head().labels)  # type: ignore[attr-defined]
    chance = random.Random(f"{seed}/flips")
    flips = [chance.random() < FLIPPED for _ in examples]
    noisy = [
        replace(one, target=chance.choice([name for name in labels if name != one.target]))
        if flip
        else one
        for one, flip in zip(examples, flips, strict=True)
    ]
    cut = len(noisy) * 2 // 3
    with tempfile.TemporaryDirectory() as folder:
        predictor = experiment.model.fit(
            experiment.task.head(), noisy[:cut], noisy[cut:], seed=seed, folder=Path(folder)
        )
        layers = [
            LastLayer(
                *predictor.features(part),
                np.array([labels.index(str(one.target)) for one in part]),
            )
            for part in (noisy[:cut], noisy[cut:])
        ]
    return layers[0], layers[1], np.array(flips[:cut])


def show_flips(train: LastLayer, held_out: LastLayer, flipped: NDArray[np.bool_]) -> None:
    """Print how many flipped labels the helpful and the harmful half hold."""
    print(f"flipped labels: {flipped.mean():.1%} of all")
    for damping in DAMPINGS:
        order = np.argsort(influences(train, held_out, damping))
        half, top = len(order) // 2, ProGen().pool
        parts = {
            "helpful half": order[:half],
            "harmful half": order[half:],
            f"best {top}": order[:top],
        }
        said = ", ".join(f"{name} {flipped[part].mean():.1%}" for name, part in parts.items())
        print(f"  damping {damping:g}: {said}")


def show_leaving_out(train: LastLayer, held_out: LastLayer) -> None:
    """Print the rank correlation with retraining a logistic regression without each example."""
    chosen = np.arange(min(LEFT_OUT, len(train.targets)))
    inputs, targets = train.inputs[chosen], train.targets[chosen]
    weights = fit(inputs, targets, held_out.logits.shape[1], len(chosen))
    fitted, judged = (
        given(inputs, targets, weights),
        given(held_out.inputs, held_out.targets, weights),
    )
    scores = influences(fitted, judged, PENALTY)
    changes = []
    for one in chosen:
        rest = chosen != one
        without = fit(inputs[rest], targets[rest], len(weights), len(chosen))
        changes.append(
            reverse_loss(given(held_out.inputs, held_out.targets, without)) - reverse_loss(judged)
        )
    ranks = [np.argsort(np.argsort(values)) for values in (-scores, np.array(changes))]
    spearman = np.asarray(np.corrcoef(np.array(ranks)))[0, 1]
    print(f"leave-one-out, logistic regression on {len(chosen)} examples: Spearman {spearman:.3f}")


def given(inputs: Floats, targets: Ints, weights: Floats) -> LastLayer:
    """Return the layer that has these weights, [classes, d + 1]."""
    return LastLayer(inputs, inputs @ weights[:, :-1].T + weights[:, -1], targets)


def fit(inputs: Floats, targets: Ints, classes: int, whole: int) -> Floats:
    """Return the weights of a logistic regression at its optimum; losses count over `whole`."""
    weights = np.zeros((classes, inputs.shape[1] + 1))
    penalty = PENALTY * whole / len(inputs)
    for _ in range(50):
        layer = given(inputs, targets, weights)
        slope = layer.residuals.T @ layer.biased / len(inputs) + penalty * weights
        if np.abs(slope).max() < 1e-10:
            break
        weights = weights - solve(layer, slope, penalty)
    return weights


if __name__ == "__main__":
    main()
