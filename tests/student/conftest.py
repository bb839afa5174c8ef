"""A tiny encoder with random weights, and examples that it can learn in a second."""

import random
from dataclasses import replace

import pytest
import torch
from transformers import BertConfig, BertModel, BertTokenizer

from s3.data import Example
from s3.student import Classifier, Precision, Student

_TEXT = "good great fine bad awful poor the a film plot was is and it very of actor scene end"
WORDS = _TEXT.split()
SIGNS = {"positive": WORDS[:3], "negative": WORDS[3:6]}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """The folder of a two-layer BERT with a vocabulary of the words above."""
    folder = tmp_path_factory.mktemp("tiny")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {
        word: i for i, word in enumerate([*special, *WORDS, *"?.,", *map(str, range(10))])
    }
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)
    sizes = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(
        vocab_size=len(vocabulary), num_hidden_layers=2, initializer_range=0.05, **sizes
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture
def student(tiny):
    """A student of the tiny encoder; fp32, so that sums in other orders stay close."""
    return Student(
        name="tiny",
        weights=str(tiny),
        max_length=32,
        stride=4,
        batch_size=8,
        learning_rate=3e-3,
        epochs=3,
        precision=Precision.fp32,
    )


@pytest.fixture
def varied(student):
    """Make a student like the usual one but for some fields."""
    return lambda **changes: replace(student, **changes)


@pytest.fixture(scope="session")
def head():
    return Classifier(("negative", "positive"), ("text",))


def reviews(count, seed):
    """Texts of 3 to 20 words with one word that gives the label away."""
    chance = random.Random(seed)
    made = []
    for _ in range(count):
        label = chance.choice(sorted(SIGNS))
        words = chance.choices(WORDS[6:], k=chance.randrange(2, 20))
        words.insert(chance.randrange(len(words)), chance.choice(SIGNS[label]))
        made.append(Example({"text": " ".join(words)}, label))
    return made


@pytest.fixture(scope="session")
def train():
    return reviews(240, 0)


@pytest.fixture(scope="session")
def validation():
    return reviews(40, 1)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Two threads gain nothing on a tiny model, and lose much on a busy machine."""
    for module in ("training", "inference"):
        monkeypatch.setattr(f"s3.student.{module}.cores", lambda: 1)
