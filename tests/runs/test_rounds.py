"""The rounds of a run: what chooses among them, what each is said to have cost, where it trains."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3.audit import Audit
from s3.data.example import Example, Mistake
from s3.data.gold import GoldData
from s3.errors import UserError
from s3.methods import Bench, GoldOnly, Method, Round
from s3.runs.counts import majority
from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.reading import Run
from s3.runs.rounds import Rounds
from s3.synthesis import SynthesisedSet
from tests.author import composed
from tests.runs.made import ABOUT, CONFIG, Model, gold, written


class Course(Method):
    """Trains on what it is given, round by round, each from the round before if it is warm."""

    def __init__(
        self,
        answers: list[str],
        warm: bool = False,
        weights: list[float] | None = None,
        with_gold: bool = False,
    ) -> None:
        self.answers, self.warm, self.weights = answers, warm, weights
        self.with_gold = with_gold

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        predictor = None
        for index, answer in enumerate(self.answers):
            train = written(3, index)
            start = predictor if self.warm else None
            predictor = bench.fit(
                train, bench.validation, what=answer, start=start, weights=self.weights
            )
            made = SynthesisedSet(3, train)
            yield Round(index, train, made, [], predictor, bench.validation)


class Gold(GoldOnly):
    """Gold Data, whose training is called by a label."""

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        train = bench.train
        predictor = bench.fit(train, bench.validation, what="positive", start=None)
        yield Round(0, train, SynthesisedSet(0), [], predictor, bench.validation)


class Student:
    """Its models answer with the label that the training is called by."""

    def __init__(self, metric: str = "accuracy", probed: bool = False) -> None:
        self.metric, self.folders, self.weights = metric, list[Path](), list[Any]()
        self.probed = probed
        self.trained: list[tuple[str, list[Example], list[Example]]] = []

    def choosing_metric(self, head: Any, validation: Any) -> str:
        return self.metric

    def probes(self, head: Any) -> bool:
        return self.probed

    def fit(self, head, train, validation, *, seed, folder, what, start, weights, on_epoch):
        self.folders.append(folder)
        self.weights.append(weights)
        self.trained.append((what, train, validation))
        if len(validation) < 2:
            raise UserError("too few")
        return Model(validation, what)


class Session:
    """Has paid a dollar more each time it is asked."""

    priced = True

    def __init__(self) -> None:
        self.times = 0

    @property
    def paid(self) -> float:
        self.times += 1
        return float(self.times)

    def afresh(self) -> Session:
        return self


def run(
    tmp_path: Path, method: Method, data: GoldData, student: Student | None = None,
    gold_baseline: bool = False,
) -> Run:  # fmt: skip
    """Carry a method out and open what it leaves."""
    task, folder = composed("task=imdb").task, RunFolder(tmp_path / "run")

    class Keeper(Listener):
        def finished(self, summary):
            folder.write_summary(summary)

    with folder.hold(CONFIG, {}, fresh=False):
        parts: Any = (task, method, student or Student(), data, 0, Session(), folder, Keeper())
        rounds = Rounds(*parts, Audit(), gold_baseline)
        rounds.run()
        rounds.finish(ABOUT)
    return Run.open(folder.path)


def unbalanced(number: int, split: str) -> list[Any]:
    """Gold rows of which three quarters are negative."""
    return [one for i, one in enumerate(gold(2 * number, split)) if i % 2 == 0 or i % 6 == 1]


def test_validation_alone_chooses_the_round_that_ships(tmp_path: Path):
    validation = [one for one in gold(8) if one.target == "negative"]
    test = [one for one in gold(8, "test") if one.target == "positive"]
    found = run(tmp_path, Course(["positive", "negative"]), GoldData(validation, test, validation))
    assert [one.row["validation/accuracy"] for one in found.rounds] == [0.0, 1.0]
    assert [one.row["test/accuracy"] for one in found.rounds] == [1.0, 0.0]
    assert found.best.index == 1  # right on validation, wrong on test
    assert (found.model / "model.safetensors").read_text() == "negative"


def test_the_metric_that_was_chosen_chooses(tmp_path: Path):
    data = GoldData(unbalanced(8, "validation"), unbalanced(8, "test"), unbalanced(8, "train"))
    found = run(tmp_path, Course(["negative"]), data, Student("macro_f1"))
    assert found.summary["metric"] == "macro_f1"
    assert found.best.row["test/majority"] == majority(data.test)
    assert found.best.row["test/accuracy"] == majority(data.test) > found.best.row["test/macro_f1"]


def test_each_round_has_what_was_paid_for_it(tmp_path: Path):
    found = run(tmp_path, Course(["positive"] * 3), GoldData(gold(4), gold(4, "t"), gold(4)))
    assert [one.row["llm/cost"] for one in found.rounds] == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("warm", [False, True])
def test_a_training_is_named_by_the_weights_that_it_starts_from(tmp_path: Path, warm: bool):
    data = GoldData(gold(4), gold(4, "test"), gold(4))
    folders = []
    for first in ("positive", "negative"):  # the second training has the same data, another start
        student = Student()
        run(tmp_path / first, Course([first, "positive"], warm), data, student)
        folders.append(student.folders[1].name)
    assert (folders[0] != folders[1]) is warm


def test_a_training_and_a_scored_round_are_those_of_their_rows_weights(tmp_path: Path):
    data, student = GoldData(gold(4), gold(4, "test"), gold(4)), Student()
    said = []
    for weights, answer in (([1, 2, 1], "positive"), ([1, 2, 1], "negative"), (None, "negative")):
        found = run(tmp_path, Course([answer], weights=weights), data, student)
        said.append(found.rounds[0].predictions("test")[0]["predicted"])
    assert student.folders[0] == student.folders[1] != student.folders[2]
    assert list(student.weights[0]) == [1, 2, 1]
    assert student.weights[2] is None
    assert said == ["positive", "positive", "negative"]  # equal weights: as it was scored before


def test_gold_rows_in_two_splits_are_written_down_and_counted(tmp_path: Path):
    validation = gold(4)
    found = run(tmp_path, Course(["positive"]), GoldData(validation, validation[:2], validation))
    assert len(found.gold_copies) == 2
    assert found.best.row["audit/gold/validation_in_test"] == 2


def test_a_row_counts_what_grew_from_errors_and_what_from_other_gold(tmp_path: Path):
    """The rows that a round writes all grew from validation row 0 or 1, of which one was wrong."""
    validation = gold(4)

    class Mixed(Method):
        def rounds_of(self, bench: Bench) -> Iterator[Round]:
            for index in range(2):
                added = written(3, 0) if not index else [*written(2, 1), *written(3, 2)]
                predictor = bench.fit(added, validation, what="positive", start=None)
                wrong = [Mistake(replace(validation[1], origin=written(1, 1)[0].origin), "x")]
                made = SynthesisedSet(5, added)
                yield Round(index, added, made, wrong, predictor, validation)

    found = run(tmp_path, Mixed(), GoldData(validation, gold(4, "test"), validation))
    counts = [
        (one.row["data/errors_extrapolated"], one.row["data/gold_extrapolated"])
        for one in found.rounds
    ]
    assert counts == [(0, 0), (2, 3)]


def test_the_largest_share_of_answers_is_in_the_row(tmp_path: Path):
    found = run(tmp_path, Course(["positive"]), GoldData(gold(4), gold(4, "test"), gold(4)))
    assert found.best.row["validation/largest_share"] == 1.0
    assert found.best.row["validation/majority"] == 0.5


def test_gold_alone_is_trained_on_gold_validation_and_stands_beside_the_rounds(tmp_path: Path):
    data = GoldData(gold(20), unbalanced(8, "test"), gold(30, "train"))
    student = Student()
    found = run(tmp_path, Course(["negative", "positive"]), data, student, gold_baseline=True)
    (what, train, chooser), (both, mixed, aside) = student.trained[-2:]
    assert (what, both) == ("training on gold alone", "training with gold")
    assert (len(train), len(chooser)) == (16, 4)
    assert {one.id for one in [*train, *chooser]} == {one.id for one in data.validation}
    assert {one.id for one in mixed} == {one.id for one in [*found.best.train, *train]}
    assert aside == chooser
    assert len(found.rounds) == 2
    assert set(found.summary["gold"]) == {"size", "test/accuracy", "test/macro_f1"}
    assert found.summary["gold"]["size"] == 20
    assert found.summary["with_gold"]["size"] == 20 + len(found.best.train)
    for name in ("gold", "with_gold"):
        assert [one["id"] for one in found.beside(name)] == [one.id for one in data.test]
    assert found.best.index in (0, 1)  # it is no choice
    again = Student()
    run(tmp_path / "again", Course(["negative", "positive"]), data, again, gold_baseline=True)
    assert again.trained[-1] == student.trained[-1]


def test_a_probe_on_gold_is_cross_fitted(tmp_path: Path):
    data, student = GoldData(gold(20), gold(8, "test"), gold(20)), Student(probed=True)
    found = run(tmp_path, Course(["positive"]), data, student, gold_baseline=True)
    parts = [one for one in student.trained if one[0] == "training on gold alone"]
    aside = [one.id for _, _, chooser in parts for one in chooser]
    assert sorted(aside) == sorted(one.id for one in data.validation)
    for _, train, chooser in parts:
        assert not {one.id for one in train} & {one.id for one in chooser}
    assert 0 <= found.summary["gold"]["validation/accuracy"] <= 1


def test_the_model_that_has_seen_gold_ships_where_it_is_asked_for(tmp_path: Path):
    data = GoldData(gold(20), unbalanced(8, "test"), gold(20))
    student = Student()
    found = run(tmp_path, Course(["positive", "negative"], with_gold=True), data, student)
    assert found.summary["ships"] == "with_gold"
    assert "gold" not in found.summary  # that one was not wanted
    assert found.best.index in (0, 1)
    assert (found.model / "model.safetensors").read_text() == "training with gold"


def test_gold_alone_is_left_out_where_it_is_not_wanted_or_the_method_itself(tmp_path: Path):
    data = GoldData(gold(20), gold(8, "test"), gold(20))
    assert "gold" not in run(tmp_path / "off", Course(["positive"]), data).summary
    found = run(tmp_path / "gold", Gold(), data, gold_baseline=True)
    assert "gold" not in found.summary
    assert found.beside("gold") == []


def test_a_run_ends_well_where_gold_alone_is_too_little(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    data = GoldData(gold(4), gold(4, "test"), gold(4))  # a fifth is one
    found = run(tmp_path, Course(["positive"]), data, gold_baseline=True)
    assert "gold" not in found.summary
    assert "no comparison with gold: too few" in capsys.readouterr().err


def test_epochs_are_told_as_they_end_with_the_round_that_they_are_of(tmp_path: Path):
    class Lively(Student):
        def fit(self, *given, on_epoch, **named):
            if on_epoch:  # trainings beside the rounds are of no round
                on_epoch([{"epoch": 1}])
            return super().fit(*given, on_epoch=on_epoch, **named)

    told = []

    class Ear(Listener):
        def epoch(self, index, history):
            told.append(("epoch", index))

        def round(self, index, row):
            told.append(("round", index))

    folder, data = RunFolder(tmp_path / "run"), GoldData(gold(4), gold(4, "t"), gold(4))
    with folder.hold(CONFIG, {}, fresh=False):
        parts: Any = (composed("task=imdb").task, Course(["positive"] * 2), Lively())
        Rounds(*parts, data, 0, Session(), folder, Ear(), Audit()).run()
    assert told == [("epoch", 0), ("round", 0), ("epoch", 1), ("round", 1)]
