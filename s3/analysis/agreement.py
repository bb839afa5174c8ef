"""How a test score changes with how far annotators agree: instance-level subjectivity.

After Li et al. (EMNLP 2023): of a row that K annotators labelled, the agreement is the share of
the label that most of them gave, a = max over labels of their count / K. A model is scored on the
test rows whose agreement is at least a threshold, and the threshold is raised.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from s3.analysis.comparison import Comparison
from s3.analysis.gold import placed_gold, task_of
from s3.analysis.groups import Group
from s3.analysis.intervals import Floats, contributions, estimate
from s3.data.files import Placed
from s3.data.gold import find_column
from s3.errors import UserError, did_you_mean
from s3.tasks import Task

FEWEST = 20  # test rows that a score is given of
EMPTY = (None, "")  # cells of annotators who did not see the row
Votes = dict[str, float]  # label -> how many annotators gave it
TENTHS = np.arange(10) / 10
Agreements = Callable[[Task, Sequence[Placed]], Floats]  # of gold rows, in their order


def agreements(rows: Sequence[Placed], columns: Sequence[str]) -> Floats:
    """Return the agreement of each row, in 0..1, from the columns that hold its annotations.

    Several columns hold a label each, an empty one none. A single one holds counts by label
    (`{"yes": 3, "no": 1}`), labels by annotator or in a list (where one gave several labels, a list
    of them, which share that vote), or the agreement itself (`0.75`, `75%`; of a band such as
    `66-74%` the lower end). In CSV, counts and lists are JSON. Raises UserError, with the row's
    place, for anything else.
    """
    return np.array([_agreement(placed, columns) for placed in rows])


def _agreement(placed: Placed, columns: Sequence[str]) -> float:
    cells = [_cell(placed, column) for column in columns]
    if len(cells) == 1 and (stated := _stated(cells[0])) is not None:
        return stated
    labels = [cell for cell in cells if cell not in EMPTY]
    counts = _counts(cells[0] if len(cells) == 1 else labels)
    if not counts or min(counts.values()) < 0 or not sum(counts.values()):
        raise UserError(
            f"{placed[0]}: no annotations in {', '.join(columns)}: {str(cells)[:80]}. A column "
            "holds counts by label, a list of labels or a share in 0..1, or several a label each."
        )
    return float(max(counts.values()) / sum(counts.values()))


def _cell(placed: Placed, column: str) -> Any:
    name = find_column(placed[1], column)
    if name is None:
        near = did_you_mean(column, placed[1])
        raise UserError(
            f"{placed[0]}: no column {column!r}; columns: {', '.join(placed[1])}.{near}"
        )
    cell = placed[1][name]
    if isinstance(cell, str) and cell.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(cell)
        except ValueError as error:
            raise UserError(f"{placed[0]}: column {name!r} is not valid JSON ({error}).") from None
    return cell


def _stated(cell: Any) -> float | None:
    """Return an agreement that a cell states, None where it states none."""
    found = re.fullmatch(r"\s*([\d.]+)\s*(?:[-–]\s*[\d.]+\s*)?(%?)\s*", str(cell))
    if not found:
        return None
    try:
        share = float(found[1]) / (100 if found[2] else 1)
    except ValueError:
        return None
    return share if 0 < share <= 1 else None


def _counts(cell: Any) -> Votes:
    """Return how much each label was given; an annotator who gave several is shared out."""
    if isinstance(cell, Mapping) and all(isinstance(one, int | float) for one in cell.values()):
        return {str(label): float(count) for label, count in cell.items()}
    votes = cell.values() if isinstance(cell, Mapping) else cell if isinstance(cell, list) else ()
    found: Votes = defaultdict(float)
    for vote in votes:
        given = vote if isinstance(vote, list) else [vote]
        for label in given:
            found[str(label)] += 1 / len(given)
    return found


def curves(found: Comparison, agreements_of: Agreements) -> list[dict[str, Any]]:
    """Return a row a group of runs and threshold: its score on the test rows at or above it.

    The thresholds are the tenths of the agreements that differ, the least first: all rows. `rows`
    and `share` say how many are left; below 20 none is scored. Intervals are those of a
    comparison: over seeds and test rows. `agreements_of` is asked once for each set of test rows.
    """
    known: dict[Any, Floats] = {}
    rows = []
    for one in found.groups:
        test = one.settings["test_rows"]
        if test not in known:
            known[test] = _of_group(one, agreements_of)
        settings = {name: one.settings.get(name) for name in found.names}
        rows += [{**settings, **point} for point in _points(one, known[test])]
    return rows


def _of_group(one: Group, agreements_of: Agreements) -> Floats:
    """Return the agreements of a group's test rows, in their order."""
    run = one.results[0].run
    placed = placed_gold(run, "test")
    task = task_of(run)
    if [task.read_gold(row).id for row in placed] != one.rows:
        raise UserError(f"{run.path}: its test predictions are not those of its gold test rows.")
    return agreements_of(task, placed)


def _points(one: Group, agreement: Floats) -> Iterator[dict[str, Any]]:
    for threshold in np.unique(np.quantile(agreement, TENTHS, method="lower")):
        left = np.flatnonzero(agreement >= threshold)
        if len(left) < FEWEST:
            return
        answers = [[result.answers[row] for row in left] for result in one.results]
        test = estimate(np.stack([contributions(one.metric, some) for some in answers]))
        yield {
            "metric": one.metric,
            "agreement": float(threshold),
            "rows": len(left),
            "share": len(left) / len(agreement),
            "seeds": len(one.seeds),
            "test": test.mean,
            "test_low": max(test.low, 0.0),
            "test_high": min(test.high, 1.0),
        }


def cells(rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the curves as text, shares and scores in per cent, the headings first."""
    shown = ("agreement", "rows", "share", "test")
    names = [name for name in rows[0] if name not in (*shown, "test_low", "test_high")]
    return [
        [*names, "agreement at least", "rows left", "% left", "test", "95 %"],
        *(
            [
                *("" if row[name] is None else str(row[name]) for name in names),
                f"{row['agreement']:.2f}",
                str(row["rows"]),
                f"{100 * row['share']:.0f}",
                f"{100 * row['test']:.1f}",
                f"{100 * row['test_low']:.1f} to {100 * row['test_high']:.1f}",
            ]
            for row in rows
        ),
    ]
