"""The features of a trained model are what its last layer is given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from s3.data.example import Example
from s3.student import Classifier, Precision, Student


def test_features_are_what_the_trained_models_last_layer_sees(tiny: Path, tmp_path: Path) -> None:
    labels = ("negative", "positive", "mixed")
    texts = [f"{'the film ' * (i % 4)}{word}" for i in range(6) for word in ("good", "bad", "plot")]
    examples = [Example({"text": text}, labels[i % 3]) for i, text in enumerate(texts)]
    student = Student(
        name="tiny", weights=str(tiny), max_length=32, stride=4, batch_size=4,
        learning_rate=3e-3, epochs=1, precision=Precision.fp32, evaluation_tokens=32,
    )  # fmt: skip
    fitted = student.fit(
        Classifier(labels, ("text",)), examples, examples, seed=0, folder=tmp_path / "model"
    )
    inputs, logits = fitted.features(examples)
    weights = load_file(fitted.folder / "model.safetensors")
    by_hand = inputs @ weights["classifier.weight"].numpy().T + weights["classifier.bias"].numpy()
    np.testing.assert_allclose(logits, by_hand, atol=1e-5)
    assert [labels[i] for i in logits.argmax(axis=1)] == fitted.predict(examples).answers
