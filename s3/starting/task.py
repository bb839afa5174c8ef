"""A new task: rows are looked at, split, and written beside a YAML that Hydra finds."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from s3.data.files import Row
from s3.data.rows import RESERVED
from s3.data.splitting import dealt
from s3.errors import UserError
from s3.progress import note
from s3.starting.columns import Columns, field_name, label_text
from s3.starting.prompts import (
    Prompts,
    Wording,
    prompts_of_pairs,
    prompts_of_questions,
    prompts_of_texts,
)
from s3.storage import write_jsonl, write_text
from s3.text import same, word_count

SPLIT_FROM = 100  # rows, from which a part is kept for testing
PARTS, TEST_PARTS = 5, 2  # of the rows, and how many of these parts test
VALIDATION = 300  # rows used at most, unless the YAML says otherwise: each error is paid for
SEED = 0  # of the split, which is made once
# Names that prompts and rows use for something else.
TAKEN = RESERVED | {"number", "rationales", "condition", "style", "length", "answer", "answers"}
STYLES = ("plain", "lively", "brief")


@dataclass(frozen=True)
class NewTask:
    """What was found in a file, and what is said of it in prompts.

    `labels` maps each value of the label's column to the label's name; empty for questions.
    """

    name: str
    columns: Columns
    labels: Mapping[str, str]
    wording: Wording
    rows: Sequence[Row]
    test: Sequence[Row] = ()  # rows of a test file of one's own
    unlabelled: bool = False  # whether the rows have no labels

    @property
    def fields(self) -> dict[str, str]:
        """The task's fields, each with its column."""
        given = dict(zip(self.wording.given, self.columns.given, strict=True))
        return {**given, self.wording.text: self.columns.text}

    @property
    def lengths(self) -> list[int]:
        """Words of a written text: the 5th, 25th, 50th, 75th and 95th percentile."""
        words = [word_count(str(row[self.columns.text])) for row in self.rows]
        return [round(one) for one in np.percentile(words, [5, 25, 50, 75, 95])]

    def splits(self) -> dict[str, list[Row]]:
        """Return the rows of validation, and of test where there are enough to keep some aside.

        They are alike in their labels; what has one text, or one given text, stays on one side.
        Rows without labels are in neither: they are `unlabelled`.
        """
        if self.unlabelled:
            return {"unlabelled": list(self.rows)} | (
                {"test": list(self.test)} if self.test else {}
            )
        if self.test:
            return {"validation": list(self.rows), "test": list(self.test)}
        if len(self.rows) < SPLIT_FROM:
            return {"validation": list(self.rows)}
        key = self.columns.given or (self.columns.text,)
        groups = [tuple(same(str(row[name])) for name in key) for row in self.rows]
        strata = [label_text(row[self.columns.label]) if self.labels else "" for row in self.rows]
        parts = dealt(groups, strata, PARTS, SEED)
        test = sorted(place for part in parts[:TEST_PARTS] for place in part)
        kept = sorted(place for part in parts[TEST_PARTS:] for place in part)
        return {
            "validation": [self.rows[place] for place in kept],
            "test": [self.rows[place] for place in test],
        }

    def write(self, folder: Path) -> dict[str, Path]:
        """Write the YAML and the splits beside it; return their paths.

        Raises UserError where one of them is there already.
        """
        splits = self.splits()
        files = {role: folder / f"{self.name}.{role}.jsonl" for role in splits}
        paths = {"task": folder / f"{self.name}.yaml", **files}
        if there := next((path for path in paths.values() if path.exists()), None):
            raise UserError(f"{there} is there already: remove it, or choose another --name.")
        for role, rows in splits.items():
            write_jsonl(files[role], map(self._kept, rows))
        write_text(paths["task"], self.yaml(folder, splits))
        return paths

    def _kept(self, row: Row) -> dict[str, Any]:
        names = [*self.columns.given, self.columns.text, self.columns.label]
        found = {name: row[name] for name in names if name in row}
        if self.columns.questions and self.columns.label not in row:  # flat columns
            found |= {name: row[name] for name in ("answer", "answer_start")}
        return found

    def yaml(self, folder: Path, splits: Mapping[str, Sequence[Row]]) -> str:
        """Return the task's option file."""
        say = self.wording
        kind = "ExtractiveQA" if self.columns.questions else "Classification"
        lines = [f"# {self.name}: {say.about}. Made by `s3 new`; everything may be edited."]
        lines += ["defaults:", f"  - /schema/{kind}@_here_", "  - _self_", ""]
        lines.append(f"name: {_text(self.name)}")
        if say.given:
            lines.append(f"given: [{', '.join(map(_text, say.given))}] # kept")
        lines.append(f"written: {_text(say.text)} # what the LLM writes")
        if self.labels:
            lines.append("labels: # label: its word in the prompts")
            lines += [
                f"  {_text(one)}: {_text(one)}" for one in dict.fromkeys(self.labels.values())
            ]
        if self.unlabelled:
            file = _text(str(folder / f"{self.name}.unlabelled.jsonl"))
            lines += ["", f"unlabelled: {file} # with method.seed=labelled the LLM labels them"]
            lines += [f"contexts: {file} # what synthetic rows begin from"] * bool(say.given)
        lines += ["", *self._gold(folder, splits), "", f"system: {_text(say.system)}"]
        for name, texts in self.prompts().items():
            lines += [f"{name}:", *(f"  {style}: {_text(text)}" for style, text in texts.items())]
        low, quarter, half, upper, high = self.lengths
        if not say.given:
            lengths = list(dict.fromkeys(_text(str(max(one, 2))) for one in (quarter, half, upper)))
            lines += [
                f"styles: [{', '.join(STYLES)}]",
                f"lengths: [{', '.join(lengths)}] # words, as the rows have",
            ]
        lines += ["reply:", f"  tokens: {min(max(2 * high, 32), 400)}"]
        lines += [f"  min_words: {max(low // 2, 1)}", f"  max_words: {max(3 * high, 20)}"]
        if self.columns.questions:
            lines.append("  question: true # false for a language without question marks")
        return "\n".join(lines) + "\n"

    def _gold(self, folder: Path, splits: Mapping[str, Sequence[Row]]) -> list[str]:
        lines = ["gold:", "  source: files", "  files:", f"    path: {_text(str(folder))}"]
        roles = [role for role in splits if role != "unlabelled"]
        lines += [f"    {role}: {_text(f'{self.name}.{role}.jsonl')}" for role in roles]
        if self.unlabelled:
            lines.append("    validation: null # no row is labelled; a hundred would tell much")
        elif "test" not in splits:
            lines.append(
                "    test: null # too few rows to keep some aside: scores are cross-validated"
            )
        target = "answers" if self.columns.questions else "label"
        columns = {**self.fields, target: self.columns.label or target}
        differing = [f"{_text(k)}: {_text(v)}" for k, v in columns.items() if k != v]
        if differing:
            lines.append(f"    columns: {{ {', '.join(differing)} }} # field: column")
        if differing := [f"{_text(k)}: {_text(v)}" for k, v in self.labels.items() if k != v]:
            lines.append(f"    labels: {{ {', '.join(differing)} }} # value: label")
        if len(splits.get("validation", ())) > VALIDATION:
            lines.append(
                f"  validation_size: {VALIDATION} # of {len(splits['validation'])}; more give more "
                "errors to extrapolate, and cost more"
            )
        return lines

    def prompts(self) -> Prompts:
        """Return the prompts of the task's kind."""
        if self.columns.questions:
            return prompts_of_questions(self.wording)
        return (
            prompts_of_pairs(self.wording) if self.wording.given else prompts_of_texts(self.wording)
        )


