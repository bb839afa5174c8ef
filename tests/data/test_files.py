"""Raw rows: every kind of file, and what is wrong with a file said with its line."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from s3.data.files import read_file
from s3.errors import UserError
from tests.hub import Hub

ROWS = [{"text": 'Good, "really"\ngood', "label": "1"}, {"text": "Schön", "label": "0"}]
CSV = 'text,label\n"Good, ""really""\ngood",1\nSchön,0\n'
JSONL = "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS)
QUESTION = {"id": "q1", "question": "Who?", "answers": [{"text": "Ann", "answer_start": 0}]}
FLAT = {**QUESTION, "context": "Ann ran."}
NESTED = {"data": [{"title": "t", "paragraphs": [{"context": "Ann ran.", "qas": [QUESTION]}]}]}


def parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


def doubled() -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table([pa.array(["x"]), pa.array(["y"])], ["a", "a"]), file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.jsonl", JSONL.encode(), [":1", ":2"]),
        ("a.jsonl", b"\xef\xbb\xbf" + JSONL.replace("\n", "\r\n\r\n").encode(), [":1", ":3"]),
        ("a.jsonl.gz", gzip.compress(b"\xef\xbb\xbf" + JSONL.encode(), mtime=0), [":1", ":2"]),
        ("a.csv", CSV.encode(), [":2", ":4"]),  # a record stands where it begins
        ("a.csv", b"\xef\xbb\xbf" + CSV.encode(), [":2", ":4"]),  # as spreadsheets write it
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0), [":2", ":4"]),
        ("a.parquet", parquet(ROWS), [": row 1", ": row 2"]),
        ("a.json", json.dumps(ROWS).encode(), [": item 1", ": item 2"]),
    ],
)
def test_every_kind_of_file_gives_the_same_rows(
    tmp_path: Path, name: str, content: bytes, places: list[str]
):
    path = tmp_path / name
    path.write_bytes(content)
    assert list(read_file(path)) == [
        (f"{path}{place}", row) for place, row in zip(places, ROWS, strict=True)
    ]


PLAIN = [{"text": "a fine, good film", "label": "1"}, {"text": "dull", "label": "0"}]


def separated(separator: str, first: str = '"a fine, good film"') -> bytes:
    return f"text{separator}label\n{first}{separator}1\ndull{separator}0\n".encode()


@pytest.mark.parametrize(
    ("name", "content", "understood"),
    [
        ("semicolon.csv", separated(";"), "read as cells between semicolons, by its first line"),
        ("tab.csv", separated("\t", "a fine, good film"), "read as cells between tabs"),
        ("bar.csv", separated("|"), "read as cells between bars"),
        ("tab.tsv", separated("\t"), ""),
        ("comma.tsv", separated(","), "read as cells between commas"),
        ("CAPITAL.CSV", separated(","), ""),
        ("CAPITAL.CSV.GZ", gzip.compress(separated(","), mtime=0), ""),
        ("utf16.csv", separated(",").decode().encode("utf-16"), "read as UTF-16, by the mark"),
        (
            "utf16be.csv",
            b"\xfe\xff" + separated(",").decode().encode("utf-16-be"),
            "read as UTF-16",
        ),
        ("utf32.csv", separated(",").decode().encode("utf-32"), "read as UTF-32, by the mark"),
        ("two_marks.csv", b"\xef\xbb\xbf" * 2 + separated(","), ""),
        (
            "rows.txt",
            "".join(json.dumps(row) + "\n" for row in PLAIN).encode(),
            "read as JSON Lines",
        ),
        ("empty_rows.csv", separated(",") + b",\n \n,\n", ""),
        ("list.jsonl", json.dumps(PLAIN).encode(), "read as one JSON list"),
        (
            "list.jsonl.gz",
            gzip.compress(json.dumps(PLAIN, indent=1).encode(), mtime=0),
            "read as one JSON list",
        ),
        (
            "lines.json",
            "\n".join(json.dumps(row) for row in PLAIN).encode(),
            "read as JSON Lines, by its first line",
        ),
    ],
)
def test_an_odd_file_is_read_and_what_was_understood_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes,
    understood: str,
):
    path = tmp_path / name
    path.write_bytes(content)
    for _ in range(2):
        assert [row for _, row in read_file(path)] == PLAIN
    said = capsys.readouterr().err
    assert said.count("read as") == bool(understood)  # once
    assert f"{path}: {understood}" in said or not understood


def test_a_cell_may_be_long_and_have_one_line_end_of_any_kind(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,label\r\n"a\r\nb\rc\nd\r\r\ne",1\r\n' + b"word " * 40_000 + b",0\r\n")
    first, second = (row for _, row in read_file(path))
    assert first["text"] == "a\nb\nc\nd\ne"
    assert len(second["text"]) == 200_000


def sheet(rows: list[list[Any]], sheets: int = 1) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for cells in rows:
        book.active.append(cells)
    for _ in range(sheets - 1):
        book.create_sheet()
    book.save(file)
    return file.getvalue()


def test_the_first_sheet_of_a_spreadsheet_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "a.xlsx"
    path.write_bytes(sheet([["text", "label"], ["Schön\n", 1], [], ["fine"]], sheets=2))
    assert list(read_file(path)) == [
        (f"{path}: row 2", {"text": "Schön\n", "label": 1}),
        (f"{path}: row 4", {"text": "fine", "label": None}),
    ]
    assert f"{path}: its first sheet is read, 'Sheet', of 2" in capsys.readouterr().err


def test_a_spreadsheet_without_its_reader_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (tmp_path / "a.xlsx").write_bytes(b"")
    with pytest.raises(UserError, match="pip install openpyxl"):
        list(read_file(tmp_path / "a.xlsx"))


def test_times_in_parquet_do_not_keep_its_texts_from_being_read(tmp_path: Path):
    times = pa.array([1, 2**62], pa.timestamp("ns")), pa.array([0, 2**31 - 1], pa.date32())
    more = pa.array([0, 2**62], pa.timestamp("ms")), pa.array([1, 5], pa.duration("ns"))
    names = ["text", "when", "day", "far", "long"]
    table = pa.table([pa.array(["a", "b"]), *times, *more], names)
    pq.write_table(table, tmp_path / "a.parquet")
    assert [row["text"] for _, row in read_file(tmp_path / "a.parquet")] == ["a", "b"]


def test_a_list_of_texts_has_one_a_line(tmp_path: Path):
    path = tmp_path / "contexts.txt"
    path.write_text("  One passage. \n\nAnother.\n")
    assert list(read_file(path)) == [
        (f"{path}:1", {"text": "One passage."}),
        (f"{path}:3", {"text": "Another."}),
    ]


@pytest.mark.parametrize("content", [NESTED, {"data": [FLAT]}, [FLAT]])
def test_squad_is_read_nested_and_flat(tmp_path: Path, content: Any):
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(content))
    ((place, row),) = read_file(path)
    assert row == FLAT
    assert place.startswith(f"{path}: item 1")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b'{"a": 1}\n{"a": 1', "a.jsonl:2: not valid JSON"),
        ("a.jsonl", b'{"a": 1}\n[1, 2]', "a.jsonl:2: expected a JSON object, found list"),
        ("a.jsonl", b'{"a": "\xff"}', "a.jsonl:1: not a text in UTF-8"),
        ("a.jsonl.gz", b"not packed", "a.jsonl.gz: cannot be read"),
        ("a.jsonl.gz", gzip.compress(JSONL.encode(), mtime=0)[:-12], "a.jsonl.gz: cannot be read"),
        ("a.jsonl", b'{"a": "x"}\n{"a": "y", "b": 1, "a": "z"}', "a.jsonl:2: the key 'a' is there"),
        ("a.json", b'[{"a": {"b": 1, "b": 2}}]', "a.json: the key 'b' is there twice"),
        (
            "a.jsonl",
            b'{"a": ' + b"[" * 99_999 + b"}",
            "a.jsonl:1: JSON that cannot be read (nested",
        ),
        ("a.json", b"[" * 99_999, "a.json: JSON that cannot be read (nested too deeply)"),
        ("a.jsonl", b'{"a": ' + b"9" * 5000 + b"}", "a.jsonl:1: JSON that cannot be read (Exceeds"),
        ("a.csv", b"a,b,a\n1,2,3\n", "a.csv:1: the column 'a' is there twice"),
        ("a.csv", "a,b\nx,y\n".encode("utf-16-le"), "a.csv: not a text in UTF-8: every few bytes"),
        ("a.csv", b"a\nx\ncaf\xe9\n", "a.csv:3: not a text in UTF-8"),
        ("a.parquet", doubled(), "a.parquet: the column 'a' is there twice"),
        ("a.csv", b"a,b\n1,2\n3\n", "a.csv:3: not as many cells"),
        ("a.csv", b"a,b\n1,2,3\n", "a.csv:2: not as many cells"),
        ("a.csv", b'a,b\n1,2\n3,"4\n5,6\n', "a.csv:3: malformed CSV"),
        ("a.parquet", b"no parquet", "a.parquet: not a readable Parquet file"),
        ("a.parquet", parquet(ROWS)[:-40], "a.parquet: not a readable Parquet file"),
        ("a.json", b'{"data":\n[}', "a.json:2: not valid JSON"),
        ("a.json", b'{"rows": []}', "a.json: expected a list of rows"),
        ("a.json", b"[[1]]", "a.json: item 1: expected a JSON object"),
        ("a.json", b'[{"paragraphs": [{"qas": [{}]}]}]', "a.json: item 1: not SQuAD's form"),
        ("a.xlsx", b"PK\x03\x04", "a.xlsx: not a readable .xlsx file"),
        ("a.pkl", b"\x80\x04N.", "a.pkl: unknown kind of file; known endings: .jsonl, .csv"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_place(
    tmp_path: Path, name: str, content: bytes, said: str
):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        list(read_file(tmp_path / name))
    assert f"{tmp_path}/{said}" in str(caught.value)


@pytest.mark.parametrize("name", ["dev.jsonl", "dev.csv", "dev.parquet", "dev.jsonl.gz"])
def test_a_file_that_git_lfs_left_out_is_named_as_such(tmp_path: Path, name: str):
    (tmp_path / name).write_text(
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    )
    with pytest.raises(UserError, match=f"{name}: not the data but .* `git lfs pull`"):
        list(read_file(tmp_path / name))


@pytest.mark.parametrize(
    ("name", "start", "said"),
    [
        ("dev.csv", b"PK\x03\x04rest", "give it the ending .xlsx"),
        ("dev.jsonl", b"\x1f\x8brest", "packed by gzip: give it the ending .gz"),
        ("dev.csv", b"PAR1\x15\x04rest", "give it the ending .parquet"),
        ("dev.xlsx", b"\xd0\xcf\x11\xe0rest", "a spreadsheet of the old kind"),
        ("dev.jsonl", b"\n<!DOCTYPE html><html>\n<body>404</body></html>", "a web page"),
    ],
)
def test_a_file_that_is_another_kind_than_its_name_says(
    tmp_path: Path, name: str, start: bytes, said: str
):
    (tmp_path / name).write_bytes(start)
    with pytest.raises(UserError, match=f"{name}: not what its name says but .*{said}"):
        list(read_file(tmp_path / name))


def test_files_that_were_joined_and_excels_own_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "joined.csv").write_text("PAR1,label\na,x\nPAR1,label\nb,y\n")
    assert [row["PAR1"] for _, row in read_file(tmp_path / "joined.csv")] == ["a", "b"]
    assert "joined.csv:3: the header once more" in capsys.readouterr().err
    (tmp_path / "excel.csv").write_text("sep=;\r\ntext;label\r\na, b;x\r\n")
    assert list(read_file(tmp_path / "excel.csv")) == [
        (f"{tmp_path / 'excel.csv'}:3", {"text": "a, b", "label": "x"})
    ]


def test_what_breaks_others_in_columns_is_read_as_it_stands(tmp_path: Path):
    """Kinds that change from row to row, nothing at first, words that mean nothing elsewhere."""
    rows = [
        {"text": "null", "label": 0, "more": None},
        {"text": "NA", "label": "0", "more": 1},
        {"text": "2020-01-01T00:00:00Z", "label": 0.0, "more": {"a": [1, "b", [None]]}},
        {"text": "one\u2028two\x85three", "label": False},
    ]
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (tmp_path / "dev.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert [row for _, row in read_file(tmp_path / "dev.jsonl")] == rows
    (tmp_path / "dev.csv").write_text("text,label\nnull,NA\nNone,nan\n")
    assert [tuple(row.values()) for _, row in read_file(tmp_path / "dev.csv")] == [
        ("null", "NA"),
        ("None", "nan"),
    ]
    table = pa.table(
        {
            "text": pa.array(["a", "b"], pa.large_string()),
            "label": pa.array(["0", "1"]).dictionary_encode(),
            "null": pa.nulls(2),
            "nested": [{"a": [1]}, {"a": []}],
        }
    )
    pq.write_table(table, tmp_path / "dev.parquet")
    read = [(row["text"], row["label"]) for _, row in read_file(tmp_path / "dev.parquet")]
    assert read == [("a", "0"), ("b", "1")]


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(UserError, match=r"gone\.jsonl: no such file"):
        list(read_file(tmp_path / "gone.jsonl"))
    (tmp_path / "tweets.jsonl").touch()
    with pytest.raises(UserError, match=r"Did you mean 'tweets\.jsonl'\?"):
        list(read_file(tmp_path / "tweet.jsonl"))


def test_a_folder_in_place_of_a_file_is_named_with_a_file_in_it(tmp_path: Path):
    (tmp_path / "one.jsonl").touch()
    with pytest.raises(UserError, match=r"is a folder: name a file in it, such as .*one\.jsonl"):
        list(read_file(tmp_path))


CARD = b"""---
configs:
- config_name: rte
  data_files:
  - {split: train, path: rte/train.parquet}
  - {split: validation, path: rte/validation.parquet}
