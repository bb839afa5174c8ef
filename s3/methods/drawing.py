"""Which gold validation examples a round extrapolates: how many of the errors, and which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from s3.data.example import Example
from s3.methods.base import balanced


def half_right(error_rate: float) -> float:
    """Return how much may be errors so that about half of what is extrapolated is right already.

    With the rest drawn from gold at the model's error rate e that share s solves
    s + (1 - s) e = 1/2. For a model that errs on half of gold or more it is 0.
    """
    return 0.0 if error_rate >= 0.5 else (0.5 - error_rate) / (1 - error_rate)


def in_turn(wrong: Sequence[Example], number: int, train: Sequence[Example]) -> list[Example]:
    """Return `number` of the wrong examples; again and again, where there are fewer.

    Labels even out, those of the training data too; of a label, the examples that the training
    data grew from least often come first.
    """
    grown = (one.origin for one in train if one.origin.kind == "extrapolation")
    times = Counter(origin.source for origin in grown)
    queue = sorted(wrong, key=lambda example: times[example.origin.source])
    chosen: list[Example] = []
    while queue and len(chosen) < number:
        chosen += balanced(queue, number - len(chosen), [*train, *chosen])
    return chosen


def without(examples: list[Example], taken: list[Example]) -> list[Example]:
    """Return the examples that are not among those taken."""
    ids = {example.id for example in taken}
    return [example for example in examples if example.id not in ids]
