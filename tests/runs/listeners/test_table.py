"""The table of rounds: scores with their errors, what chose, what is doubtful, what was gained."""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import pytest

from s3.data import Example, Origin
from s3.data.rows import to_row
from s3.runs.folder import RunFolder
from s3.runs.listeners.table import one_line, show
from s3.runs.reading import Run
from s3.storage import write_jsonl
from tests.runs.made import finished_run, row

Answers = list[tuple[object, str]]  # target and what was answered


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def shown(path: Path, capsys: pytest.CaptureFixture[str], **summary: object) -> str:
    return said(finished_run(path, **summary), capsys)


def said(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> str:
    show(Run.open(folder.path))
    return capsys.readouterr().out


def cells(output: str, *start: str) -> list[str]:
    """The words of the table's row that begins with these."""
    rows = [line.split() for line in output.splitlines()]
    return next(row for row in rows if tuple(row[: len(start)]) == start)


def answer(folder: RunFolder, index: int, split: str, answers: Answers) -> None:
    """Put other answers into a round."""
    rows = [
        {"id": str(place), "source": "", "target": target, "predicted": predicted}
        for place, (target, predicted) in enumerate(answers)
    ]
    write_jsonl(folder.round_folder(index) / f"predictions_{split}.jsonl", rows)


def binary(right: int, wrong: int) -> Answers:
    """Answers to positive and negative examples in turn, the wrong ones last."""
    labels = ["positive", "negative"]
    gold = [labels[i % 2] for i in range(right + wrong)]
    return [(one, one if i < right else labels[one == "positive"]) for i, one in enumerate(gold)]


def test_a_cost_that_is_not_known_is_not_shown_as_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rows = [row(0.5) | {"llm/unpriced": 40.0}, row(0.75)]
    output = said(finished_run(tmp_path / "run", rows), capsys)
    assert cells(output, "0")[-1] == "unknown"
    assert cells(output, "1")[-1] == "0.2500"


def test_rounds_scores_and_places_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = shown(tmp_path / "run", capsys)
    assert cells(output, "1", "*") == [
        "1", "*", "4", "2", "2", "75.0", "75.0", "75.0±27.2", "40", "0.2500",
    ]  # fmt: skip
    assert "best on gold validation by accuracy" in output
    assert cells(output, "majority") == ["majority", "50.0", "66.7"]  # of 2 and of 3 rows
    assert str(tmp_path / "run" / "model") in output
    assert "F1" not in output


def test_macro_f1_is_shown_where_it_chooses(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    output = shown(tmp_path / "run", capsys, metric="macro_f1")
    heading = " ".join(output.splitlines()[:2]).split()
    assert [heading.count(word) for word in ("val.", "test", "F1", "EM")] == [2, 2, 2, 0]
    assert "…" not in output
    assert "by macro-f1" in output


def test_unbalanced_labels_bring_macro_f1_whatever_chooses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = finished_run(tmp_path / "run", [row(0.97, **{"validation/majority": 0.9})] * 2)
    for split in ("validation", "test"):
        for index in (0, 1):
            answer(folder, index, split, [("ham", "ham")] * 9 + [("spam", "ham")])
    output = said(folder, capsys)
    heading = " ".join(output.splitlines()[:2]).split()
    assert [heading.count(word) for word in ("val.", "test", "F1")] == [2, 2, 2]
    assert cells(output, "majority") == ["majority", "90.0", "47.4", "90.0", "47.4"]


def test_spans_have_their_own_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    spans = {
        name.replace("accuracy", "em").replace("macro_f1", "f1"): value
        for name, value in row(0.25).items()
        if "majority" not in name
    }
    folder = finished_run(tmp_path / "run", rows=[spans, spans], metric="em")
    target = {"texts": ["the red house"], "starts": [0]}
    for index in (0, 1):
        answer(folder, index, "test", [(target, "red house")] * 3 + [(target, "red cat")])
    output = said(folder, capsys)
    heading = " ".join(output.splitlines()[:2]).split()
    assert [heading.count(word) for word in ("val.", "test", "F1", "EM")] == [2, 2, 2, 2]
    assert cells(output, "0")[-4:-2] == ["25.0±21.7", "25.0±10.8"]  # sd of 1, 1, 1, 1/2: 0.217
    assert "majority" not in output
    assert "chance" not in output.replace("within chance", "")  # nothing is doubted


def test_what_extrapolation_gained_is_said_with_its_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = finished_run(tmp_path / "run")
    answer(folder, 0, "test", binary(60, 40))
    answer(folder, 1, "test", binary(69, 31))
    # Nine rows more are right, none less: sqrt(0.09 (1 - 0.09) / 100)
    line = "Round 1 is 9.0 points above round 0 on test, standard error 2.9: beyond chance."
    assert line in said(folder, capsys).splitlines()
    answer(folder, 1, "test", [("positive", "negative"), *binary(60, 40)[1:]])
    line = "Round 1 is 1.0 points below round 0 on test, standard error 1.0: within chance."
    assert line in said(folder, capsys).splitlines()
    answer(folder, 1, "test", binary(60, 40))
    assert "Round 1 is level with round 0 on test" in said(folder, capsys)


def test_where_round_0_ships_the_last_one_is_held_against_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    output = shown(tmp_path / "run", capsys, best_round=0)
    assert "Round 1, the last, is " in output


def test_a_student_that_answers_with_one_label_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    share = {"validation/largest_share": 1.0, "validation/majority": 0.5}
    rows = [row(0.5, **share), row(0.75, **{**share, "validation/largest_share": 0.55})]
    folder = finished_run(tmp_path / "run", rows)
    answer(folder, 0, "validation", [(one, "positive") for one, _ in binary(40, 0)])
    answer(folder, 1, "validation", binary(30, 10))
    output = said(folder, capsys)
    assert cells(output, "0")[:3] == ["0", "!", "4"]
    assert cells(output, "1")[:3] == ["1", "*", "4"]
    assert "! round 0 has collapsed: it gives 100 % of gold validation the same label" in output
    assert "! round 1" not in output


@pytest.mark.parametrize(("right", "doubted"), [(50, True), (54, True), (56, False), (42, True)])
def test_a_score_within_its_error_of_chance_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: int, doubted: bool
):
    """Of a hundred rows: a standard error of five points."""
    share = {"validation/largest_share": 0.5, "validation/majority": 0.5}
    folder = finished_run(tmp_path / "run", [row(0.5, **share)] * 2)
    for index in (0, 1):
        answer(folder, index, "validation", binary(right, 100 - right))
    output = said(folder, capsys)
    assert ("! round 1 is no better than chance" in output) is doubted
    assert cells(output, "1", "*")[2] == ("!" if doubted else "4")
    assert "collapsed" not in output


def test_a_model_that_answers_the_wrong_way_round_is_said_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Agreement below that of unrelated answers, by 1.96 standard errors; any number of labels."""
    share = {"validation/largest_share": 0.5, "validation/majority": 0.5}
    folder = finished_run(tmp_path / "run", [row(0.5, **share)] * 2)
    answer(folder, 0, "validation", binary(40, 60))  # 50 at random; two errors are 9.6 points
    answer(folder, 1, "validation", binary(41, 59))
    output = said(folder, capsys)
    assert "! round 0 answers the wrong way round: 40.0 % of gold validation right, 50.0" in output
    assert "method.with_gold=true" in output
    assert "! round 1 is no better than chance" in output

    unbalanced = [("ham", "ham")] * 60 + [("ham", "spam")] * 20 + [("spam", "ham")] * 20
    turned = [(one, "abc"["cab".index(one)]) for one in "abc" * 30]
    answer(folder, 0, "validation", unbalanced)  # 60 % right, 68 at random: below, within its error
    answer(folder, 1, "validation", turned)  # each label for another
    output = said(folder, capsys)
    assert "! round 0 is no better than chance" in output
    assert "! round 1 answers the wrong way round: 0.0 % of gold validation right, 33.3" in output


def test_a_label_that_gold_has_nearly_alone_is_no_collapse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    share = {"validation/largest_share": 0.95, "validation/majority": 0.94}
    folder = finished_run(tmp_path / "run", [row(0.97, **share)] * 2, metric="macro_f1")
    spam = [("ham", "ham")] * 94 + [("spam", "spam")] * 5 + [("spam", "ham")]
    for index in (0, 1):
        answer(folder, index, "validation", spam)
    output = said(folder, capsys)
    assert "collapsed" not in output
    assert "better than chance" not in output
    for index in (0, 1):  # always ham: macro-F1 0.48, as for whoever answers so without looking
        answer(folder, index, "validation", [(target, "ham") for target, _ in spam])
    assert "! round 1 is no better than chance on gold validation: macro-f1 48.5" in said(
        folder, capsys
    )


def test_gold_alone_stands_beside_the_rounds(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    alone = {"size": 128, "test/accuracy": 0.6, "test/macro_f1": 0.5}
    folder = finished_run(tmp_path / "run", gold=alone)
    rows = [{"id": str(i), "target": "a", "predicted": "a" if i < 60 else "b"} for i in range(100)]
    write_jsonl(folder.path / "gold" / "predictions_test.jsonl", rows)
    output = said(folder, capsys)
    assert cells(output, "gold") == ["gold", "128", "60.0±4.9"]
    assert "trained on gold validation alone" in output
    assert "gold: " not in shown(tmp_path / "other", capsys)


def review(text: str, source: str, round_: int = 0) -> Example:
    origin = Origin("extrapolation" if round_ else "gold", round_, source)
    return Example({"text": text}, "positive", origin)


@pytest.mark.parametrize(("right", "says"), [(95, True), (82, False), (60, False)])
def test_what_would_ship_a_better_model_is_said_where_gold_validation_is_sure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], right: int, says: bool
):
    scores = {"size": 100, "test/accuracy": 0.5, "validation/accuracy": right / 100}
    folder = finished_run(tmp_path / "films", gold=scores)
    answer(folder, 1, "validation", binary(80, 20))
    answer(folder, 1, "test", binary(80, 20))
    for split in ("validation", "test"):
        answer(folder, 0, split, binary(right, 100 - right))
        beside = folder.path / "gold" / f"predictions_{split}.jsonl"
        beside.parent.mkdir(exist_ok=True)
        shutil.copy(folder.round_folder(0) / f"predictions_{split}.jsonl", beside)
    output = " ".join(said(folder, capsys).split())
    assert ("method=gold is 15.0 points better than what ships, beyond chance" in output) is says
    assert ("it would ship that model" in output) is says


def test_three_errors_are_shown_with_what_the_llm_made_of_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = finished_run(tmp_path / "run")
    texts = ["fine\x1b[2J film\nof two lines", "second \u202eerror", "good " * 80, "fourth"]
    wrong = [review(text, f"v:{i}") for i, text in enumerate(texts)]
    rows = [{**to_row(one), "predicted": "negative"} for one in wrong]
    write_jsonl(folder.round_folder(0) / "mistakes.jsonl", rows)
    added = [review(f"made {i}", f"v:{i}", 1) for i in (0, 0, 7, 1, 2, 3)]  # 7: other gold
    write_jsonl(folder.round_folder(1) / "added.jsonl", map(to_row, added))
    output = said(folder, capsys)
    lines = output.splitlines()
    start = lines.index("Errors -> what the LLM made of them:")
    assert lines[start + 1 : start + 5] == [
        "   positive: fine film of two lines", "-> made 0",
        "   positive: second error", "-> made 1",
    ]  # fmt: skip
    assert lines[start + 5].startswith("   positive: good good")
    assert lines[start + 5].endswith("...")
    assert len(lines[start + 5]) <= 80
    assert lines[start + 6] == "-> made 2"
    assert "made 3" not in output
    assert "made 7" not in output


def test_wide_letters_count_twice_where_a_line_is_cut():
    assert one_line("-> ", "映画" * 20, 20) == "-> 映画映画映画映..."


def test_a_terminal_that_knows_ascii_alone_gets_a_table_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = finished_run(tmp_path / "run")
    wrong = [{**to_row(review("ein schöner Film", "v:0")), "predicted": "negative"}]
    write_jsonl(folder.round_folder(0) / "mistakes.jsonl", wrong)
    write_jsonl(folder.round_folder(1) / "added.jsonl", [to_row(review("ein Märchen", "v:0", 1))])
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
    show(Run.open(folder.path))
    sys.stdout.flush()
    assert b"75.0+-27.2" in out.getvalue()
    assert b"-> ein M?rchen" in out.getvalue()


@pytest.mark.parametrize(("step", "said_so"), [(0.25, True), (1.0, False)])
def test_how_far_a_probe_went_from_the_last_is_said_where_it_held_back(
    tmp_path: Path, step: float, said_so: bool, capsys
):
    folder = finished_run(tmp_path / "run")
    write_jsonl(folder.round_folder(1) / "epochs.jsonl", [{"epoch": 0, "loss": 0.5, "step": step}])
    assert ("its data's own: 25 % in round 1." in said(folder, capsys)) == said_so


def test_the_model_of_gold_and_synthetic_rows_is_marked_where_it_ships(tmp_path: Path, capsys):
    row = {"size": 132, "test/accuracy": 0.6, "test/macro_f1": 0.5, "validation/accuracy": 0.7}
    folder = finished_run(tmp_path / "run", with_gold=row, ships="with_gold")
    rows = [{"id": str(i), "target": "a", "predicted": "a" if i < 60 else "b"} for i in range(100)]
    write_jsonl(folder.path / "with_gold" / "predictions_test.jsonl", rows)
    output = said(folder, capsys)
    assert cells(output, "with") == ["with", "gold", "*", "132", "70.0", "60.0±4.9"]
    assert not [line for line in output.splitlines() if line.startswith(("0 *", "1 *", "2 *"))]
    assert "* the model of gold validation and of round" in output
