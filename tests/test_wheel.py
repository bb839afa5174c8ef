"""The wheel: all that a checkout's package has, and a command that works without a checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.runs.helpers import ROOT

BUILD = "from setuptools.build_meta import build_wheel; build_wheel('dist')"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files beside the sources."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    shutil.copytree(ROOT / "s3", copy / "s3", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-c", BUILD], cwd=copy, check=True, capture_output=True)
    (built,) = copy.glob("dist/*.whl")
    return built


def test_the_wheel_has_every_file_of_the_package(wheel: Path) -> None:
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "s3").rglob("*")}
    kept = {one for one in files if Path(ROOT, one).is_file() and "__pycache__" not in one}
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert {"s3/conf/config.yaml", "s3/report/templates/run.html"} <= packed
    assert kept - packed == set()
    assert {one.partition("/")[0] for one in packed if ".dist-info" not in one} == {"s3"}


@pytest.mark.slow
def test_an_installed_wheel_runs_predicts_and_loads(wheel: Path, tmp_path: Path) -> None:
    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=empty, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    empty = tmp_path / "empty"
    empty.mkdir()
    call(sys.executable, "-m", "venv", str(tmp_path / "clean"))
    binaries = tmp_path / "clean" / "bin"
    constraints = str(ROOT / "constraints.txt")
    call(str(binaries / "pip"), "install", "--quiet", "--constraint", constraints, str(wheel))
    command = str(binaries / "s3")
    assert "run " in call(command, "--help")
    assert "sms_spam" in call(command, "run", "--help")
    assert "Nothing was sent" in call(command, "run", "task=rte", "method=gold", "dry_run=true")
    call(command, "run", "task=rte", "method=gold", "wandb.mode=disabled")
    (folder,) = empty.glob("outputs/rte-gold-*")
    (empty / "new.csv").write_text("hypothesis,premise\nIt rains.,It pours in Rome.\n")
    call(command, "predict", str(folder), "new.csv", "-o", "answered.csv")
    assert "entailment" in (empty / "answered.csv").read_text()
    said = f"import s3; print(s3.load({str(folder)!r}).predict([('It rains.', 'It pours.')]))"
    assert "entailment" in call(str(binaries / "python"), "-c", said)
