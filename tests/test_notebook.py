"""Notebooks, run by a real kernel: what a cell shows of long work; the example in `examples/`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.runs.helpers import ROOT

WORK = """
from s3.progress import progress, quiet
with progress("training <1>", 3) as work:
    for done in (1, 2, 3):
        work.update(done, "loss 0.5")
with quiet(), progress("unseen", 3) as work:
    work.update(3)
"""


def run(notebook: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Run a notebook in a folder; return the outputs of all its cells."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(folder / "ipython"))
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=resources)
    asyncio.run(client.async_execute())
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def test_a_cell_has_a_bar_that_becomes_the_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(WORK)])
    (output,) = run(notebook, tmp_path, monkeypatch)
    assert output.output_type == "display_data"
    assert output.data == {"text/plain": "training <1> 3/3  loss 0.5  0 s"}
    still = (
        WORK.replace("(1, 2, 3)", "(1,)").replace("loss 0.5", "a < b").partition("with quiet")[0]
    )
    halted = nbformat.v4.new_code_cell(f"{still}    assert False")
    halted.metadata["tags"] = ["raises-exception"]
    shown = run(nbformat.v4.new_notebook(cells=[halted]), tmp_path, monkeypatch)
    bar = shown[0].data["text/html"]
    assert bar.startswith('<progress max="3" value="0"></progress>')
    assert "&lt;1&gt;" in bar


def test_the_example_runs_from_top_to_bottom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = nbformat.read(ROOT / "examples" / "first_run.ipynb", 4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # none to go stale
    outputs = run(notebook, tmp_path, monkeypatch)
    assert not [one for one in outputs if one.output_type == "error" or one.get("name") == "stderr"]
    (folder,) = tmp_path.glob("outputs/imdb-s3-*")
    assert (folder / "report.html").exists()
    said = "".join(one.get("data", {}).get("text/plain", "") for one in outputs)
    assert "positive" in said
    assert "round 1 training" in said
