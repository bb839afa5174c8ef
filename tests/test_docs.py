"""The documents name options, tests, files and headings that exist, and none is forgotten."""

from __future__ import annotations

import dataclasses
import re
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from s3.config import CLASSES
from s3.llm import LLM
from s3.methods import Method
from s3.runs.experiment import Experiment
from s3.student import Student
from s3.tasks import Task
from tests.runs.helpers import ROOT

PARTS = {"task": Task, "llm": LLM, "model": Student, "method": Method}
FOLDERS = {path.name for path in (ROOT / "s3" / "conf").iterdir() if path.is_dir()}
GROUPS = FOLDERS | {"recipe", "experiment"}  # and those of a user's own folder
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "experiments").glob("*/README.md")),
    *sorted((ROOT / "experiments").glob("*/run.sh")),
]
OPTION = re.compile(rf"(?<![\w./])((?:{'|'.join([*PARTS, 'audit', 'wandb'])})(?:\.[a-z_]\w*)+)")
TEST = re.compile(r"`(tests/[\w/]+\.py)?(?:::(test_\w+))?`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
FILES = (".onnx", ".py", ".md", ".yaml", ".json", ".jsonl", ".parquet", ".safetensors")


def options(cls: Any, above: str) -> Iterator[str]:
    """The options of a class, those of the classes within it too; `*` stands for any name."""
    for name, kind in get_type_hints(cls).items():
        if name not in {one.name for one in dataclasses.fields(cls)}:
            continue
        yield above + name
        union = get_origin(kind) in (Union, types.UnionType)
        for one in get_args(kind) if union else (kind,):
            if dataclasses.is_dataclass(one):
                yield from options(one, f"{above}{name}.")
            elif get_origin(one) is dict:
                yield f"{above}{name}.*"


def all_options() -> set[str]:
    found = {name for name in options(Experiment, "") if name.partition(".")[0] not in PARTS}
    for part, base in PARTS.items():
        for cls in (cls for cls in CLASSES if issubclass(cls, base)):
            found |= {part, *options(cls, f"{part}.")}
    return found


KNOWN = all_options()


def exists(name: str) -> bool:
    return name in KNOWN or f"{name.rpartition('.')[0]}.*" in KNOWN


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_option_that_is_named_exists(path: Path):
    text = path.read_text(encoding="utf-8")
    named = {name for name in OPTION.findall(text) if not name.endswith(FILES)}
    commands = re.findall(r"(?:run\.py|s3 run)((?:[^\n`]|\\\n)*)", text)
    for command in commands:  # also options without a dot
        found = re.findall(r"(?:^|\s)\+?([a-z_][\w.]*)=", command)
        named |= {name for name in found if not name.startswith("hydra.")}  # Hydra's own
    assert {name for name in named if not exists(name)} - GROUPS == set()


def test_every_option_is_listed():
    text = (ROOT / "docs" / "options.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"`([\w.]+)`", text))
    skipped = ("task.gold.bundled.", "task.gold.hub.", "model.package.")  # said of one for all
    wanted = {name for name in KNOWN if not name.startswith(skipped)}
    wanted = {name for name in wanted if not name.endswith((".*", ".chat", ".continuation"))}
    wanted -= {"task.gold", "task.reply", "audit", "wandb"}
    assert wanted - listed == set()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_test_that_is_named_exists(path: Path):
    code = ""  # of the file named last
    for file, name in TEST.findall(path.read_text(encoding="utf-8")):
        code = (ROOT / file).read_text(encoding="utf-8") if file else code
        assert not name or f"def {name}(" in code, name


def heading_links(text: str) -> set[str]:
    """What `#...` may say of a page: its headings in small letters, words joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path):
    for file, heading in LINK.findall(path.read_text(encoding="utf-8")):
        target = path.parent / file if file else path
        assert target.exists(), file
        assert not heading or heading in heading_links(target.read_text(encoding="utf-8")), heading


def test_readme_lists_every_document():
    listed = re.findall(r"\]\((docs/\w+\.md)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= set(listed)


def test_the_check_itself_sees_an_option_that_does_not_exist():
    assert exists("task.labels.anything")
    assert exists("llm.poll_seconds")
    assert not exists("llm.style")
    assert not exists("data.size")
