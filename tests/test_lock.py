"""The lock that CI installs with has what the project asks for, each in one exact version."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.runs.helpers import ROOT


def locked() -> dict[str, Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    found = [Requirement(line) for line in lines if not line.startswith("#")]
    assert all(str(one.specifier).startswith("==") for one in found)
    return {canonicalize_name(one.name): one for one in found}


def test_the_lock_has_what_pyproject_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lock = locked()
    for requirement in map(Requirement, wanted):
        version = str(lock[canonicalize_name(requirement.name)].specifier).removeprefix("==")
        assert requirement.specifier.contains(version), f"run `make lock`: {requirement}"


def test_a_lock_is_made_of_pips_report_and_names_no_build_and_not_the_project(tmp_path: Path):
    def entry(name: str, version: str, **source: object) -> dict[str, object]:
        return {"metadata": {"name": name, "version": version}, "download_info": source}

    report = {
        "install": [
            entry("torch", "2.13.0+cpu", archive_info={}),
            entry("Jinja2", "3.1.6", archive_info={}),
            entry("s3-synthesis", "0.1.0", dir_info={"editable": True}),
        ]
    }
    path = tmp_path / "report.json"
    path.write_text(json.dumps(report), encoding="utf-8")
    command = [sys.executable, str(ROOT / ".ci" / "lock.py"), str(path)]
    lock = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert [line for line in lock.splitlines() if not line.startswith("#")] == [
        "jinja2==3.1.6",
        "torch==2.13.0",
    ]
