"""A student of the tiny encoder, and examples that it can learn in a second."""

import random
from dataclasses import replace

import pytest

from s3.data.example import Example
from s3.student import Classifier, Precision, Student
from tests.conftest import WORDS

SIGNS = {"positive": WORDS[:3], "negative": WORDS[3:6]}


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
    monkeypatch.setattr("s3.student.hardware.cores", lambda: 1)
