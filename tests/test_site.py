"""The documentation as a site: it is built, its links lead somewhere, nothing comes from afar."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mkdocs.commands.build import build
from mkdocs.config import load_config

from tests.runs.helpers import ROOT


def test_the_site_is_built_and_every_link_leads_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_MKDOCS_2_WARNING", "1")
    monkeypatch.chdir(ROOT)
    build(load_config(str(ROOT / "mkdocs.yml"), site_dir=str(tmp_path)))  # strict: aborts
    pages = {str(path.relative_to(tmp_path)): path for path in tmp_path.rglob("*.html")}
    for path in sorted((ROOT / "docs").glob("*.md")):
        assert f"{path.stem}/index.html" in pages
    assert "experiments/table2/index.html" in pages
    reference = pages["reference/index.html"].read_text(encoding="utf-8")
    assert "<code>method.error_share</code>" in reference
    assert "s3 predict" in pages["commands/index.html"].read_text(encoding="utf-8")
    for page in pages.values():
        loaded = re.findall(
            r"<(?:script|img|link)[^>]+(?:src|href)=\"?(https?://[^\"> ]+)", page.read_text()
        )
        assert [one for one in loaded if "localhost" not in one] == []