def is_text(cell: Any) -> bool:
    """Say whether a cell holds a text, and something in it."""
    return isinstance(cell, str) and bool(cell.strip())


def labelled(rows: Sequence[Row], columns: Columns, values: Counter[str]) -> list[Row]:
    """Return the rows that have a label and texts; say how many have no text."""
    names = (*columns.given, columns.text)
    whole = [row for row in rows if all(is_text(row.get(name)) for name in names)]
    if len(whole) < len(rows):
        note("gold", f"{len(rows) - len(whole)} rows have no text and are left out")
    if columns.questions:
        return whole
    if not columns.label:
        return whole
    return [row for row in whole if label_text(row.get(columns.label)) in values]


def names_of(values: Counter[str], column: str, named: Mapping[str, str]) -> dict[str, str]:
    """Return the name of each label; `named` are those that were said.

    Labels that differ in case alone are one, called as most rows have it. Raises UserError for
    numbers without names, which say nothing to an LLM, but for stars, as for true and false; and
    for a name of a label that does not occur.
    """
    labels = sorted(values, key=lambda one: (len(one), one) if one.isdigit() else (0, one))
    if strange := next((one for one in named if one not in values), None):
        raise UserError(
            f"--label-names {strange}=...: no such label; there are {', '.join(labels)}."
        )
    numbers = [one for one in labels if re.fullmatch(r"[+-]?\d+(\.\d+)?|(?i:true|false)", one)]
    if "star" in column.casefold():
        named = {**{one: f"{one} star{'s' * (one != '1')}" for one in numbers}, **named}
    if bare := [one for one in numbers if one not in named]:
        example = ",".join(f"{one}=..." for one in bare[:8])
        raise UserError(
            f"the labels of {column!r} ({', '.join(bare[:8])}) say nothing to an LLM. Say what "
            f"they mean: --label-names {example}"
        )
    usual = {one.casefold(): one for one, _ in reversed(values.most_common())}
    for one in labels:
        if (other := usual[one.casefold()]) != one and one not in named:
            note("gold", f"the label {one!r} is read as {other!r}")
            named = {**named, one: named.get(other, other)}
    return {one: named.get(one, one) for one in labels}


def wording(columns: Columns, about: str, language: str) -> Wording:
    """Return the words of the prompts; fields are called as their columns where they can be."""
    text = field_name(columns.text, "question" if columns.questions else "text", sorted(TAKEN))
    instead = ["context", "second", "third"] if columns.questions else ["given", "second", "third"]
    given = [
        field_name(column, other, [*TAKEN, text.casefold()])
        for column, other in zip(columns.given, instead, strict=False)
    ]
    return Wording.of(about, columns.label or "label", language, text, given)


def _text(text: str) -> str:
    """Return a text as YAML has it: in double quotes unless it is a plain word."""
    plain = re.fullmatch(r"[A-Za-z_][\w-]*", text, re.ASCII)
    words = {"yes", "no", "on", "off", "true", "false", "null", "y", "n", "nan", "inf"}
    return text if plain and text.casefold() not in words else json.dumps(text, ensure_ascii=False)
