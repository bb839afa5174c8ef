"""Which columns of a file are the texts, the given texts and the label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from s3.data.files import Row
from s3.data.gold import find_column
from s3.errors import UserError, did_you_mean
from s3.progress import note
from s3.text import word_count

LABELS = ("label", "labels", "class", "category", "target", "sentiment", "topic", "intent", "stars")
# (given, written) of well-known sets of pairs.
PAIRS = (
    ("premise", "hypothesis"), ("sentence1", "sentence2"), ("text1", "text2"),
    ("text_a", "text_b"), ("paragraph", "question"), ("passage", "question"),
)  # fmt: skip
MOST_LABELS = 50  # values of a column that may still be labels
LOOKED_AT = 500  # rows by which columns are judged
TEXT_WORDS = 3  # of a column's mean cell, from which it may be what is classified

Ask = Callable[[str, Sequence[str]], str | None]  # question, answers; None: nobody is there


@dataclass(frozen=True)
class Columns:
    """The columns of a task: `label` is that of the answers where `questions`.

    It is empty of texts without labels.
    """

    text: str
    label: str
    given: tuple[str, ...] = ()
    questions: bool = False  # answers are spans of the given text
    guessed: tuple[str, ...] = field(default=(), compare=False)


def columns_of(
    rows: Sequence[Row],
    text: str | None,
    label: str | None,
    given: Sequence[str],
    ask: Ask,
    *,
    labelled: bool = True,
) -> Columns:
    """Return the columns that are named, and a guess for the others.

    Where several are as likely, `ask` chooses. Raises UserError, naming the option, where nobody
    answers, and for a column that is not there. There is no label unless the rows are `labelled`.
    """
    names = list(dict.fromkeys(name for row in rows[:LOOKED_AT] for name in row if name.strip()))
    text, label = (name and _there(names, name) for name in (text, label))
    given = tuple(_there(names, name) for name in given)
    if not labelled:
        label = ""
    elif is_questions(rows[0]) and not (label and label != "answers"):
        found = given or ("context",)
        return Columns(text or "question", label or "answers", found, True, ("questions",))
    guessed = []
    if label is None:
        label = _chosen("label", label_columns(rows, names, {text, *given}), names, ask)
        guessed.append("label")
    if text is None:
        pair = _pair(names)
        if pair and not given:
            given, text = (pair[0],), pair[1]
        else:
            text = _chosen("text", text_columns(rows, names, {label, *given}), names, ask)
        guessed.append("text")
    if len({text, label, *given}) < 2 + len(given):
        raise UserError(f"--text, --label and --given name the same column ({text}, {label}).")
    if word_count(text) >= TEXT_WORDS and label in {label_text(row.get(label)) for row in rows}:
        raise UserError(
            f"the first row seems to be no header: {label!r} is a label of other rows, too. Put "
            "the columns' names in front of it: text,label"
        )
    return Columns(text, label, given, False, tuple(guessed))


def is_questions(row: Row) -> bool:
    """Say whether a row is of SQuAD's form: a context, a question, answers that are spans."""
    return {"context", "question"} <= set(row) and ("answers" in row or "answer_start" in row)


def label_columns(rows: Sequence[Row], names: Sequence[str], taken: set[str | None]) -> list[str]:
    """Return the columns that may hold labels; if one has a usual name for that, it alone."""
    found = []
    for name in names:
        values = Counter(str(row.get(name)).strip() for row in rows)
        few = 2 <= len(values) <= min(MOST_LABELS, max(2, len(rows) // 3))
        if name not in taken and few and _words(rows, name) < 2 * TEXT_WORDS:
            found.append(name)
    usual = [name for word in LABELS for name in found if name.strip().casefold() == word]
    return usual[:1] or found


def text_columns(rows: Sequence[Row], names: Sequence[str], taken: set[str | None]) -> list[str]:
    """Return the columns that may hold the text; one that is twice as long as the others alone."""
    words = {name: _words(rows, name) for name in names if name not in taken}
    long = sorted((n for n, mean in words.items() if mean >= TEXT_WORDS), key=words.__getitem__)
    if len(long) > 1 and words[long[-1]] >= 2 * words[long[-2]]:
        return long[-1:]
    return long


def _words(rows: Sequence[Row], name: str) -> float:
    cells = [row.get(name) for row in rows[:LOOKED_AT]]
    texts = [cell for cell in cells if isinstance(cell, str)]
    return sum(map(word_count, texts)) / max(len(cells), 1)


def _pair(names: Sequence[str]) -> tuple[str, str] | None:
    lower = {name.strip().casefold(): name for name in names}
    return next(((lower[a], lower[b]) for a, b in PAIRS if a in lower and b in lower), None)


def _there(names: Sequence[str], wanted: str) -> str:
    found = find_column(dict.fromkeys(names), wanted)
    if found is None:
        columns = ", ".join(names)
        raise UserError(f"no column {wanted!r}; columns: {columns}." + did_you_mean(wanted, names))
    return found


def _chosen(option: str, likely: Sequence[str], names: Sequence[str], ask: Ask) -> str:
    if len(likely) == 1:
        return likely[0]
    answer = ask(f"Which column holds the {option}", likely or names)
    if answer is None:
        which = f"it may be {' or '.join(likely)}" if likely else f"columns: {', '.join(names)}"
        raise UserError(f"which column holds the {option}? {which}. Say --{option} COLUMN.")
    return _there(names, answer)


def field_name(column: str, instead: str, taken: Sequence[str]) -> str:
    """Return a field's name: the column's where prompts can have it as a variable."""
    fits = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", column) and column.casefold() not in taken
    return column if fits else instead


def label_values(rows: Sequence[Row], column: str) -> Counter[str]:
    """Return how often each label occurs. Raises UserError where these can be no labels."""
    if strange := next((row for row in rows if isinstance(row.get(column), list | dict)), None):
        raise UserError(
            f"the column {column!r} holds {strange[column]!r}: a label is a word or a number. "
            "Several labels for one text are no task that can be learnt here."
        )
    values = Counter(label_text(row.get(column)) for row in rows)
    empty = values.pop("", 0)
    if len(values) < 2:
        only = f"{next(iter(values), 'nothing')!r} alone"
        raise UserError(f"the column {column!r} holds {only}: a task needs two labels or more.")
    if len(values) > MOST_LABELS:
        raise UserError(
            f"the column {column!r} has {len(values)} different values, which are no labels "
            f"(at most {MOST_LABELS}). Say another one: --label COLUMN."
        )
    if empty:
        note("gold", f"{empty} rows have no label and are left out")
    for label in (label for label, count in values.items() if count == 1 and len(rows) >= 20):
        near = did_you_mean(label, [other for other in values if other != label])
        note("gold", f"one row alone has the label {label!r}.{near}")
    return values


def label_text(value: Any) -> str:
    """Return a label as a text; empty where there is none."""
    if value is None or value != value:  # NaN
        return ""
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", str(value).strip())
