"""Runs with few labelled rows or none, and what their tables and pages say of that."""

from __future__ import annotations

import pytest

from s3.analysis.comparison import compare
from s3.errors import UserError
from s3.prediction.model import load
from s3.runs.reading import Run
from tests.author import rationales
from tests.runs.lab import Lab
from tests.server import FakeLLM, Manners

OPTIONS = ("task=imdb", "task.gold.test_size=null", "task.gold.bundled.test=null")


def test_a_run_without_a_test_set_is_cross_validated(lab: Lab) -> None:
    with FakeLLM(rationales, Manners()) as endpoint:
        said = lab.run(endpoint, *OPTIONS, "task.gold.folds=3", "method.rounds=1")
    (folder,) = lab.folders()
    run = Run.open(folder)
    validation = run.best.predictions("validation")
    for round_ in run.rounds:
        tested = round_.predictions("test")
        assert [row["id"] for row in tested] == [row["id"] for row in validation]
        assert all(sum(row["probabilities"].values()) > 0.99 for row in tested)
    assert run.summary["cross_validation"]["folds"] == 3
    words = "What 12 rows can show: the 95 % interval of that score is"
    assert words in " ".join(said.split())
    assert words in " ".join((folder / "report.html").read_text().split())


def test_a_run_without_labelled_rows_says_that_nothing_is_known_of_real_texts(lab: Lab) -> None:
    nothing = ("task=imdb", "task.gold.bundled.validation=null", "task.gold.bundled.test=null")
    with FakeLLM(rationales, Manners()) as endpoint:
        said = lab.run(endpoint, *nothing, "method=zerogen", "seed_size=20")
        refused = lab.start(endpoint, *nothing, "method=s3", "dry_run=true")
        why, _ = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "task.gold.bundled.validation is not set, and this method extrapolates gold rows" in why
    run = Run.open(lab.folders()[0])
    assert "test" not in said.partition("* round 0 ships")[0]
    assert "how good the model is on real texts is not known" in " ".join(said.split())
    assert run.summary["kept_aside"] == 4
    assert len(run.best.train) == 16
    assert run.best.row["data/missing"] == 0
    assert {row["id"] for row in run.best.predictions("validation")} == {
        one.id for one in run.best.unused
    }
    assert run.best.predictions("test") == []
    page, card = run.path / "report.html", run.model / "README.md"
    for words in (page.read_text(), card.read_text()):
        assert "No row is labelled: nothing is known of real texts" in words
    model = load(run)
    assert len(model.predict(["A fine film."])) == 1
    assert model.temperature == 1
    with pytest.raises(UserError, match="no threshold can be found"):
        model.abstention(0.9)
    with pytest.raises(UserError, match="no row is labelled, so it has no score on test"):
        compare([run.path])


def test_a_test_set_alone_scores_what_synthetic_rows_chose(lab: Lab) -> None:
    with FakeLLM(rationales, Manners()) as endpoint:
        said = lab.run(
            endpoint, "task=imdb", "task.gold.bundled.validation=null", "method=zerogen",
            "seed_size=20",
        )  # fmt: skip
    run = Run.open(lab.folders()[0])
    assert len(run.best.predictions("test")) == 10
    assert "val. is 4 synthetic rows kept aside" in " ".join(said.split())
    assert "gold" not in run.summary
