"""Compares a synthetic set with gold data, and gold data with themselves.

`docs/metrics.md` lists the metrics. Texts are the same that differ in case, spacing and
punctuation only (`s3/text.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from s3.audit.split import Copy, Key, Split
from s3.data.example import Example, plain_target
from s3.data.known import Known
from s3.errors import UserError
from s3.tasks.cleaning import asks_back, is_declined

if TYPE_CHECKING:
    from datasketch import MinHash

BLOCK = 1000  # rows that are compared at a time: bounds what is held beside them
ALONE = ("audit/duplicates", "audit/declined", "audit/asked_back")  # of the synthetic rows alone
ROWS = "audit/rows"
GOLD_CONTEXTS = "audit/gold_contexts"


@dataclass(kw_only=True)
class Audit:
    """How a synthetic set is compared with gold data.

    `near` is the Jaccard similarity of word pairs, 0.1 to 1, from which a text is a near copy;
    at 0.6, a sentence of ten words is near to itself with one word changed.
    """

    near: float = 0.6  # similarity from which a row is a near copy of a gold row
    allow_test_copies: bool = False  # true: go on where synthetic rows equal gold test rows

    def __post_init__(self) -> None:
        """Check the range."""
        if not 0.1 <= self.near <= 1:
            raise ValueError(f"near must be in 0.1..1, not {self.near}")


@dataclass
class Findings:
    """What an audit found: its metrics, and the copies one by one."""

    metrics: dict[str, float] = field(default_factory=dict)
    copies: list[dict[str, Any]] = field(default_factory=list)


class Auditor:
    """Compares synthetic rows with the splits of gold data; gold rows among them are left out."""

    def __init__(
        self,
        settings: Audit,
        gold: Mapping[str, Sequence[Example]],
        written: str,
        given: Sequence[str],
    ) -> None:
        self._settings, self._fields = settings, (written, *given)
        self._splits = {
            name: Split(examples, self._fields, settings.near) for name, examples in gold.items()
        }
        self._labels = {one.target for examples in gold.values() for one in examples}

    def check(self, train: Sequence[Example]) -> None:
        """Raise UserError where a synthetic row equals a test row, unless that is allowed."""
        if (test := self._splits.get("test")) is None:  # cross-validated
            return
        keys = (example.key(*self._fields) for example in synthetic(train))
        copied = [key for key in keys if key in test.rows]
        if copied and not self._settings.allow_test_copies:
            rows = sum(1 for _ in synthetic(train))
            raise UserError(
                f"{len(copied)} of {rows} synthetic rows equal gold test rows, so test scores "
                f"would mean little. The first equals {test.place(test.rows[copied[0]])}: "
                f"{copied[0][0][:80]!r}\n"
                "audit.allow_test_copies=true goes on all the same."
            )

    def measure(self, train: Iterable[Example]) -> Findings:
        """Return the audit of a round's data; without synthetic rows it is empty."""
        counts, labels = Counter[str](), Counter[str]()
        copies: dict[str, list[dict[str, Any]]] = {name: [] for name in self._splits}
        known, examples = Known(), synthetic(train)
        while block := list(islice(examples, BLOCK)):
            counts[ROWS] += len(block)
            labels.update(one.target for one in block if isinstance(one.target, str))
            self._count(block, known, counts, copies)
        if not counts:
            return Findings()
        rows = counts.pop(ROWS)
        alone = {name: counts.pop(name) for name in ALONE}
        metrics = {ROWS: rows, **alone, **self._balance(labels, rows), **counts}
        if GOLD_CONTEXTS in metrics:
            metrics[GOLD_CONTEXTS] /= rows
        return Findings(metrics, [copy for found in copies.values() for copy in found])

    def _count(
        self,
        block: list[Example],
        known: Known,
        counts: Counter[str],
        copies: dict[str, list[dict[str, Any]]],
    ) -> None:
        """Count what some rows repeat of those `known`, and of gold; list the copies by split."""
        rows = [example.key(*self._fields) for example in block]
        texts = [example.fields[self._fields[0]] for example in block]
        alone = (not known.add(row) for row in rows), map(is_declined, texts), map(asks_back, texts)
        counts.update({name: sum(each) for name, each in zip(ALONE, alone, strict=True)})
        counts.update(self._contexts(rows))
        sketched: dict[str, MinHash] = {}
        for name, split in self._splits.items():
            found = split.copies(rows, sketched)
            copies[name] += self._listed(name, block, found)
            kinds = Counter(copy.kind for copy in found if copy)
            kinds["same_text"] += kinds["same_row"]
            for kind in ("same_row", "same_text", "near_text"):
                counts[f"audit/{name}/{kind}"] += kinds[kind]

    def compare_gold(self) -> Findings:
        """Return which gold rows stand in two splits: what is chosen or trained on, and scored on.

        Rows are the same whose texts are, whatever their labels. `copies` has each such row, with
        both places and labels.
        """
        findings = Findings()
        for name, other in (("validation", "test"), ("train", "test"), ("train", "validation")):
            if name in self._splits and other in self._splits:
                found = self._in_common(name, other)
                metric = f"audit/gold/{name}_in_{other}"
                findings.metrics[metric] = len(found)
                differ = sum(row["label"] != row["gold_label"] for row in found)
                findings.metrics[f"{metric}_other_label"] = differ
                findings.copies += found
        return findings

    def _in_common(self, name: str, other: str) -> list[dict[str, Any]]:
        """Return the rows of one split that stand in another, with their labels in both."""
        mine, theirs = self._splits[name], self._splits[other]
        found = []
        for example in mine.examples:
            twin = theirs.rows.get(example.key(*self._fields))
            if twin is not None:
                found.append(
                    {
                        "id": example.id,
                        "text": example.fields[self._fields[0]],
                        "split": name,
                        "place": mine.place(example),
                        "label": plain_target(example.target),
                        "gold_split": other,
                        "gold": theirs.place(twin),
                        "gold_label": plain_target(twin.target),
                    }
                )
        return found

    def _balance(self, labels: Counter[str], rows: int) -> dict[str, float]:
        names = sorted(one for one in self._labels | set(labels) if isinstance(one, str) and one)
        return {f"audit/label/{name}": labels[name] / rows for name in names}

    def _contexts(self, rows: list[Key]) -> dict[str, int]:
        if len(self._fields) == 1:
            return {}
        splits = self._splits.values()
        gold = sum(any(row[1:] in split.contexts for split in splits) for row in rows)
        return {GOLD_CONTEXTS: gold} | {
            f"audit/{name}/same_context": sum(row[1:] in split.contexts for row in rows)
            for name, split in self._splits.items()
        }

    def _listed(
        self, name: str, examples: list[Example], found: list[Copy | None]
    ) -> Iterator[dict[str, Any]]:
        """Yield each example that repeats the split of this name, and how."""
        for example, copy in zip(examples, found, strict=True):
            if copy:
                text = example.fields[self._fields[0]]
                yield {"id": example.id, "text": text, "split": name, **copy._asdict()}


def synthetic(train: Iterable[Example]) -> Iterator[Example]:
    """Yield the rows that are not gold themselves."""
    return (example for example in train if example.origin.kind != "gold")
