"""A whole run without a test set: cross-validated, which its table and page say."""

from __future__ import annotations

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
