"""What is varied, one thing at a time, from worlds in which something differs from the paper's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from experiments.when_to_extrapolate.discrete import Kinds
from experiments.when_to_extrapolate.gaussian import World

LEFT_OUT = World()  # the LLM's own rows lack a quarter of gold, which the student could learn
COMPLETE = replace(LEFT_OUT, known=LEFT_OUT.rare)
# A student that sees little, as the probe on three features of real RTE: 63.9 from 150 seeds.
WEAK = World(signal=0.36, rare=0.0, gold=291, seeds=150)
STRONG = replace(WEAK, signal=2.0)
# As QNLI with 80 seeds: 160 gold rows alone teach 78 %, the LLM's own rows 22 %.
TURNED = World(turned=True, signal=0.77, rare=0.0, gold=160, seeds=80, dose=0.5)
KINDS = Kinds()
UNCLEAR = Kinds(clear=0.64, left_out=0.0, mistaken=0.0)


@dataclass(frozen=True)
class Setting:
    """A world with a name, in a group of worlds that differ in one thing each."""

    group: str
    name: str
    world: World | Kinds


def settings() -> Iterator[Setting]:
    """Yield all settings; the first of a group is what its others are varied from."""
    yield from _of("The LLM leaves out a quarter of gold", LEFT_OUT, {
        "as it is": {}, "nothing left out": {"known": LEFT_OUT.rare},
        "dose 0.1 a round": {"dose": 0.1}, "dose 0.5": {"dose": 0.5}, "dose 1": {"dose": 1.0},
        "dose 2": {"dose": 2.0},
        "50 gold rows": {"gold": 50}, "100 gold rows": {"gold": 100},
        "1000 gold rows, dose 0.2": {"gold": 1000, "dose": 0.2},
        "LLM goes halfway to the row shown": {"reach": 0.5},
        "LLM writes its own kind of row": {"reach": 0.0},
        "20 % wrong labels": {"noise": 0.2}, "40 % wrong labels": {"noise": 0.4},
        "LLM off by 1, threshold from gold": {"shift": 1.0},
        "LLM off by 1, threshold as trained": {"shift": 1.0, "calibrated": False},
    })  # fmt: skip
    yield from _of("The student sees little", WEAK, {
        "as it is": {}, "a student that sees": {"signal": STRONG.signal},
        "dose 0.1 a round": {"dose": 0.1}, "dose 0.25": {"dose": 0.25}, "dose 0.5": {"dose": 0.5},
        "LLM off by 0.7, threshold from gold": {"shift": 0.7},
        "LLM off by 0.7, threshold as trained": {"shift": 0.7, "calibrated": False},
        "20 % wrong labels": {"noise": 0.2}, "50 gold rows": {"gold": 50},
    })  # fmt: skip
    yield from _of("The LLM takes one label for the other", TURNED, {
        "as it is": {}, "dose 0.25 a round": {"dose": 0.25}, "dose 1": {"dose": 1.0},
        "50 gold rows": {"gold": 50}, "20 % wrong labels": {"noise": 0.2},
    })  # fmt: skip
    yield from _of("Kinds of text, the LLM leaves out a quarter and mistakes a tenth", KINDS, {
        "as it is": {}, "nothing left out": {"left_out": 0.0},
        "neither": {"left_out": 0.0, "mistaken": 0.0},
        "dose 0.25 a round": {"dose": 0.25}, "dose 0.5": {"dose": 0.5}, "dose 2": {"dose": 2.0},
        "100 gold rows": {"gold": 100}, "1000 gold rows, dose 0.5": {"gold": 1000, "dose": 0.5},
        "what it left out it cannot write": {"beyond": 1.0},
        "half of replies are its own": {"reach": 0.5},
        "20 % wrong labels": {"noise": 0.2}, "40 % wrong labels": {"noise": 0.4},
    })  # fmt: skip
    yield from _of("Kinds that the student cannot see into", UNCLEAR, {
        "as it is": {}, "it can": {"clear": 0.95}, "dose 0.25 a round": {"dose": 0.25},
    })  # fmt: skip


def _of(
    group: str, base: World | Kinds, variants: dict[str, dict[str, float | bool]]
) -> Iterator[Setting]:
    for name, changed in variants.items():
        yield Setting(group, name, replace(base, **changed))  # type: ignore[arg-type]
