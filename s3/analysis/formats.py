"""A comparison as a table, as Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from s3.analysis import real_rows
from s3.analysis.comparison import Comparison, Difference
from s3.analysis.groups import Group
from s3.storage import digest

Cells = list[list[str]]  # the headings, then a row a group
Record = Mapping[str, Any]

WIDE = 300  # cells of a line where there is no terminal to fit into
NONE: set[str] = set()
LONGEST = 24  # characters of a setting's value that are shown


def records(found: Comparison) -> list[dict[str, Any]]:
    """Return a row a group, with numbers as they are: scores in 0..1, whole runs' costs.

    The columns are those of `docs/compare.md`; what is not known is None.
    """
    return [_record(found, place, one) for place, one in enumerate(found.groups)]


def _record(found: Comparison, place: int, one: Group) -> dict[str, Any]:
    several = len(one.seeds) > 1
    row: dict[str, Any] = {name: one.settings.get(name) for name in found.names}
    row |= {
        "seeds": len(one.seeds),
        "data": one.mean("data/size"),
        "rounds": _mean_rounds(one),
        "metric": one.metric,
        "validation": one.mean(f"validation/{one.metric}"),
        "test": one.test.mean,
        "test_sd": one.test.deviation if several else None,
        "test_low": max(one.test.low, 0.0),
        "test_high": min(one.test.high, 1.0),
        "tokens": one.spent("llm/tokens"),
        "cost": one.spent("llm/cost"),
        "seconds": one.spent("seconds/"),
    }
    if found.against:
        row |= _difference(found, found.differences.get(place))
    return row


def _mean_rounds(one: Group) -> float | None:
    numbers = [len(result.run.rounds) for result in one.results if result.round]
    return sum(numbers) / len(numbers) if numbers else None


def _difference(found: Comparison, held: Difference | None) -> dict[str, Any]:
    names = ("against", "pairs", "gain", "gain_low", "gain_high", "better", "p_value")
    if held is None:
        return dict.fromkeys(names)
    gain = held.estimate
    values = (
        found.label(held.against), gain.seeds, gain.mean, gain.low, gain.high, gain.above_zero,
        held.p_value,
    )  # fmt: skip
    return dict(zip(names, values, strict=True))


def cells(found: Comparison) -> Cells:
    """Return the table as text, scores in per cent, with its headings first."""
    rows = records(found)
    shown = {**COLUMNS, **(GAINS if found.against else {})}
    if len({row["metric"] for row in rows}) == 1:
        shown.pop("metric")
    return [
        [*found.names, *shown],
        *(
            [*(_setting(row[name]) for name in found.names), *(of(row) for of in shown.values())]
            for row in rows
        ),
    ]


def _setting(value: Any) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 8]}..{digest(text)[:6]}"


def _number(value: float | None, digits: int = 0) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _percent(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{100 * value:{sign}.1f}"


def _interval(row: Record, name: str, sign: str) -> str:
    if row[name] is None:
        return ""
    return f"{_percent(row[f'{name}_low'], sign)} to {_percent(row[f'{name}_high'], sign)}"


def _cost(row: Record) -> str:
    unknown = row["tokens"] and row["cost"] is None
    return "unknown" if unknown else _number(row["cost"], 4)


COLUMNS: Mapping[str, Callable[[Record], str]] = {
    "seeds": lambda row: _number(row["seeds"]),
    "data": lambda row: _number(row["data"]),
    "rounds": lambda row: _number(row["rounds"]),
    "metric": lambda row: str(row["metric"]),
    "val.": lambda row: _percent(row["validation"]),
    "test": lambda row: _percent(row["test"]),
    "sd": lambda row: _percent(row["test_sd"]),
    "95 %": lambda row: _interval(row, "test", ""),
    "tokens": lambda row: _number(row["tokens"]),
    "cost $": _cost,
    "seconds": lambda row: _number(row["seconds"]),
}
GAINS: Mapping[str, Callable[[Record], str]] = {
    "pairs": lambda row: _number(row["pairs"]),
    "gain": lambda row: _percent(row["gain"], "+"),
    "gain 95 %": lambda row: _interval(row, "gain", "+"),
    "P(better)": lambda row: _number(row["better"], 3),
    "p": lambda row: _number(row["p_value"], 3),
}


def legend(found: Comparison) -> list[str]:
    """Return what the columns of the table say, and what must be known beside it."""
    metrics = " or ".join(sorted({one.metric.replace("_", "-") for one in found.groups}))
    lines = [f"test: {metrics} in per cent, mean and sd over seeds; 95 % over seeds and test rows."]
    if any(len(one.seeds) == 1 for one in found.groups):
        lines.append(
            "One seed alone: its interval is over test rows and knows nothing of other seeds."
        )
    if held := sorted({found.label(one.against) for one in found.differences.values()}):
        lines.append(f"gain: points above {' or '.join(held)}, paired by seed and test row.")
    return [*lines, *found.notes, *real_rows.said(found)]


def markdown(found: Comparison) -> str:
    """Return a table in Markdown; columns of numbers are flush right."""
    return markdown_table(cells(found), found.names)


def markdown_table(table: Cells, texts: Sequence[str]) -> str:
    """Return a table in Markdown; the columns that are not named as texts are flush right."""
    head, *rows = [[cell.replace("|", "\\|") for cell in row] for row in table]
    marks = ["---" if name in texts else "---:" for name in table[0]]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))


def latex(found: Comparison) -> str:
    """Return a LaTeX tabular; it needs the package booktabs."""
    head, *rows = [[_escaped(cell) for cell in row] for row in cells(found)]
    aligned = "".join("l" if name in found.names else "r" for name in cells(found)[0])
    lines = [f"\\begin{{tabular}}{{{aligned}}}", "\\toprule", _latex_row(head), "\\midrule"]
    lines += [*map(_latex_row, rows), "\\bottomrule", "\\end{tabular}"]
    return "\n".join(lines) + "\n"


def _latex_row(row: Sequence[str]) -> str:
    return " & ".join(row) + r" \\"


LATEX = {**{one: f"\\{one}" for one in "&%$#_{}"}, "~": r"\textasciitilde{}"}
LATEX |= {
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def _escaped(text: str) -> str:
    return "".join(LATEX.get(one, one) for one in text)


def as_csv(found: Comparison) -> str:
    """Return the records as CSV."""
    return csv_text(records(found))


def csv_text(rows: Sequence[Record]) -> str:
    """Return rows as CSV; a column that a row lacks is empty there."""
    out = io.StringIO()
    names = dict.fromkeys(name for row in rows for name in row)
    writer = csv.DictWriter(out, list(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json(found: Comparison) -> str:
    """Return the records as JSON, with the notes."""
    return json_text({"groups": records(found), "notes": found.notes})


def json_text(content: Any) -> str:
    """Return content as JSON, null for what is not a number."""
    return json.dumps(_finite(content), indent=2, ensure_ascii=False, default=str) + "\n"


def _finite(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _finite(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_finite(value) for value in content]
    return None if isinstance(content, float) and content != content else content


def show(found: Comparison) -> None:
    """Print a comparison as a table, with what is to be said of it."""
    head, *rows = cells(found)
    print_table(head, rows, numbers=set(head) - set(found.names))
    for line in legend(found):
        print(line)


def print_table(
    head: Sequence[str], rows: Sequence[Sequence[str]], numbers: set[str] = NONE
) -> None:
    """Print a table as wide as the terminal, or as wide as it is where there is none."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=max(console.width, WIDE))
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for name in head:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)


TEXTS: Mapping[str, Callable[[Comparison], str]] = {
    "markdown": markdown,
    "latex": latex,
    "csv": as_csv,
    "json": as_json,
}
