"""Answers, probabilities and the metric that chooses, for labels."""

import numpy as np
import pytest

from s3.data.example import Example
from s3.student import Classifier

HEAD = Classifier(("ham", "spam"), ("text",))


def gold(ham, spam):
    return [Example({"text": str(i)}, "ham" if i < ham else "spam") for i in range(ham + spam)]


def test_probabilities_are_the_softmax_in_the_order_of_the_labels():
    logits = np.array([[0.0, np.log(3.0)], [800.0, 0.0]])
    found = HEAD.decode(gold(1, 1), logits, np.arange(3))
    assert found.answers == ["spam", "ham"]
    np.testing.assert_allclose(found.probabilities, [[0.25, 0.75], [1, 0]])


@pytest.mark.parametrize(
    ("ham", "spam", "metric"),
    [(5, 5, "accuracy"), (6, 2, "accuracy"), (13, 2, "macro_f1"), (0, 8, "macro_f1")],
)
def test_macro_f1_chooses_where_gold_validation_is_unbalanced(ham, spam, metric):
    assert HEAD.default_metric(gold(ham, spam)) == metric


def test_of_four_labels_the_even_share_is_a_quarter():
    head = Classifier(("ham", "spam", "eggs", "beans"), ("text",))
    assert head.default_metric(gold(3, 5)) == "macro_f1"
    rest = [Example({"text": "x"}, one) for one in ("eggs", "beans")]
    assert head.default_metric([*gold(1, 1), *rest]) == "accuracy"
