"""Scores against their definitions and against torchmetrics."""

import math
import random

import pytest
import torch
from sklearn.metrics import cohen_kappa_score
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score

from s3.metrics import accuracy, against, exact_match, f1, macro_f1, unrelated


def test_accuracy_and_macro_f1_equal_torchmetrics():
    random.seed(0)
    gold, predicted = ([random.randrange(4) for _ in range(200)] for _ in range(2))
    names = [list(map(str, values)) for values in (predicted, gold)]
    tensors = torch.tensor(predicted), torch.tensor(gold)
    expected = multiclass_accuracy(*tensors, num_classes=4, average="micro")
    assert accuracy(*names) == pytest.approx(float(expected))
    assert macro_f1(*names) == pytest.approx(float(multiclass_f1_score(*tensors, num_classes=4)))


def test_answers_against_the_labels_have_a_kappa_below_zero():
    """By scikit-learn's kappa and by shuffled answers; none where nothing is said by answering."""
    random.seed(1)
    gold = [random.choice("aab") for _ in range(300)]
    said = ["ab"[one == "a"] if random.random() < 0.6 else one for one in gold]
    assert cohen_kappa_score(said, gold) < 0 < against(said, gold)
    assert cohen_kappa_score(gold, gold) > 0 > against(gold, gold)
    agreed = [accuracy(random.sample(said, len(said)), gold) for _ in range(2000)]
    assert unrelated(said, gold) == pytest.approx(sum(agreed) / len(agreed), abs=0.003)
    assert against(["a"] * 300, gold) == 0
    assert against(["b", "b", "a"], ["a", "a", "b"]) == math.inf


def test_macro_f1_counts_a_label_that_is_never_predicted_as_zero():
    assert macro_f1(["a", "a", "a", "a"], ["a", "a", "b", "c"]) == pytest.approx((2 / 3) / 3)


@pytest.mark.parametrize(
    ("predicted", "answers", "em", "word_f1"),
    [
        ("The Cat!", ["cat"], 1, 1),  # case, punctuation, article
        ("black cat", ["cat", "black cat"], 1, 1),  # the best of several answers
        ("black cat", ["cat"], 0, 2 / 3),
        ("cat cat", ["cat"], 0, 2 / 3),  # a repeated word counts once
        ("dog", ["cat"], 0, 0),
        ("", ["cat"], 0, 0),
        ("the", ["a"], 1, 1),  # nothing is left of either
        ("《红楼梦》。", ["红楼梦"], 1, 1),
        ("红楼", ["红楼梦"], 0, 4 / 5),  # in characters
        ("在1812年", ["1812年"], 0, 4 / 5),
        ("المهندس سالم،", ["«المهندس سالم»"], 1, 1),
        ("سالم", ["المهندس سالم"], 0, 2 / 3),
        ("שלום עולם", ["שלום"], 0, 2 / 3),
    ],
)
def test_exact_match_and_f1(predicted, answers, em, word_f1):
    assert exact_match(predicted, answers) == em
    assert f1(predicted, answers) == pytest.approx(word_f1)


def test_lists_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="zip"):
        accuracy(["a"], ["a", "b"])
