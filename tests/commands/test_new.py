"""`python -m s3 new`: from a file of rows to a task that can be run, for all its forms."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from s3.commands.app import app
from s3.commands.new import rehearse
from s3.composing import composed
from s3.data.example import Answers
from s3.errors import UserError
from s3.llm.types import Style
from s3.methods import S3, FewShot, ProGen, ZeroGen, ZeroShot
from s3.runs.experiment import Experiment


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "mine"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setattr("s3.commands.new.rehearse", lambda *given: None)  # a second each time
    return place


def new(*words: str) -> Result:
    return CliRunner().invoke(app, ["new", *words])


def made(*words: str, name: str) -> Experiment:
    result = new(*words)
    assert result.exit_code == 0, (result.output, result.exception)
    return composed([f"task={name}"]).experiment


def write_csv(path: Path, rows: list[dict[str, Any]]) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path.name


def reviews(number: int, label: str = "mood", values: tuple[str, ...] = ("bad", "good", "good")):
    return [
        {"nr": i, "body": f"This is the long review number {i // 2 if i < 20 else i} of a film",
         label: values[i % len(values)]}
        for i in range(number)
    ]  # fmt: skip


def test_columns_are_guessed_and_rows_are_split_alike_without_copies(folder: Path) -> None:
    experiment = made(write_csv(folder / "reviews.csv", reviews(300)), name="reviews")
    task, gold = experiment.task, experiment.task.load(0)
    assert (task.written, task.label_names) == ("body", ("bad", "good"))
    assert len(task.gold.rows("validation", 0)) + len(task.gold.rows("test", 0)) == 300
    for split in (gold.validation, gold.test):
        share = Counter(one.target for one in split)["good"] / len(split)
        assert share == pytest.approx(2 / 3, abs=0.03)
    texts = [{one.key() for one in split} for split in (gold.validation, gold.test)]
    assert not texts[0] & texts[1]
    assert abs(len(gold.test) - 120) < 5


def test_the_numbers_of_a_dry_run_and_the_next_command_are_shown(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("s3.commands.new.rehearse", rehearse)
    said = new(write_csv(folder / "reviews.csv", reviews(300))).stdout
    assert "body, mood (label and text guessed)" in said
    assert "seed data" in said
    assert "s3 run task=reviews" in said
    assert "[system]" not in said  # prompts are for dry_run=true


@pytest.mark.parametrize("style", list(Style))
@pytest.mark.parametrize(
    "rows",
    [
        reviews(120),
        [{"premise": f"It rained for {i} days in a row", "hypothesis": f"It was wet on day {i}",
          "label": "yes" if i % 2 else "no"} for i in range(120)],
    ],
    ids=["texts", "pairs"],
)  # fmt: skip
def test_every_method_finds_its_prompts_in_both_styles(
    folder: Path, rows: list[dict[str, Any]], style: Style
) -> None:
    experiment = made(
        write_csv(folder / "rows.csv", rows), "--about", "notes, $5 each", name="rows"
    )
    for method in (S3(), ZeroGen(), ProGen(), ZeroShot(), FewShot()):
        method.check(experiment.task, style)
    fields = experiment.task.load(0).validation[0].fields
    prompt = experiment.task.mistake.fill(style, {**fields, "label": "splendid"})
    assert "otes, $5 each" in prompt
    assert "splendid" in prompt


def test_a_pair_is_known_by_its_columns_and_keeps_a_premise_on_one_side(folder: Path) -> None:
    rows = [
        {"premise": f"It rained for {i // 3} days in a row", "hypothesis": f"It was wet on day {i}",
         "label": "follows" if i % 2 else "does not follow"}
        for i in range(150)
    ]  # fmt: skip
    experiment = made(write_csv(folder / "nli.csv", rows), name="nli")
    gold = experiment.task.load(0)
    assert (experiment.task.given, experiment.task.written) == (["premise"], "hypothesis")
    sides = [{one.fields["premise"] for one in split} for split in (gold.validation, gold.test)]
    assert not sides[0] & sides[1]


def test_questions_over_passages_are_known_by_their_form(folder: Path) -> None:
    def paragraph(number: int) -> dict[str, Any]:
        answers = [{"text": "Ada", "answer_start": 0}]
        qas = [{"question": f"Who wrote book {number}?", "answers": answers}]
        return {"context": f"Ada wrote book {number} in a long winter.", "qas": qas}

    content = {"data": [{"paragraphs": [paragraph(i) for i in range(120)]}]}
    (folder / "books.json").write_text(json.dumps(content))
    experiment = made("books.json", name="books")
    gold = experiment.task.load(0)
    assert gold.test[0].target == Answers(("Ada",), (0,))
    experiment.method.check(experiment.task, Style.continuation)


def test_few_rows_are_all_kept_for_validation(folder: Path) -> None:
    result = new(write_csv(folder / "few.csv", reviews(30)))
    assert "cross-validated" in result.stdout
    assert not (folder / "conf/task/few.test.jsonl").exists()


def test_numbers_need_names_and_stars_have_some(folder: Path) -> None:
    numbers = write_csv(folder / "numbers.csv", reviews(120, "label", ("0", "1", "1")))
    assert "--label-names 0=...,1=..." in str(new(numbers).exception)
    named = made(numbers, "--label-names", "0=bad,1=good", name="numbers")
    assert named.task.label_names == ("bad", "good")
    assert {one.target for one in named.task.load(0).test} == {"bad", "good"}
    stars = write_csv(folder / "stars.csv", reviews(120, "stars", ("1", "2", "5")))
    assert made(stars, name="stars").task.label_names == ("1 star", "2 stars", "5 stars")


def test_true_and_false_need_names_too(folder: Path) -> None:
    rows = [{"text": f"the long text number {i}", "good": i % 3 > 0} for i in range(30)]
    Path("flags.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "--label-names False=...,True=..." in str(new("flags.jsonl").exception)
    task = made("flags.jsonl", "--label-names", "True=good,False=bad", name="flags").task
    assert Counter(one.target for one in task.load(0).validation) == {"good": 20, "bad": 10}


def test_labels_that_differ_in_case_are_one_and_a_lonely_one_is_said(folder: Path) -> None:
    rows = reviews(90)
    rows[0]["mood"], rows[1]["mood"], rows[2]["mood"] = "Bad", "godo", "BAD"
    file = write_csv(folder / "case.csv", rows)
    result = new(file)
    assert "'Bad' is read as 'bad'" in result.stderr
    assert "one row alone has the label 'godo'. Did you mean 'good'?" in result.stderr
    task = composed(["task=case"]).experiment.task
    assert Counter(one.target for one in task.load(0).validation) == {
        "good": 58, "bad": 31, "godo": 1,
    }  # fmt: skip


def test_rows_whose_text_is_none_are_left_out(folder: Path) -> None:
    rows = [{"text": f"the long text number {i}", "label": "ab"[i % 2]} for i in range(30)]
    odd = [{"text": one, "label": "a"} for one in (1.5, None, {"a": 1}, float("nan"), " ")]
    Path("odd.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows + odd))
    assert "5 rows have no text" in new("odd.jsonl").stderr
    assert len(composed(["task=odd"]).experiment.task.load(0).validation) == 30


@pytest.mark.parametrize(
    ("name", "row", "said"),
    [
        ("bare.csv", "a film of some {i} words,{label}\n", "seems to be no header"),
        (
            "lists.jsonl",
            '{{"text": "a film of {i} words", "label": ["{label}"]}}\n',
            "a label is a",
        ),
    ],
)
def test_what_has_no_header_or_several_labels_is_refused(
    folder: Path, name: str, row: str, said: str
) -> None:
    Path(name).write_text("".join(row.format(i=i, label="ab"[i % 2]) for i in range(30)))
    assert said in str(new(name).exception)
    assert not Path("conf").exists()


def test_texts_of_another_language_are_asked_for_in_it(folder: Path) -> None:
    rows = [
        {"text": f"Das ist nicht der Film, den ich mit dir sah, Nummer {i}", "label": "ab"[i % 2]}
        for i in range(120)
    ]
    experiment = made(write_csv(folder / "filme.csv", rows), name="filme")
    assert "Write in German." in experiment.task.system


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--label", "moods"], "Did you mean 'mood'?"),
        (["--text", "mood", "--label", "mood"], "the same column"),
        (["--label", "body", "--text", "note"], "no labels"),
        (["--label-names", "bad"], "expected VALUE=NAME"),
        (["--label-names", "awful=bad"], "no such label; there are bad, good"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_option(
    folder: Path, words: list[str], said: str
) -> None:
    rows = [{**row, "note": f"a note of {i} words or so"} for i, row in enumerate(reviews(120))]
    name = write_csv(folder / "reviews.csv", rows)
    text = [] if "--text" in words else ["--text", "body"]
    assert said in str(new(name, *text, *words).exception)


def test_two_likely_columns_are_not_guessed_between(folder: Path) -> None:
    rows = [{**row, "note": f"a note of {i} words or so"} for i, row in enumerate(reviews(120))]
    said = str(new(write_csv(folder / "reviews.csv", rows)).exception)
    assert "it may be note or body" in said
    assert "--text COLUMN" in said


def test_a_person_at_the_terminal_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{**row, "note": f"a note of {i} words or so"} for i, row in enumerate(reviews(120))]
    name = write_csv(folder / "reviews.csv", rows)
    monkeypatch.setattr("s3.commands.new.at_terminal", lambda: True)
    result = CliRunner().invoke(app, ["new", name], input="body\nfilm reviews\n")
    assert result.exit_code == 0, result.output
    task = composed(["task=reviews"]).experiment.task
    assert task.written == "body"
    assert "film reviews" in task.query.chat


def test_nothing_is_written_over(folder: Path) -> None:
    name = write_csv(folder / "reviews.csv", reviews(120))
    assert new(name).exit_code == 0
    assert "another --name" in str(new(name).exception)
    assert new(name, "--name", "second").exit_code == 0


def test_a_test_file_of_ones_own_is_kept_whole(folder: Path) -> None:
    name = write_csv(folder / "train.csv", reviews(40))
    test = write_csv(folder / "test.csv", reviews(60)[40:])
    gold = made(name, "--test", test, "--name", "own", name="own").task.load(0)
    assert (len(gold.validation), len(gold.test)) == (40, 20)


def test_texts_without_labels_make_a_task_whose_seed_the_llm_labels(folder: Path) -> None:
    file = write_csv(
        folder / "texts.csv", [{"id": i, "body": f"This is text {i}."} for i in range(9)]
    )
    result = new(file, "--labels", "spam, ordinary", "--about", "text messages")
    assert result.exit_code == 0, (result.output, result.exception)
    assert "the labels are spam, ordinary, and no row has one" in result.output
    how = "task=texts method=zeroshot method.seed=labelled"
    assert f"s3 run {how}" in result.output
    experiment = composed(how.split()).experiment
    assert experiment.task.label_names == ("spam", "ordinary")
    assert len(experiment.task.unlabelled_examples()) == 9
    gold = experiment.task.load(0)
    assert (gold.validation, gold.test) == ([], [])
    with pytest.raises(UserError, match="extrapolates gold rows"):
        composed(["task=texts", "method=s3"])


@pytest.mark.parametrize("also", [("--labels", "spam"), ("--labels", "a,b", "--label", "body")])
def test_labels_are_said_of_rows_that_have_none(folder: Path, also: tuple[str, ...]) -> None:
    file = write_csv(folder / "texts.csv", [{"body": f"This is text {i}."} for i in range(9)])
    assert isinstance(new(file, *also).exception, UserError)
