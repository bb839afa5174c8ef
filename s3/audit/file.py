"""Audits a file on its own, outside any run: rows that some other tool made, for instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from s3.audit.auditor import Audit, Auditor, Findings
from s3.data.example import Example, Origin
from s3.data.files import read_file
from s3.data.gold import field_text, source_of


def audit_file(
    settings: Audit, file: Path, gold: Mapping[str, Path], written: str, given: Sequence[str]
) -> Findings:
    """Return what a file's rows repeat of themselves and of gold files, which go by split names.

    `written` is the column that an LLM wrote, `given` are those that it was given; each file has
    them all. Raises UserError for a file or a row that cannot be read.
    """
    fields = (written, *given)
    splits = {name: list(_examples(path, fields)) for name, path in gold.items()}
    return Auditor(settings, splits, written, given).measure(_examples(file, fields))


def _examples(path: Path, fields: Sequence[str]) -> Iterator[Example]:
    """Yield a file's rows; their label is what the column `label` holds, if there is one."""
    for placed in read_file(path):
        texts = {name: field_text(placed, name) for name in fields}
        origin = Origin("file", source=source_of(placed))
        yield Example(texts, str(placed[1].get("label", "")), origin)
