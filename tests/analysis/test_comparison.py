"""Comparisons of finished runs: which are one group, what is held against what, what is not."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from s3.analysis.comparison import Comparison, compare
from s3.analysis.formats import TEXTS, cells, legend, records
from s3.audit import Audit
from s3.audit.file import audit_file
from s3.errors import UserError
from tests.analysis.made import made_run

DATA = Path(__file__).parents[3] / "shared" / "data"
RIGHT = [True, False, True, True, False, False, True, False, True, False]


def two_methods(root: Path, better: float) -> None:
    """Runs of two methods on rows of their own ease; one is right on `better` more of them."""
    rng = np.random.default_rng(7)
    ease = rng.random(200)
    for seed in range(5):
        for method, level in (("s3", 0.6 + better), ("zerogen", 0.6)):
            noise = rng.normal(0, 0.1, 200) + rng.normal(0, 0.02)
            made_run(root, [bool(one) for one in ease + noise < level], seed=seed, method=method)


def line(found: Comparison, **settings: object) -> dict[str, object]:
    """The record of the one group with these settings."""
    (row,) = [row for row in records(found) if all(row.get(n) == v for n, v in settings.items())]
    return row


def test_runs_that_differ_by_their_seed_are_one_group(tmp_path: Path):
    rights_ = [[True] * 6 + [False] * 4, [True] * 8 + [False] * 2, [True] * 7 + [False] * 3]
    for seed, right in enumerate(rights_):
        made_run(tmp_path, [False] * 10, right, seed=seed)
    found = compare([tmp_path])
    (row,) = records(found)
    assert found.names == ["task", "method"]
    assert {name: row[name] for name in ("task", "method", "seeds", "rounds", "data")} == {
        "task": "films", "method": "s3", "seeds": 3, "rounds": 2, "data": 100,
    }  # fmt: skip
    assert row["test"] == pytest.approx(0.7)
    assert row["test_sd"] == pytest.approx(0.1)
    assert row["validation"] == pytest.approx(0.7)
    assert (row["tokens"], row["cost"], row["seconds"]) == (1000, 0.5, 4)
    assert row["test_low"] < 0.7 < row["test_high"] <= 1


def test_groups_are_named_by_what_differs_and_by_nothing_else(tmp_path: Path):
    for size in (100, 300):
        method, config = {"class": "S3", "size": size}, {"wandb": {"group": str(size)}}
        made_run(tmp_path, RIGHT, identity={"method": method}, config=config)
    made_run(tmp_path, RIGHT, method="zerogen")
    found = compare([tmp_path])
    assert found.names == ["task", "method", "method.size"]
    assert [(row["method"], row["method.size"]) for row in records(found)] == [
        ("s3", 100), ("s3", 300), ("zerogen", None),
    ]  # fmt: skip


def test_data_that_each_seed_takes_from_elsewhere_are_one_groups(tmp_path: Path):
    def made(seed: int, taken: str, method: str) -> None:
        options = {"class": "ZeroGen", "add_from": taken}
        made_run(tmp_path, RIGHT, seed=seed, method=method, identity={"method": options})

    for seed in range(3):
        made(seed, f"of run {seed}", "own")
        for taken in ("one file", "another"):
            made(seed, taken, "files")
    found = compare([tmp_path])
    assert {(row["method"], row["method.add_from"], row["seeds"]) for row in records(found)} == {
        ("files", "another", 3), ("files", "one file", 3), ("own", None, 3),
    }  # fmt: skip


def test_an_option_that_another_choice_brings_is_named_once_by_the_choice(tmp_path: Path):
    made_run(tmp_path, RIGHT)
    choices = {"task": "films", "method": "s3", "llm": "tiny", "model": "large"}
    made_run(tmp_path, RIGHT, identity={"student": {"epochs": 9}}, config={"choices": choices})
    assert compare([tmp_path]).names == ["task", "method", "model"]


def test_a_later_version_of_the_method_is_no_further_seed(tmp_path: Path):
    made_run(tmp_path, RIGHT, seed=0)
    made_run(tmp_path, RIGHT, seed=1, identity={"results": 4})
    assert compare([tmp_path]).names == ["task", "method", "results"]


def test_gold_alone_is_a_group_once_for_all_methods(tmp_path: Path):
    for method in ("s3", "zerogen"):
        for seed in (0, 1):
            made_run(tmp_path, RIGHT, seed=seed, method=method, alone=RIGHT)
    found = compare([tmp_path], against=["method=gold_baseline"])
    row = line(found, method="gold_baseline")
    assert (row["seeds"], row["data"], row["test"], row["cost"]) == (2, 40, 0.5, None)
    assert len(found.groups) == 3
    assert line(found, method="s3")["gain"] == 0
    assert not found.notes


def test_a_planted_difference_is_found_and_none_where_there_is_none(tmp_path: Path):
    two_methods(tmp_path / "better", 0.15)
    row = line(compare([tmp_path / "better"], against=["method=zerogen"]), method="s3")
    assert row["against"] == "task=films method=zerogen"
    assert row["gain_low"] > 0
    assert row["better"] > 0.99
    assert row["pairs"] == 5
    two_methods(tmp_path / "same", 0.0)
    row = line(compare([tmp_path / "same"], against=["method=zerogen"]), method="s3")
    assert row["gain_low"] < 0 < row["gain_high"]
    assert row["p_value"] > 0.05


def test_two_single_runs_are_held_against_each_other_by_mcnemars_test(tmp_path: Path):
    made_run(tmp_path, [True] * 12 + [False] * 8)
    made_run(tmp_path, [False] * 9 + [True] * 4 + [False] * 7, method="zerogen")
    row = line(compare([tmp_path], against=["method=zerogen"]), method="s3")
    assert row["p_value"] == pytest.approx(stats.binomtest(9, 10).pvalue)
    assert row["gain"] == pytest.approx(8 / 20)
    assert row["test_sd"] is None


def test_only_common_seeds_are_paired(tmp_path: Path):
    for seed in (0, 1, 2):
        made_run(tmp_path, RIGHT, seed=seed)
    for seed in (2, 3):
        made_run(tmp_path, RIGHT, seed=seed, method="zerogen")
    made_run(tmp_path, RIGHT, seed=9, method="progen")
    found = compare([tmp_path], against=["method=zerogen"])
    assert line(found, method="s3")["pairs"] == 1
    assert line(found, method="progen")["gain"] is None
    assert "method=progen: nothing to hold it against" in found.notes[0]


def test_of_several_that_match_the_most_alike_is_held_against(tmp_path: Path):
    for size in (100, 300):
        made_run(tmp_path, RIGHT, identity={"method": {"class": "S3", "size": size}})
    made_run(tmp_path, RIGHT, method="zerogen", identity={"method": {"class": "Z", "size": 300}})
    found = compare([tmp_path], against=["method=s3"])
    assert line(found, method="zerogen")["against"] == "task=films method=s3 method.size=300"
    made_run(tmp_path, RIGHT, method="progen", identity={"method": {"class": "P"}})
    found = compare([tmp_path], against=["method=s3"])
    assert line(found, method="progen")["gain"] is None
    assert "fits several" in found.notes[0]


def test_other_test_rows_are_kept_apart(tmp_path: Path):
    made_run(tmp_path, RIGHT)
    other = {"validation": "v", "test": "others", "train": "v"}
    made_run(tmp_path, RIGHT, seed=1, identity={"gold": other})
    made_run(tmp_path, RIGHT, method="zerogen", identity={"gold": other})
    found = compare([tmp_path], against=["method=zerogen"])
    assert found.names == ["task", "method", "test_rows"]
    assert [row["seeds"] for row in records(found)] == [1, 1, 1]
    assert any("different test rows, kept apart" in note for note in found.notes)
    assert sum(row["against"] is not None for row in records(found)) == 0  # no seed in common


def test_other_gold_rows_under_the_same_options_are_kept_apart(tmp_path: Path):
    old = made_run(tmp_path, RIGHT, method="zerogen")
    os.utime(old / "identity.json", (1, 1))
    changed = {"validation": "w", "test": "t", "train": "w"}
    made_run(tmp_path, RIGHT, identity={"gold": changed})
    made_run(tmp_path, RIGHT, seed=1, identity={"gold": changed})
    found = compare([tmp_path], against=["method=zerogen"])
    assert line(found, method="zerogen")["gold_rows"] == 1
    assert line(found, method="s3")["gold_rows"] == 2
    assert line(found, method="s3")["gain"] is None
    assert any("kinds of gold rows" in note for note in found.notes)


def test_gold_rows_that_are_drawn_with_the_seed_are_no_other_gold(tmp_path: Path):
    config = {"task": {"gold": {"validation_size": 50}}}
    for seed in (0, 1):
        gold = {"validation": f"drawn {seed}", "test": "t", "train": f"drawn {seed}"}
        made_run(tmp_path, RIGHT, seed=seed, identity={"gold": gold}, config=config)
    found = compare([tmp_path])
    assert [row["seeds"] for row in records(found)] == [2]
    assert not found.notes


def test_runs_on_copies_of_test_rows_are_kept_apart_and_said(tmp_path: Path):
    made_run(tmp_path, RIGHT, method="zerogen")
    found = {"audit/rows": 300, "audit/validation/same_row": 3}  # one in a hundred is no matter
    leak = made_run(tmp_path, [True] * 10, row={**found, "audit/test/same_row": 3})
    made_run(tmp_path, RIGHT, seed=1, row={**found, "audit/test/same_row": 0})
    found = compare([tmp_path], against=["method=zerogen"])
    rows = [row for row in records(found) if row["method"] == "s3"]
    assert [(row["copies_of"], row["seeds"], row["gain"]) for row in rows] == [
        (None, 1, None), ("test", 1, None),
    ]  # fmt: skip
    assert any(
        "3 of 300 synthetic rows are copies of gold test" in note and str(leak) in note
        for note in found.notes
    )


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_the_published_leak_is_flagged(tmp_path: Path):
    leak = DATA / "s3_official_leak" / "rte_additional-1.pkl_is_gold_train_rows.jsonl"
    gold = {"validation": DATA / "rte" / "train.jsonl", "test": DATA / "rte" / "validation.jsonl"}
    found = audit_file(Audit(), leak, gold, "hypothesis", ["premise"])
    made_run(tmp_path, RIGHT, row=found.metrics)
    made_run(tmp_path, RIGHT, method="zerogen")
    compared = compare([tmp_path], against=["method=zerogen"])
    assert line(compared, method="s3")["copies_of"] == "validation"
    assert line(compared, method="s3")["gain"] is None
    assert compared.notes[0].startswith("873 of 873 synthetic rows are copies of gold validation")


def test_a_run_in_two_folders_counts_once(tmp_path: Path):
    for name in ("outputs", "multirun"):
        made_run(tmp_path / name, RIGHT)
    found = compare([tmp_path / "outputs", tmp_path / "multirun", tmp_path])
    assert [row["seeds"] for row in records(found)] == [1]
    assert "counted once" in found.notes[0]


def test_a_damaged_run_leaves_the_others(tmp_path: Path):
    made_run(tmp_path, RIGHT)
    broken = made_run(tmp_path, RIGHT, seed=1)
    (broken / "rounds" / "00" / "predictions_test.jsonl").unlink()
    found = compare([tmp_path])
    assert [row["seeds"] for row in records(found)] == [1]
    assert "predictions_test.jsonl: damaged or missing" in found.notes[0]


@pytest.mark.parametrize(("round_", "test"), [("best", 0.8), ("last", 0.6), ("0", 0.4)])
def test_the_round_shown_is_asked_for(tmp_path: Path, round_: str, test: float):
    three = [[i < number for i in range(10)] for number in (4, 8, 6)]
    made_run(tmp_path, *three, best=1)
    (row,) = records(compare([tmp_path], round=round_))
    assert row["test"] == pytest.approx(test)


def test_a_run_without_the_round_is_left_out_and_said(tmp_path: Path):
    made_run(tmp_path, RIGHT, RIGHT)
    short = made_run(tmp_path, RIGHT, method="zerogen")
    found = compare([tmp_path], round="1")
    assert [row["method"] for row in records(found)] == ["s3"]
    assert found.notes == [f"left out: {short} has no round 1."]


def test_gold_alone_is_shown_whatever_round_is_asked_for(tmp_path: Path):
    made_run(tmp_path, RIGHT, alone=RIGHT)
    found = compare([tmp_path], round="7")
    assert [row["method"] for row in records(found)] == ["gold_baseline"]


def test_another_metric_may_be_asked_for(tmp_path: Path):
    path = made_run(tmp_path, [True] * 6 + [False] * 3)
    summary = json.loads((path / "summary.json").read_text())
    (row,) = records(compare([tmp_path], metric="macro_f1"))
    assert row["test"] == pytest.approx(summary["rounds"][0]["test/macro_f1"])
    with pytest.raises(UserError, match="no run has the metric em; known: accuracy, macro_f1"):
        compare([tmp_path], metric="em")


@pytest.mark.parametrize(
    ("against", "said"),
    [
        ("method=gold", "no run has it (method is s3)"),
        ("methd=s3", "no run has it (method)"),
        ("method", "no run has it (method is s3)"),
    ],
)
def test_what_no_run_has_is_said_with_what_there_is(tmp_path: Path, against: str, said: str):
    made_run(tmp_path, RIGHT)
    with pytest.raises(UserError) as error:
        compare([tmp_path], against=[against])
    assert said in str(error.value)


def test_nothing_to_compare_is_said(tmp_path: Path):
    with pytest.raises(UserError, match="no finished run"):
        compare([tmp_path])
    with pytest.raises(UserError, match="no such folder"):
        compare([tmp_path / "nowhere"])


def test_every_format_has_every_group(tmp_path: Path):
    made_run(tmp_path, RIGHT, method="s3")
    made_run(tmp_path, [True] * 10, method="mine_|2&")
    found = compare([tmp_path], against=["method=s3"])
    head, *rows = cells(found)
    assert rows[0][head.index("method")] == "mine_|2&"
    assert rows[0][head.index("gain")] == "+50.0"
    table = TEXTS["markdown"](found).splitlines()
    assert r"| mine_\|2& |" in table[2]
    assert all(line.replace(r"\|", "").count("|") == len(head) + 1 for line in table)
    tabular = TEXTS["latex"](found)
    assert r"mine\_|2\&" in tabular
    assert all(row.count(" & ") == len(head) - 1 for row in tabular.splitlines() if r"\\" in row)
    (first, second) = csv.DictReader(io.StringIO(TEXTS["csv"](found)))
    assert (first["method"], float(first["test"]), second["gain"]) == ("mine_|2&", 1, "")
    assert json.loads(TEXTS["json"](found))["groups"] == records(found)
    assert "paired by seed" in " ".join(legend(found))


def test_a_cost_that_nobody_knows_is_no_zero(tmp_path: Path):
    path = made_run(tmp_path, RIGHT) / "summary.json"
    summary = json.loads(path.read_text())
    summary["rounds"][0]["llm/unpriced"] = 10
    path.write_text(json.dumps(summary))
    head, row = cells(compare([tmp_path]))
    assert row[head.index("cost $")] == "unknown"
