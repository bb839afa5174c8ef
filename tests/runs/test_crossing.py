"""Cross-validation where there is no test set: no answer by a model that knew the row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from s3.data import Example, Origin
from s3.data.gold import GoldData
from s3.data.splitting import dealt, parts_of
from s3.llm import Prompt, Session
from s3.methods import Bench, Method, Round
from s3.runs.listeners.remarks import remarks
from s3.runs.reading import Run
from s3.runs.significance import interval
from s3.student import Predictions
from s3.synthesis import SynthesisedSet
from tests.llm.conftest import server
from tests.runs.made import LABELS, Model, gold, written
from tests.runs.test_rounds import Student, run
from tests.server import FakeLLM

ROWS = 12


class Knowing(Model):
    """Right about every row that went into its data, wrong about all others."""

    def __init__(self, train: Sequence[Example], validation: Sequence[Example]) -> None:
        self.known = {one.fields["text"] for one in train}
        super().__init__(validation)

    def predict(self, examples: Sequence[Example]) -> Predictions:
        other = dict(zip(LABELS, reversed(LABELS), strict=True))
        return Predictions([
            str(one.target) if one.fields["text"] in self.known else other[str(one.target)]
            for one in examples
        ])  # fmt: skip


class Learner(Student):
    def fit(self, head, train, validation, **named: Any):
        self.trained.append((named["what"], train, validation))
        return Knowing(train, validation)


class Copying(Method):
    """Its second round's data are the gold validation rows, as if an LLM had only repeated them."""

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        origin = Origin("extrapolation")
        copies = [replace(one, origin=origin) for one in bench.validation]
        for index, train in enumerate((copies[:1], copies)):
            predictor = bench.fit(train, bench.validation, what="", start=None)
            yield Round(index, train, SynthesisedSet(0, train), [], predictor, bench.validation)


class Mixing(Method):
    """Trains once, on three written rows."""

    def rounds_of(self, bench: Bench) -> Iterator[Round]:
        train = written(3, 0)
        predictor = bench.fit(train, bench.validation, what="", start=None)
        made = SynthesisedSet(3, train)
        yield Round(0, train, made, [], predictor, bench.validation)


def without_test(tmp_path: Path, number: int = ROWS, **more: Any) -> Run:
    validation = gold(number)
    return run(tmp_path, Copying(), GoldData(validation, [], validation), Learner(), **more)


def test_no_row_is_answered_by_a_model_that_its_data_went_into(tmp_path: Path) -> None:
    found = without_test(tmp_path, gold_baseline=True)
    assert found.best.row["validation/accuracy"] == 1.0  # what learns by heart is right there
    assert [one.row["test/accuracy"] for one in found.rounds] == [0.0, 0.0]
    for said in (found.cross_validation, found.beside("gold"), found.beside("with_gold")):
        assert [row["source"] for row in said] == [one.origin.source for one in gold(ROWS)]
        assert not any(row["predicted"] == row["target"] for row in said)


def test_the_whole_of_gold_validation_makes_the_model_that_ships(tmp_path: Path) -> None:
    found = without_test(tmp_path)
    assert len(found.best.train) == ROWS
    assert found.summary["cross_validation"] == {
        "folds": 5, "size": ROWS, "test/accuracy": 0.0, "test/macro_f1": 0.0,
    }  # fmt: skip


@pytest.mark.parametrize("tested", [False, True])
@pytest.mark.parametrize("probed", [False, True])
def test_no_training_learns_a_real_row_that_chooses_or_scores_it(
    tmp_path: Path, tested: bool, probed: bool
) -> None:
    validation, student = gold(ROWS), Learner(probed=probed)
    data = GoldData(validation, gold(4, "test") if tested else [], validation)
    found = run(tmp_path, Mixing(real=5), data, student, gold_baseline=True)
    assert [one.origin.kind for one in found.best.train] == ["seed"] * 3 + ["gold"] * 5
    assert len(student.trained) > 2
    for _, train, chooser in student.trained:
        assert not {one.id for one in train} & {one.id for one in chooser}
    for said in (found.best.predictions("test"), found.beside("with_gold")):
        assert not any(row["predicted"] == row["target"] for row in said)


def test_the_table_says_what_test_is_and_what_so_few_rows_show(tmp_path: Path) -> None:
    said = " ".join(remarks(without_test(tmp_path)))
    assert "test is cross-validation of the whole method on gold validation, in 5 folds" in said
    assert "What 12 rows can show: the 95 % interval of that score is 0 to 24: rough" in said


def test_few_right_answers_have_wilsons_interval() -> None:
    rows = [{"target": "a", "predicted": "ab"[place < 3]} for place in range(30)]
    low, high = interval("accuracy", rows)  # Wilson (1927), of 27 right answers in 30
    assert (low, high) == (pytest.approx(0.7438, abs=1e-3), pytest.approx(0.9654, abs=1e-3))


def test_a_method_that_runs_once_more_gets_the_same_replies_and_pays_for_none(
    serve: Callable[..., FakeLLM],
) -> None:
    endpoint = serve()
    asked = [Prompt("Write a review."), Prompt("Write a review."), Prompt("Write another.")]
    with Session(server(endpoint), 0) as llm:
        first = [one.text for one in llm.complete(asked)]
        again = [one.text for one in llm.afresh().complete([*asked, Prompt("A new one.")])]
        assert llm.usage.stored == 3
    assert again[:3] == first
    assert len(endpoint.requests) == 4


def test_parts_are_alike_in_labels_and_keep_what_belongs_together() -> None:
    rows = [
        Example({"premise": f"p{i // 4}", "text": f"row {i // 2}"}, LABELS[i % 8 == 0])
        for i in range(160)
    ]
    for given in ((), ("premise",)):
        parts = parts_of(rows, 4, 0, *given)
        assert sorted(place for part in parts for place in part) == list(range(160))
        keys = [{rows[place].key(*given) for place in part} for part in parts]
        assert sum(map(len, keys)) == len(set.union(*keys))
        rare = [sum(rows[place].target == "positive" for place in part) for part in parts]
        assert max(rare) - min(rare) <= 1
    assert parts_of(rows, 4, 0) != parts_of(rows, 4, 1)
    assert dealt("abc", "xxx", 5, 0).count([]) == 2  # fewer groups than parts
