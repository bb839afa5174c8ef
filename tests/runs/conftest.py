"""Fixtures of whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runs.lab import Lab


@pytest.fixture
def lab(tiny: Path, tmp_path: Path) -> Lab:
    """A folder to run the command in, with the tiny model."""
    folder = tmp_path / "lab"
    folder.mkdir()
    return Lab(tiny, folder)
