"""`python -m s3 audit` on small files and on real published ones."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3.audit import Audit
from s3.commands.app import app
from s3.commands.audit import audit
from s3.storage import write_jsonl
from tests.runs.helpers import ROOT

DATA = ROOT.parent / "shared" / "data"


def run(*arguments: object) -> tuple[int, str, str]:
    """The exit status, what is printed, and what is said on stderr."""
    done = CliRunner(env={"COLUMNS": "120"}).invoke(app, ["audit", *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def table(output: str) -> dict[str, int]:
    """The printed metrics in rows."""
    cells = (line.replace("│", " ").split() for line in output.splitlines())
    return {line[0]: int(line[1]) for line in cells if line and line[0].startswith("audit/")}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    rows = [{"text": "One two.", "label": 1, "topic": "sea"}, {"text": "Three.", "topic": "[air]"}]
    write_jsonl(tmp_path / "made.jsonl", rows)
    return tmp_path / "made.jsonl"


@pytest.fixture
def known(tmp_path: Path) -> Path:
    write_jsonl(tmp_path / "gold.jsonl", [{"text": "one two", "topic": "[air]"}])
    return tmp_path / "gold.jsonl"


def test_a_file_is_audited_on_its_own(made: Path, known: Path) -> None:
    status, output, said = run(made, "--gold", known)
    assert (status, said) == (0, "")
    assert table(output)["audit/rows"] == 2
    assert table(output)["audit/gold/same_row"] == 1
    assert "gold same_row of gold.jsonl:1: One two." in output


def test_rows_of_the_test_file_exit_with_1(made: Path, known: Path) -> None:
    status, output, _ = run(made, "--gold", known, "--test", known)
    assert status == 1
    assert table(output)["audit/test/same_row"] == 1


def test_given_columns_are_compared_apart(made: Path, known: Path) -> None:
    _, output, _ = run(made, "--gold", known, "--given", "topic", "--given", "text")
    metrics = table(output)
    assert (metrics["audit/gold/same_row"], metrics["audit/gold/same_text"]) == (0, 1)
    _, output, _ = run(made, "--gold", known, "--given", "topic")
    assert table(output)["audit/gold/same_context"] == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--written", "review"], "gold.jsonl:1: no column 'review'"),
        (["--test", "no.csv"], "no.csv"),
    ],
)
def test_what_cannot_be_read_exits_with_2(
    made: Path, known: Path, options: list[str], said: str
) -> None:
    status, output, error = run(made, "--gold", known, *options)
    assert (status, output) == (2, "")
    assert error.startswith("error: ")
    assert said in error


def test_near_is_by_default_what_a_run_goes_by() -> None:
    assert inspect.signature(audit).parameters["near"].default == Audit().near


def rte(file: str) -> dict[str, int]:
    """The audit of a published RTE file against the real gold training and development sets."""
    if not DATA.exists():
        pytest.skip("needs the published files in ../shared/data")
    fields = ("--written", "hypothesis", "--given", "premise")
    splits = ("--gold", DATA / "rte/train.jsonl", "--test", DATA / "rte/validation.jsonl")
    status, output, said = run(DATA / file, *splits, *fields)
    assert status == 0, said
    return table(output)


def test_the_leaked_file_is_gold_through_and_through() -> None:
    metrics = rte("s3_official_leak/rte_additional-1.pkl_is_gold_train_rows.jsonl")
    assert metrics["audit/rows"] == metrics["audit/gold/same_row"] == 873
    assert metrics["audit/test/same_row"] == 0


@pytest.mark.parametrize(("number", "rows"), [(1, 883), (2, 639)])
def test_the_released_extrapolations_copy_no_text_and_share_every_premise(
    number: int, rows: int
) -> None:
    metrics = rte(f"s3_gpt35_synthetic/rte_additional_{number}.jsonl")
    assert metrics["audit/rows"] == metrics["audit/gold/same_context"] == rows
    assert metrics["audit/gold/same_text"] == metrics["audit/test/same_text"] == 0


def test_what_files_hold_does_not_steer_the_terminal(tmp_path: Path) -> None:
    row = {
        "text": "A \x1b[2J\x1b]0;owned\x07film\u202e \ud800of\ntwo",
        "label": "[/]\x1b[31m[bold]",
    }
    for name in ("made.jsonl", "gold.jsonl"):
        write_jsonl(tmp_path / name, [row])
    status, output, said = run(tmp_path / "made.jsonl", "--gold", tmp_path / "gold.jsonl")
    assert (status, said) == (0, "")
    assert "audit/label/[/][bold]" in output
    assert "same_row of gold.jsonl:1: A film of two" in output
    assert output.replace("\n", "").isprintable()


def test_copies_are_found_where_no_spaces_part_words(tmp_path: Path) -> None:
    gold = [
        "这部电影的剧情拖沓，人物单薄，我看到一半就睡着了。",
        "كان الفيلم جميلا من أوله إلى آخره حقا",
    ]
    near = [gold[0].replace("一半", "三分"), "كان الفيلم جميلا من أوله إلى آخره"]
    spaced = "这部 电影的剧情 拖沓 人物单薄 我看到一半就睡着了！"
    write_jsonl(tmp_path / "gold.jsonl", [{"text": text} for text in gold])
    texts = [*near, spaced, "这首歌很好听。", "אין כאן שום דבר"]
    write_jsonl(tmp_path / "made.jsonl", [{"text": text} for text in texts])
    _, output, _ = run(tmp_path / "made.jsonl", "--gold", tmp_path / "gold.jsonl")
    found = table(output)
    assert (found["audit/gold/near_text"], found["audit/gold/same_text"]) == (2, 1)
