"""Gold data: bundled, files; names mapped; seeded sizes; what is wrong with a row said."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from s3.data.gold import GoldData
from s3.errors import UserError
from s3.tasks import Task
from tests.author import composed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten rows a file, in columns and labels of their own."""
    for name in ("one", "two", "three"):
        rows = [{"body": f"{name} film {i}", "stars": 1 + 4 * (i % 2)} for i in range(10)]
        content = "".join(json.dumps(row) + "\n" for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(content)
    return tmp_path


def task(folder: Path, *overrides: str) -> Task:
    """Film reviews from the folder."""
    made = composed(
        "task=imdb",
        "task.gold.source=files",
        f"task.gold.files.path={folder}",
        "task.gold.files.validation=one.jsonl",
        "task.gold.files.test=two.jsonl",
        "+task.gold.files.columns={text: body, label: stars}",
        *overrides,
    ).task
    made.gold.files.labels = {"1": "negative", "5": "positive"}
    return made


def texts(gold: GoldData, role: str) -> list[str]:
    return [example.fields["text"] for example in getattr(gold, role)]


def test_columns_and_labels_of_files_are_mapped(folder: Path):
    gold = task(folder).load(0)
    first, second = gold.validation[:2]
    assert first.fields == {"text": "one film 0"}
    assert (first.target, second.target) == ("negative", "positive")
    assert second.origin.kind == "gold"
    assert second.origin.source == "one.jsonl:2"
    assert texts(gold, "test")[0] == "two film 0"


def test_train_is_validation_where_none_is_named(folder: Path):
    assert task(folder).load(0).train == task(folder).load(0).validation
    named = task(folder, "task.gold.files.train=three.jsonl").load(0)
    assert texts(named, "train")[0] == "three film 0"
    assert texts(named, "validation")[0] == "one film 0"


def test_sizes_are_drawn_by_the_seed_in_the_order_of_the_file(folder: Path):
    sized = task(folder, "task.gold.validation_size=6", "task.gold.test_size=4")
    first, again, other = sized.load(1), sized.load(1), sized.load(2)
    assert first == again
    assert texts(first, "validation") != texts(other, "validation")
    assert (len(first.validation), len(first.test)) == (6, 4)
    assert texts(first, "validation") == sorted(texts(first, "validation"))
    assert texts(first, "train") == texts(first, "validation")


def test_every_seed_scores_on_the_same_test_rows_unless_told_otherwise(folder: Path):
    sized = task(folder, "task.gold.test_size=4")
    assert texts(sized.load(1), "test") == texts(sized.load(2), "test")
    other = task(folder, "task.gold.test_size=4", "task.gold.test_seed=1")
    assert texts(other.load(1), "test") != texts(sized.load(1), "test")


def test_a_train_size_cuts_a_train_split_alone(folder: Path):
    named = task(folder, "task.gold.files.train=three.jsonl", "task.gold.train_size=3").load(0)
    assert (len(named.train), len(named.validation)) == (3, 10)
    with pytest.raises(UserError, match=r"gold\.train_size=3 .* use gold\.validation_size"):
        task(folder, "task.gold.train_size=3")


def test_a_size_beyond_the_file_takes_all_of_it_and_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    assert len(task(folder, "task.gold.test_size=99").load(0).test) == 10
    assert "gold.test_size=99: there are only 10 rows, all are taken" in capsys.readouterr().err


def test_drawing_leaves_the_global_generator_alone(folder: Path):
    random.seed(7)
    expected = random.random()
    random.seed(7)
    task(folder, "task.gold.test_size=3").load(0)
    assert random.random() == expected


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ('{"body": "fine", "stars": 3}', "unknown label '3'; the task knows negative, positive"),
        ('{"body": "fine", "stars": -1}', "unknown label '-1' (-1 marks hidden labels)"),
        ('{"body": "fine", "stars": null}', "column 'stars' holds no label"),
        ('{"body": "fine", "stars": NaN}', "column 'stars' holds no label"),
        ('{"body": "fine", "stars": " "}', "column 'stars' holds no label"),
        (
            '{"body": "fine", "stars": "positve"}',
            "unknown label 'positve'; the task knows negative",
        ),
        ('{"body": "fine"}', "no label column 'stars'; columns: body"),
        ('{"body": "  ", "stars": 1}', "column 'body' is empty or not a text"),
        ('{"body": null, "stars": 1}', "column 'body' is empty or not a text"),
        ('{"body": 5, "stars": 1}', "column 'body' is empty or not a text"),
        ('{"text": "fine", "stars": 1}', "no column 'body'; columns: text, stars"),
        ('{"body": "fine", ', "not valid JSON"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_with_file_and_line(folder: Path, row: str, said: str):
    with (folder / "two.jsonl").open("a") as file:
        file.write(row + "\n")
    with pytest.raises(UserError) as caught:
        task(folder).load(0)
    assert f"{folder}/two.jsonl:11: {said}" in str(caught.value)


def test_what_nobody_sees_is_left_out_of_gold_texts_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    with (folder / "two.jsonl").open("a") as file:
        file.write('{"body": "half \\ud800 a \\u001b[31mpair\\u0000\\u202e", "stars": 1}\n')
    assert texts(task(folder).load(0), "test")[-1] == "half  a pair"
    said = capsys.readouterr().err
    assert "gold test: characters that nobody sees" in said
    assert f"left out of 1 rows or mended there, first {folder}/two.jsonl:11" in said


def test_a_gold_text_of_nothing_to_see_is_empty(folder: Path):
    with (folder / "two.jsonl").open("a") as file:
        file.write('{"body": "\\u200b\\u0000 \\ufeff", "stars": 1}\n')
    with pytest.raises(UserError, match=r"two\.jsonl:11: column 'body' is empty"):
        task(folder).load(0)


def test_a_file_without_rows_or_no_file_is_an_error(folder: Path):
    with pytest.raises(UserError, match=r"none\.jsonl: no such file"):
        task(folder, "task.gold.files.test=none.jsonl").load(0)
    (folder / "one.jsonl").write_text("\n")
    with pytest.raises(UserError, match=r"gold validation .* one\.jsonl\) holds no rows"):
        task(folder).load(0)


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            ("task.gold.source=files",),
            "gold.files.validation is not set, and this method extrapolates gold rows",
        ),
        (("task.gold.test_size=0",), "gold.test_size must be at least 1"),
    ],
)
def test_a_gold_source_that_cannot_work_fails_when_composed(overrides: tuple[str, ...], said: str):
    with pytest.raises(UserError) as caught:
        composed("task=imdb", *overrides)
    assert said in str(caught.value)


