"""What is written as a stream is what was given, and the digest of a stream that of a list."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from s3.storage import BATCH, digest, digest_of, read_jsonl, write_json, write_jsonl, write_parquet


@pytest.mark.parametrize("texts", [[], ["a"], ["a", 'b "', "é\ud800", "\n"]])
def test_a_stream_has_the_digest_of_the_list(texts: list[str]) -> None:
    assert digest_of(iter(texts)) == digest(texts)


def test_a_column_that_is_empty_in_the_first_batch_is_kept_in_the_others(tmp_path: Path) -> None:
    empty = {"text": "a", "rationales": [], "label": None, "answers": {"starts": [1]}}
    full = {"text": "b", "rationales": ["c"], "label": "d", "answers": {"starts": []}}
    rows = [empty] * BATCH + [full]
    write_parquet(tmp_path / "a.parquet", iter(rows))
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == rows


def test_a_row_with_another_column_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="int"):
        write_parquet(tmp_path / "a.parquet", [{"a": 1}] * BATCH + [{"a": "text"}])
    assert not list(tmp_path.glob("a.*"))


def test_no_rows_are_a_table_without_columns(tmp_path: Path) -> None:
    write_parquet(tmp_path / "a.parquet", [])
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 0


def test_json_has_what_utf_8_lacks_as_an_escape(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", ["é", "\ud800"])
    assert (tmp_path / "a.json").read_text() == '[\n  "é",\n  "\\ud800"\n]\n'
    write_jsonl(tmp_path / "a.jsonl", [{"a": "é"}])
    assert list(read_jsonl(tmp_path / "a.jsonl")) == [{"a": "é"}]
