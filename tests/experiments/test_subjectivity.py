"""The study of subjectivity: what its table reads off finished runs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.analysis.made import made_run
from tests.runs.helpers import ROOT


@pytest.fixture(scope="module")
def study() -> Any:
    """The experiment's script, which is no module of the package."""
    place = ROOT / "experiments" / "subjectivity" / "table.py"
    spec = importlib.util.spec_from_file_location("subjectivity_table", place)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_has_mean_deviation_and_the_difference_to_as_many_real_rows(
    study: Any, tmp_path: Path
) -> None:
    for seed in (0, 1):
        for method, size, right in (
            ("gold", 24, 30 + 2 * seed), ("gold", 800, 38), ("gold", 60, 5), ("zeroshot", 24, 20),
        ):  # fmt: skip
            config = {"seed_size": 24, "task": {"gold": {"train_size": size}}}
            decides = {"method": {"class": method, "size": size}}
            rows = [i < right for i in range(40)]
            made_run(tmp_path, rows, seed=seed, method=method, config=config, identity=decides)
    found = study.collected(tmp_path, 24, 800)
    line = next(one for one in study.table(found, ["films"]) if "accuracy" in one)
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[:4] == ["films", "accuracy", "2", "77.5 ± 3.5"]
    assert cells[4].startswith("50.0 ± 0.0 (-27.5, ")
    assert cells[5:] == ["", "95.0 ± 0.0"]
