"""Rankings from simulated judgements with a known order, planted bias, sheets as they are typed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from s3.analysis.judgements import agreement_of_judges, firsts, read_judgements
from s3.analysis.rankings import ranking
from s3.commands.app import app
from s3.errors import UserError

TASKS = [f"task{i}" for i in range(10)]  # the true order, the most objective first


def typed(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["judgements", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def filled(folder: Path, bias: float = 0.0, gap: float = 0.7, seed: int = 0) -> Path:
    """A sheet that judges fill in who know the order, not surely; `bias` is towards the first."""
    path = folder / f"sheet{bias}-{gap}-{seed}.csv"
    typed("sheet", *TASKS, "-o", path)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    rng = np.random.default_rng(seed)
    for row in rows:
        ahead = TASKS.index(row["task_b"]) - TASKS.index(row["task_a"])
        first = rng.random() < 1 / (1 + np.exp(-gap * ahead - bias))
        row["winner"] = "a" if first else "b"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_sheet_has_twelve_judgements_of_each_pair_in_balanced_order(tmp_path: Path):
    said = typed("sheet", *TASKS[:-1], "task9=spam or not, of messages", "-o", tmp_path / "a.csv")
    assert "540 judgements, 45 pairs by 12 judges" in said
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    shown = Counter((row["task_a"], row["task_b"]) for row in rows)
    assert len(rows) == 540
    assert len(shown) == 90
    assert set(shown.values()) == {6}  # each way
    orders = [[(r["task_a"], r["task_b"]) for r in rows if r["judge"] == j] for j in ("1", "2")]
    assert [len({frozenset(pair) for pair in order}) for order in orders] == [45, 45]
    assert orders[0] != orders[1]
    assert "**task9**: spam or not, of messages" in (tmp_path / "a.md").read_text()
    typed("sheet", *TASKS, "-o", tmp_path / "same.csv")
    typed("sheet", *TASKS, "-o", tmp_path / "other.csv", "--seed", 1)
    texts = [(tmp_path / f"{name}.csv").read_text() for name in ("a", "same", "other")]
    assert texts[0] == texts[1] != texts[2]


def test_a_sheet_that_is_there_is_not_written_over(tmp_path: Path):
    (tmp_path / "a.csv").write_text("work of hours")
    with pytest.raises(UserError, match="perhaps filled in"):
        typed("sheet", "x", "y", "-o", tmp_path / "a.csv")


def test_the_known_order_is_recovered_and_intervals_hold_the_places(tmp_path: Path):
    path = filled(tmp_path)
    rows = json.loads(typed("rank", path, "--format", "json"))
    assert [row["task"] for row in rows] == TASKS
    assert [row["place"] for row in rows] == list(range(1, 11))
    assert all(row["place_low"] <= i <= row["place_high"] for i, row in enumerate(rows, 1))
    steps = -np.diff([row["strength"] for row in rows])
    assert steps.mean() == pytest.approx(0.7, abs=0.12)
    rates = [row["win_rate"] for row in rows]
    assert rates == sorted(rates, reverse=True)
    assert all(row["win_rate_low"] < row["win_rate"] < row["win_rate_high"] for row in rows)


def test_judges_who_know_nothing_give_no_ranking(tmp_path: Path):
    found, _ = read_judgements([filled(tmp_path, gap=0.0)])
    ranked = ranking(found)
    assert sum(one.strength.low <= 0 <= one.strength.high for one in ranked) >= 8
    agreed = agreement_of_judges(found)
    assert agreed
    assert agreed.value == pytest.approx(0.5, abs=0.06)


def test_planted_position_bias_is_seen_and_leaves_the_balanced_ranking(tmp_path: Path):
    fair, biased = filled(tmp_path), filled(tmp_path, bias=1.0)
    assert "no position bias is seen" in typed("rank", fair)
    assert ": position bias." in typed("rank", biased)
    found, _ = read_judgements([biased])
    share = firsts(found)
    assert share.low > 0.5
    places = [TASKS.index(one.task) for one in ranking(found)]
    assert max(abs(place - true) for true, place in enumerate(places)) <= 1


def test_a_sheet_that_differs_from_the_others_is_seen_beside_them(tmp_path: Path):
    """Two biases that even out together, and one who knows nothing beside two who do."""
    sheets = [filled(tmp_path, bias=bias, seed=i) for i, bias in enumerate((1.2, -1.2))]
    sheets.append(filled(tmp_path, gap=0.0, seed=2))
    for path in sheets:
        path.write_text(re.sub(r"^(\d)", path.stem.replace(".", "_") + r" \1", path.read_text(),
                               flags=re.M))  # fmt: skip
    said = typed("rank", *sheets).splitlines()
    assert any("task shown first won" in line and "no position bias" in line for line in said)
    first, second, ignorant = (
        next(line for line in said if line.startswith(f"{path}: 540")) for path in sheets
    )
    assert [": position bias." in line for line in (first, second, ignorant)] == [True, True, False]
    shares = [re.search(r"other sheets in ([\d.]+) %", line) for line in (first, second, ignorant)]
    agreed = [float(share[1]) for share in shares if share]
    assert agreed[2] == pytest.approx(50, abs=5)
    assert min(agreed[:2]) > agreed[2] + 5
    alone = typed("rank", sheets[0])
    assert "other sheets" not in alone


def test_a_task_that_wins_every_time_has_a_finite_strength(tmp_path: Path):
    text = "task_a,task_b,winner\n" + "x,y,a\ny,z,y\nx,z,X\n"
    (tmp_path / "me.csv").write_text(text)
    found, _ = read_judgements([tmp_path / "me.csv"])
    assert {one.judge for one in found} == {"me"}
    assert [one.task for one in ranking(found)] == ["x", "y", "z"]
    assert all(abs(one.strength.high) < 10 for one in ranking(found))
    assert agreement_of_judges(found) is None


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ("1,x,y,c", r":2: the winner 'c' is neither a, b, x nor y"),
        ("1,x,x,a", r":2: task_a and task_b must name two tasks"),
        ("1,x,y,a\n1,y,x,a", r":3: judge 1 judged x and y before, at .*:2"),
        ("1,x,y,", "no judgement there"),
        ("1,x,y,a\n1,v,w,a", "no judgement holds these parts against each other: (x, y|v, w)"),
    ],
)
def test_what_cannot_be_ranked_is_said(tmp_path: Path, rows: str, reason: str):
    (tmp_path / "a.csv").write_text(f"judge,task_a,task_b,winner\n{rows}\n")
    with pytest.raises(UserError, match=reason):
        typed("rank", tmp_path / "a.csv")
