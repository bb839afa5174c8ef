"""A world of a few kinds of text in which every probability is known, as section 2.6 has it.

A row is a kind and a label, 0 or 1. Gold has each kind at its own frequency, and a share `clear` of
a kind's rows has the kind's own label. The student is a table: of each kind it answers the label
that more of its training rows have. Where `clear` is 1 that is section 2.6's student, which learns
the synthetic distribution perfectly; where it is less, the student cannot see what a kind's other
rows differ by. The total variation and the divergence between the training set and gold's
distribution are exact, given the training set.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.when_to_extrapolate.gaussian import RULE, by_rule

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Kinds:
    """What gold is like, what the LLM can write, and how the loop is run."""

    kinds: int = 40
    clear: float = 0.95  # share of a kind's gold rows with its own label
    left_out: float = 0.25  # share of the kinds that the LLM's own rows leave out
    mistaken: float = 0.1  # share of the kinds to which the LLM's own rows give the other label
    beyond: float = 0.0  # share of the kinds left out that it cannot write when shown one, either
    reach: float = 0.9  # share of extrapolations that are of the kind shown; the rest are its own
    noise: float = 0.0  # share of extrapolations that do not have the label asked for
    gold: int = 300
    seeds: int = 200
    rounds: int = 3
    dose: float | None = None  # additions a round, as a share of the seeds; None: one an error


@dataclass(frozen=True)
class Course:
    """What came of a method in each draw and round, [draws, rounds + 1]."""

    accuracy: Floats
    variation: Floats  # total variation between the training set and gold's distribution
    divergence: Floats  # Kullback-Leibler, of gold's distribution from the training set's, in bits
    errors: Floats
    additions: Floats


@dataclass(frozen=True)
class Truth:
    """The distributions of each draw, over kinds and labels: [draws, kinds, 2]."""

    gold: Floats
    seeds: Floats
    written: Floats  # [draws, kinds shown, 2 labels asked for, kinds written]


def truth(world: Kinds, draws: int, rng: np.random.Generator) -> Truth:
    """Draw a world: frequencies, labels, and which kinds the LLM leaves out or mistakes."""
    frequency = rng.dirichlet(np.full(world.kinds, 2.0), size=draws)
    label = rng.permuted(np.tile(np.arange(world.kinds) % 2, (draws, 1)), axis=1)
    rank = rng.permuted(np.tile(np.arange(world.kinds), (draws, 1)), axis=1) / world.kinds
    out, never = rank < world.left_out, rank < world.left_out * world.beyond
    mistaken = (rank >= world.left_out) & (rank < world.left_out + world.mistaken)
    gold = _labelled(frequency, label, world.clear)
    known = np.where(out, 0.0, frequency)
    known /= known.sum(axis=1, keepdims=True)
    seeds = _labelled(known, np.where(mistaken, 1 - label, label), world.clear)
    own = (seeds / seeds.sum(axis=1, keepdims=True)).transpose(0, 2, 1)  # given a label
    stays = world.reach * np.where(never, 0.0, 1.0)[:, :, None, None]
    written = stays * np.eye(world.kinds)[None, :, None] + (1 - stays) * own[:, None]
    return Truth(gold, seeds, written)


def _labelled(frequency: Floats, label: NDArray[np.int64], clear: float) -> Floats:
    share = np.where(label[..., None] == np.arange(2), clear, 1 - clear)
    return np.asarray(frequency[..., None] * share)


def counted(number: NDArray[np.int64] | int, shares: Floats, rng: np.random.Generator) -> Floats:
    """Draw `number` rows a draw from shares over kinds and labels; return their counts."""
    flat = shares.reshape(len(shares), -1)
    flat = flat / np.maximum(flat.sum(axis=1, keepdims=True), 1e-300)
    return rng.multinomial(number, flat).reshape(shares.shape).astype(float)


def course(world: Kinds, share: float | None, draws: int, seed: int) -> Course:
    """Play the loop. Draws of equal seed have equal worlds, gold and seeds, whatever the method."""
    rng = np.random.default_rng(seed)
    known = truth(world, draws, rng)
    gold = counted(world.gold, known.gold, rng)
    train = counted(world.seeds, known.seeds, rng)
    guess = rng.random(gold.shape) * 1e-6  # of kinds never seen, and of ties
    found = []
    for index in range(world.rounds + 1):
        wrong = gold * ((train + guess).argmax(axis=2)[..., None] != np.arange(2))
        errors = wrong.sum(axis=(1, 2)) / world.gold
        added = train.sum(axis=(1, 2)) / world.seeds - 1
        found.append((*_measured(known.gold, train, guess), errors, added))
        if index < world.rounds:
            number = wrong.sum(axis=(1, 2))
            if world.dose is not None:
                number = np.full(draws, world.dose * world.seeds)
            train = train + additions(world, known, gold, wrong, share, number.astype(int), rng)
    return Course(*(np.stack(one, axis=1) for one in zip(*found, strict=True)))


def additions(
    world: Kinds,
    known: Truth,
    gold: Floats,
    wrong: Floats,
    share: float | None,
    number: NDArray[np.int64],
    rng: np.random.Generator,
) -> Floats:
    """Return the counts of rows written like errors, like other gold rows, or like some of both."""
    rates = wrong.sum(axis=(1, 2)) / world.gold
    shares = by_rule(rates, world.gold) if share is RULE else share
    of_errors = np.where(rates > 0, np.round(shares * number), 0).astype(int)
    others = gold - wrong if share else gold
    total = np.zeros_like(gold)
    rest = np.where((share == 1) & (rates == 0), 0, number - of_errors)
    for rows, many in ((wrong, of_errors), (others, rest)):
        even = rows + (rows.sum(axis=(1, 2), keepdims=True) == 0)
        shown = even / even.sum(axis=(1, 2), keepdims=True)
        content = np.einsum("dky,dkyj->djy", shown, known.written)
        asked = (1 - world.noise) * content + world.noise * content[..., ::-1]
        total += counted(many, asked, rng)
    return total


def _measured(gold: Floats, train: Floats, guess: Floats) -> tuple[Floats, ...]:
    """Return accuracy, total variation and divergence."""
    answers = (train + guess).argmax(axis=2)
    accuracy = np.take_along_axis(gold, answers[..., None], 2).sum(axis=(1, 2))
    size = train.sum(axis=(1, 2), keepdims=True)
    variation = np.abs(train / size - gold).sum(axis=(1, 2)) / 2
    smooth = (train + 0.5) / (size + 0.5 * gold[0].size)  # Krichevsky and Trofimov's estimate
    logs = np.log2(np.maximum(gold, 1e-300) / smooth)
    divergence = np.where(gold > 0, gold * logs, 0).sum(axis=(1, 2))
    return accuracy, variation, divergence


def floor(world: Kinds, draws: int, seed: int, number: int) -> tuple[float, float]:
    """Return the accuracy and total variation of so many rows drawn from gold itself."""
    rng = np.random.default_rng(seed)
    known = truth(world, draws, rng)
    train = counted(number, known.gold, rng)
    accuracy, variation, _ = _measured(known.gold, train, rng.random(train.shape) * 1e-6)
    return float(accuracy.mean()), float(variation.mean())
