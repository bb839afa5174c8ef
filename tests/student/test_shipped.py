"""What docs/models.md says of a shipped model is true: its snippets run."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from s3.data.example import Answers, Example
from s3.student import Classifier, SpanExtractor, Training
from tests.student.conftest import reviews

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, re.S)
CONTEXT = "The plot is by an actor of the end."


def said(snippet, folder):
    """What a program of its own prints that has the snippet and nothing else."""
    code = snippet.replace("RUN/model", str(folder))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shipped(varied, tmp_path):
    """Train and save a model of a kind; return its folder."""

    def ship(training, **changes):
        rows = reviews(12, 0)
        if training == "spans":
            head = SpanExtractor()
            rows = [
                Example({"question": "Who", "context": CONTEXT}, Answers(("actor",), (18,)))
            ] * 4
            training = Training.finetune
        else:
            head = Classifier(("negative", "positive"), ("text",))
        student = varied(training=training, epochs=1, **changes)
        student.fit(head, rows, rows, seed=0, folder=tmp_path / "t").save(tmp_path / "model")
        return tmp_path / "model"

    return ship


def test_a_fine_tuned_classifier_needs_transformers_alone(shipped):
    lines = said(SNIPPETS[0], shipped(Training.finetune)).splitlines()
    assert len(lines) == 2
    assert all("'label': '" in line for line in lines)


@pytest.mark.parametrize("static", [False, True])
def test_a_probe_needs_this_project_beside_it(shipped, static):
    lines = said(SNIPPETS[1], shipped(Training.probe, static=static)).splitlines()
    assert sorted(line.split()[0] for line in lines) == ["negative", "positive"]
    assert sum(float(line.split()[1]) for line in lines) == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
def test_a_span_is_found_with_transformers_alone(shipped):
    by_hand = said(SNIPPETS[2], shipped("spans")).strip()
    assert by_hand
    assert by_hand in CONTEXT
