"""A head with a model and annotations of its own needs no edit anywhere else.

This one compares the mean of each text's tokens: late interaction at its simplest.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file
from torch import nn

from s3.data.example import Example
from s3.student import Classifier, Predictor


class PairModel(nn.Module):
    def __init__(self, encoder):
        super().__init__()
        self.encoder, self.config = encoder.requires_grad_(False), encoder.config
        self.scale = nn.Linear(1, 2)

    def likeness(self, inputs, texts):
        hidden = self.encoder(**inputs).last_hidden_state
        means = [
            (hidden * (texts == number)[:, :, None]).sum(1) / (texts == number).sum(1)[:, None]
            for number in (0, 1)
        ]
        return 1 - nn.functional.cosine_similarity(*means)[:, None]

    def forward(self, inputs, texts):
        return self.scale(8 * self.likeness(inputs, texts))


@dataclass(frozen=True)
class Pairs(Classifier):
    annotations = 1  # the number of the text that a token is of

    def annotate(self, encoding):
        numbers = [-1 if one is None else one for one in encoding.sequence_ids]
        return np.array(numbers, np.int32)[:, None]

    def load(self, source, **options):
        from transformers import AutoConfig, AutoModel

        if not (Path(source) / "pairs").exists():
            return PairModel(AutoModel.from_pretrained(source, **options))
        model = PairModel(AutoModel.from_config(AutoConfig.from_pretrained(source)))
        model.load_state_dict(load_file(Path(source) / "model.safetensors"))
        return model.eval()

    def save_config(self, model, folder):
        super().save_config(model.encoder, folder)
        (folder / "pairs").touch()

    def forward(self, model, batch):
        return model(batch.inputs, batch.annotations[:, :, 0]).float()


@pytest.fixture(scope="module")
def pairs():
    words = ["good", "great", "bad", "awful", "plot", "scene", "actor", "end"]
    chance = np.random.default_rng(0)
    made = []
    for number in range(120):
        first = " ".join(chance.choice(words, 4))
        second = first if number % 2 else " ".join(chance.choice(words, 4))
        label = "same" if number % 2 else "other"
        made.append(Example({"first": first, "second": second}, label))
    return made


def test_it_trains_predicts_and_is_found_again(varied, pairs, tmp_path):
    head = Pairs(("other", "same"), ("first", "second"))
    student = varied(epochs=30, learning_rate=0.1)
    fitted = student.fit(head, pairs[:80], pairs[80:], seed=0, folder=tmp_path / "training")
    assert max(row["validation/accuracy"] for row in fitted.history) > 0.8  # chance is a half
    said = fitted.predict(pairs[80:])
    np.testing.assert_allclose(said.probabilities, fitted.validation.probabilities, atol=1e-5)
    fitted.save(tmp_path / "model")
    alone = Predictor(student, head, tmp_path / "model").predict(pairs[80:])
    np.testing.assert_array_equal(alone.probabilities, said.probabilities)
