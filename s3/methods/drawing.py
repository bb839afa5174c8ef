"""What a method draws: errors and gold to extrapolate, additions to keep, texts to label."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence

from s3.data.example import Example
from s3.data.many import chosen, joined, without
from s3.methods.base import Bench, balanced, label_of
from s3.metrics import accuracy, against

# Standard errors below unrelated answers from which a model is taken as turned round: with two, a
# run on QNLI was left half turned; with none, a student of one label, whose errors are of the
# other, might be meant (experiments/table2, experiments/when_to_extrapolate).
TURNED = 1.0
# What null means, in a run's identity: a run by another rule is another run.
RULE = f"all if {TURNED} standard errors below unrelated answers, else half right"


def error_share(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Return how much of what a round extrapolates are errors, by the measured rule.

    From the model's answers to gold validation and the labels. Where it answers the wrong way
    round, its errors are the rows that show which way is right: all are errors.
    """
    turned = against(predicted, gold) > TURNED
    return 1.0 if turned else half_right(1 - accuracy(predicted, gold))


def half_right(error_rate: float) -> float:
    """Return how much may be errors so that about half of what is extrapolated is right already.

    With the rest drawn from gold at the model's error rate e that share s solves
    s + (1 - s) e = 1/2. For a model that errs on half of gold or more it is 0.
    """
    return 0.0 if error_rate >= 0.5 else (0.5 - error_rate) / (1 - error_rate)


def mixture(
    wrong: list[Example],
    gold: list[Example],
    errors: float,
    number: int,
    train: Sequence[Example],
    seed: int,
) -> list[Example]:
    """Return `number` examples to extrapolate: this share of errors, the others of other gold.

    The draw is the seed's, and in the same order each round.
    """
    for examples in (wrong, gold):
        random.Random(f"{seed}/gold").shuffle(examples)
    taken = in_turn(wrong, round(errors * number), train)
    if errors == 1:
        return taken
    others = without(gold, taken) or gold
    return taken + in_turn(others, number - len(taken), joined(train, taken))


def in_turn(wrong: Sequence[Example], number: int, train: Sequence[Example]) -> list[Example]:
    """Return `number` of the wrong examples; again and again, where there are fewer.

    Labels even out, those of the training data too; of a label, the examples that the training
    data grew from least often come first.
    """
    grown = (one.origin for one in train if one.origin.kind == "extrapolation")
    times = Counter(origin.source for origin in grown)
    queue = sorted(wrong, key=lambda example: times[example.origin.source])
    labels, taken = Counter(map(label_of, train)), list[Example]()
    while queue and len(taken) < number:
        taken += balanced(queue, number - len(taken), labels)
    return taken


def cut(examples: Sequence[Example], size: int, seed: int) -> Sequence[Example]:
    """Return the examples, or so many of them by a seeded draw, even over the labels."""
    if len(examples) <= size:
        return examples
    every = range(len(examples))
    return balanced(chosen(examples, random.Random(seed).sample(every, len(every))), size)


def merged(
    train: Sequence[Example],
    added: Sequence[Example],
    written: Sequence[Example],
    unused: Sequence[Example],
    share: int | None,
) -> tuple[Sequence[Example], Sequence[Example]]:
    """Return all additions so far, at a fixed size a share of the new ones, and the rest."""
    if share is None:
        return joined(added, written), unused
    taken = balanced(joined(written, unused), share, Counter(map(label_of, train)))
    return joined(added, taken), without(joined(unused, written), taken)


def unlabelled(bench: Bench, size: int, known: Iterable[Example]) -> list[Example]:
    """Draw `size` texts of the task's unlabelled ones, each once and none that is known."""
    seen = {example.key() for example in known}
    texts = {example.key(): example for example in bench.task.unlabelled_examples()}
    new = [example for key, example in texts.items() if key not in seen]
    return random.Random(f"{bench.seed}/unlabelled").sample(new, min(size, len(new)))
