"""Figures as a paper's author gets them: files, with their fonts in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from s3.commands.app import app
from s3.errors import UserError
from s3.storage import write_jsonl
from tests.analysis.made import made_run
from tests.runs import made

RIGHT = [True] * 6 + [False] * 4


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def figures(*arguments: object) -> str:
    done = CliRunner().invoke(app, ["figures", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.stderr


def test_a_run_s_figures_are_pdf_with_fonts_and_what_is_missing_is_said(tmp_path: Path):
    made.finished_run(tmp_path / "run")
    epochs = [{"epoch": i, "train/accuracy": i / 4, "validation/accuracy": 0.5} for i in (1, 2, 3)]
    write_jsonl(tmp_path / "run" / "rounds" / "01" / "epochs.jsonl", epochs)
    said = figures(tmp_path / "run", "-o", tmp_path / "out")
    assert names(tmp_path / "out") == ["confusions.pdf", "epochs.pdf", "scores.pdf"]
    assert "no map" in said  # its gold rows are nowhere
    for file in (tmp_path / "out").iterdir():
        content = file.read_bytes()
        assert b"/FontFile2" in content  # embedded, as TrueType
        assert b"/Type3" not in content
        width = float(re.findall(rb"/MediaBox \[ 0 0 ([\d.]+)", content)[0])
        assert 3.0 <= width / 72 <= 3.5  # inches: a column


def test_a_comparison_s_figures_are_the_same_files_again(tmp_path: Path):
    for seed in range(2):
        made_run(tmp_path / "runs", RIGHT, RIGHT, seed=seed)
        made_run(tmp_path / "runs", RIGHT[::-1], RIGHT, seed=seed, method="zerogen")
    drawn = []
    for name in ("a", "b"):
        figures(tmp_path / "runs", "-o", tmp_path / name, "--format", "svg", "--against",
                "method=zerogen")  # fmt: skip
        drawn.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert drawn[0] == drawn[1]
    assert names(tmp_path / "a") == [
        "cost-money.svg", "cost-time.svg", "cost-tokens.svg", "curves.svg", "gains.svg",
        "intervals.svg",
    ]  # fmt: skip
    assert b"<text" not in drawn[0][0]  # outlines: no font is asked for


def test_a_folder_without_runs_is_said(tmp_path: Path):
    with pytest.raises(UserError, match="no finished run"):
        figures(tmp_path)