def test_names_that_differ_in_case_spaces_or_decimals_are_read_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    stars = [" POSITIVE", "Negative ", "5.0", 1.0, "negative"]
    rows = [{" Body": f"film {i}", "STARS": label} for i, label in enumerate(stars)]
    (folder / "one.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    labels = [example.target for example in task(folder).load(0).validation]
    assert labels == ["positive", "negative", "positive", "negative", "negative"]
    said = capsys.readouterr().err
    for line in (
        "the column ' Body' is read as 'body'",
        "the column 'STARS' is read as 'stars'",
        "the label ' POSITIVE' is read as 'positive'",
        "the label '5.0' is read as 'positive'",
        "the label 1.0 is read as 'negative'",
    ):
        assert said.count(f"{folder}/one.jsonl: {line}") == 1


def test_a_name_that_could_be_two_columns_is_none(folder: Path):
    (folder / "one.jsonl").write_text('{"Body": "a", "BODY": "b", "stars": 1}\n')
    with pytest.raises(UserError, match="no column 'body'; columns: Body, BODY"):
        task(folder).load(0)


def rows(folder: Path, name: str, texts: list[str], stars: list[int]) -> None:
    pairs = zip(texts, stars, strict=True)
    lines = [json.dumps({"body": text, "stars": one}) + "\n" for text, one in pairs]
    (folder / name).write_text("".join(lines))


@pytest.mark.parametrize("other", ["three.jsonl", "./three.jsonl", "../{}/three.jsonl"])
@pytest.mark.parametrize("role", ["validation", "train"])
def test_one_file_cannot_teach_and_test(folder: Path, role: str, other: str):
    files = [
        f"task.gold.files.test={other.format(folder.name)}",
        f"task.gold.files.{role}=three.jsonl",
    ]
    with pytest.raises(UserError, match=rf"gold\.files\.{role} and gold\.files\.test are the same"):
        task(folder, *files)


def test_splits_that_share_half_of_their_rows_are_refused_and_fewer_are_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    test = [f"Film {i}" for i in range(10)]
    rows(folder, "two.jsonl", test, [1, 5] * 5)
    for copies, name in ((5, "validation"), (5, "train"), (4, "validation")):
        mine = [f"{text.upper()}!" for text in test[:copies]] + [
            f"own {i}" for i in range(10 - copies)
        ]
        rows(folder, "three.jsonl", mine, [1, 5] * 5)
        made = task(folder, f"task.gold.files.{name}=three.jsonl")
        if copies == 5:
            with pytest.raises(UserError, match=f"5 of 10 test rows stand in {name} too"):
                made.load(0)
        else:
            made.load(0)
            said = capsys.readouterr().err
            assert "caution: gold: 4 of 10 test rows stand in validation too" in said
            assert "makes test scores too high" in said


def test_a_small_draw_of_the_test_rows_is_refused_too(folder: Path):
    rows(folder, "copy.jsonl", [f"two film {i}" for i in range(10)], [1, 5] * 5)
    drawn = ["task.gold.files.validation=copy.jsonl", "task.gold.validation_size=3"]
    with pytest.raises(UserError, match="3 of 10 test rows stand in validation too"):
        task(folder, *drawn).load(5)


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_split_of_one_label_is_refused(folder: Path, name: str):
    rows(folder, f"{name}.jsonl", [f"{name} {i}" for i in range(4)], [5] * 4)
    with pytest.raises(UserError, match=r"has rows of one label only \(positive, 4 rows\)"):
        task(folder).load(0)


def test_texts_under_two_labels_are_counted_and_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
):
    rows(folder, "one.jsonl", ["Good!", "bad", "good", "fine"], [1, 1, 5, 5])
    task(folder).load(0)
    said = "gold validation has 2 rows whose text stands under two labels (one.jsonl:1, one.jsonl:3"
    assert said in capsys.readouterr().err