---
"""
PAIRS = [{"sentence1": f"p {i}", "sentence2": "h", "label": i % 2, "idx": i} for i in range(6)]
LOAD = """
import sys
from s3.errors import UserError
from s3.data.gold import Gold, Source, Splits
from s3.tasks import Classification, PromptTemplate

hub = Splits(path="someone/toy", name=sys.argv[1], validation="train", test="validation",
             columns={"premise": "sentence1", "hypothesis": "sentence2"},
             labels={"0": "entailment", "1": "not_entailment"})
query = PromptTemplate(chat="$label $premise")
mistake = PromptTemplate(chat="$label $premise $hypothesis")
task = Classification(given=["premise"], written="hypothesis", query=query, mistake=mistake,
                      labels={"entailment": "right", "not_entailment": "wrong"},
                      gold=Gold(source=Source.hub, hub=hub, validation_size=4))
try:
    gold = task.load(0)
    print(len(gold.validation), len(gold.test), len(gold.train), gold.test[1].fields["premise"],
          gold.test[1].target, gold.test[1].origin.source, sep="|")
except UserError as error:
    print("error:", error)
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., str]:
    """Load the gold data in a process of its own: the hub's address is read at import."""

    def start(url: str, name: str = "rte", **environment: str) -> str:
        quiet = {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "*"}
        done = subprocess.run(
            [sys.executable, "-c", LOAD, name],
            env={**os.environ, **quiet, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    return start


def test_the_hub_is_read_once_and_then_offline_from_its_cache(load: Callable[..., str]):
    files = {"README.md": CARD, "rte/train.parquet": parquet(PAIRS)}
    files["rte/validation.parquet"] = parquet([{**row, "sentence2": "v"} for row in PAIRS[:2]])
    expected = "4|2|4|p 1|not_entailment|toy validation row 1"
    with Hub({"datasets/someone/toy": files}) as hub:
        assert load(hub.url) == expected
        said = load(hub.url, "qnli")
    assert "error: hub data set someone/toy (qnli), split train: " in said
    assert "rte" in said  # what there is
    assert load("http://127.0.0.1:9", HF_HUB_OFFLINE="1") == expected


def test_offline_without_a_cache_is_an_error_that_says_what_to_do(load: Callable[..., str]):
    said = load("http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert said.startswith("error: hub data set someone/toy (rte), split train: ")
    assert "offline" in said.lower()
    assert "task.gold.source=files" in said


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.csv.gz"])
def test_bytes_that_are_no_text_are_found_by_line_far_into_a_file_read_by_lines(
    tmp_path: Path, name: str
):
    line = '{"text": "a row"}\n' if "jsonl" in name else "a row of some length\n"
    content = (line * 5000).encode() + b"\xff\n" + line.encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(UserError, match=rf"{name}:5001: not a text in UTF-8"):
        list(read_file(tmp_path / name))
