"""What rows count in the loss, for the sum and for what is learned."""

import numpy as np
import pytest

from s3.student import SpanExtractor
from s3.student.lightning.module import Fitting
from s3.student.weighting import row_weights


def test_all_rows_count_one_unless_a_method_says_otherwise():
    owners = np.array([0, 1, 1, 2])
    assert row_weights(None, 3, owners).tolist() == [1, 1, 1, 1]
    assert row_weights(np.array([0.5, 2.0, 0.0]), 3, owners).tolist() == [0.5, 2, 2, 0]


@pytest.mark.parametrize(
    ("weights", "said"),
    [([1.0], "as many"), ([1.0, -1.0], "at least 0"), ([0.0, 0.0], "not all 0"),
     ([1.0, float("nan")], "finite")],
)  # fmt: skip
def test_wrong_weights_are_refused(weights, said):
    with pytest.raises(ValueError, match=said):
        row_weights(np.array(weights), 2, np.arange(2))


def test_rows_of_weight_0_teach_nothing(student, head, train, validation, tmp_path):
    """Every label is there twice, once right and once wrong: the weights say which is which."""
    wrong = [type(one)(one.fields, _other(one.target)) for one in train]
    weights = np.repeat([1.0, 0.0], len(train))
    fitted = student.fit(
        head, train + wrong, validation, seed=0, folder=tmp_path / "a", weights=weights
    )
    assert fitted.history[fitted.best_epoch - 1]["validation/accuracy"] > 0.9
    turned = student.fit(
        head, train + wrong, validation, seed=0, folder=tmp_path / "b", weights=1 - weights
    )
    assert turned.history[-1]["validation/accuracy"] < 0.1


def test_the_loss_is_the_weighted_mean(varied, head, train, validation, tmp_path, monkeypatch):
    totals, step = [], Fitting.training_step

    def noted(self, batch, batch_idx):
        loss = step(self, batch, batch_idx)
        totals.append(float(loss.detach()) * 8)
        return loss

    monkeypatch.setattr(Fitting, "training_step", noted)
    weights = np.linspace(0, 2, len(train))
    fitted = varied(epochs=1).fit(head, train, validation, seed=0, folder=tmp_path, weights=weights)
    assert fitted.history[0]["loss"] == pytest.approx(sum(totals) / weights.sum(), rel=1e-5)


def test_with_class_weights_each_label_counts_the_same(varied, head, train, validation, tmp_path):
    """As often as scikit-learn's `balanced` says: all rows over labels times the label's rows."""
    few = [one for one in train if one.target == "negative"]
    few += [one for one in train if one.target == "positive"][:3]
    scarce, often = len(few) / 6, len(few) / (2 * (len(few) - 3))
    by_hand = np.array([scarce if one.target == "positive" else often for one in few])
    trained = {
        name: varied(epochs=1, class_weights=name != "by hand").fit(
            head, few, validation, seed=0, folder=tmp_path / name, weights=weights
        )
        for name, weights in {"own": None, "by hand": by_hand}.items()
    }
    found = {name: one.history[0] for name, one in trained.items()}
    assert found["own"]["loss"] == pytest.approx(found["by hand"]["loss"], rel=1e-5)
    plain = varied(epochs=1).fit(head, few, validation, seed=0, folder=tmp_path / "plain")
    assert found["own"]["loss"] != pytest.approx(plain.history[0]["loss"], rel=1e-2)


def test_spans_have_no_class_weights(varied):
    with pytest.raises(ValueError, match="class_weights=true: answers that are spans"):
        varied(class_weights=True).check(SpanExtractor())


def _other(label):
    return "negative" if label == "positive" else "positive"
