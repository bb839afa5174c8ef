"""What a person decided about synthetic rows: a JSON Lines file that a later run takes.

A line has the row's `id`, its `fields` and `target`, and the `decision`: "keep", "relabel" (with
the new `label`), "drop", or "note" for a row that is only remarked upon. `note` is free text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from s3.data.example import Example
from s3.data.many import Spilled
from s3.errors import UserError
from s3.storage import read_jsonl

DECISIONS = ("keep", "relabel", "drop", "note")
Decision = Mapping[str, Any]
Texts = tuple[tuple[str, str], ...]


def read_decisions(path: Path) -> list[Decision]:
    """Return the decisions of a file, in order. Raises UserError for what is none."""
    found: list[Decision] = []
    try:
        for row in read_jsonl(path):
            found.append(_checked(row))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file of decisions (`s3 review RUN` writes it).") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        where = f"{path}:{len(found) + 1}"
        raise UserError(f"{where}: not a decision of `s3 review` ({error}).") from None
    return found


def _checked(row: Decision) -> Decision:
    if row["decision"] not in DECISIONS:
        raise ValueError(f"decision {row['decision']!r} is none of {', '.join(DECISIONS)}")
    if row["decision"] == "relabel" and not isinstance(row.get("label"), str):
        raise ValueError("relabel without a label")
    dict(row["fields"].items())
    return row


def reviewed(examples: Iterable[Example], path: Path, labels: Collection[str]) -> Spilled:
    """Return the examples as a file of decisions leaves them.

    A decision holds for every row with these texts, whatever label the LLM was asked for. Dropped
    rows are left out. Relabelled ones have the new label, and their origin says so beside the
    LLM's name. Raises UserError for a file that cannot be read, or a label that is none of these.
    """
    decisions = {_texts(row["fields"]): row for row in read_decisions(path)}
    for row in decisions.values():
        if row["decision"] == "relabel" and row["label"] not in labels:
            raise UserError(f"{path}: {row['label']!r} is no label of this task.")
    found = ((one, decisions.get(_texts(one.fields), {})) for one in examples)
    return Spilled(_decided(one, row) for one, row in found if row.get("decision") != "drop")


def _decided(example: Example, row: Decision) -> Example:
    if row.get("decision") != "relabel" or row["label"] == example.target:
        return example
    origin = replace(example.origin, model=f"{example.origin.model}, relabelled in review")
    return replace(example, target=row["label"], origin=origin)


def _texts(fields: Mapping[str, str]) -> Texts:
    return tuple(sorted(fields.items()))
