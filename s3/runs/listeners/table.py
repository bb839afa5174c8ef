"""The table of rounds that a run ends with, and that a finished run shows when asked again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from s3.data.example import Example, Mistake
from s3.runs.doubts import doubts
from s3.runs.folder import REPORT, RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.listeners.remarks import compared, remarks
from s3.runs.reading import FinishedRound, Run
from s3.runs.significance import score
from s3.student.heads.classification import UNBALANCED
from s3.text import sanitised

# What a score's column is called; those come that a run has.
NAMES = {"accuracy": "", "macro_f1": " F1", "em": " EM", "f1": " F1"}
SPLITS = {"train": "train", "validation": "val.", "test": "test"}
# Trainings on gold validation that stand beside the rounds, each with what its row is called.
BESIDE = {"gold": "gold", "with_gold": "with gold"}
PAIRS = 3  # errors that are shown with what grew from them


class Table(Listener):
    """Prints the rounds when the run has finished."""

    name = "table"

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._path = run.path

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Print the table."""
        show(Run.open(self._path))


def show(run: Run) -> None:
    """Print a finished run's rounds, what can be said of them, and where its things are."""
    from rich.console import Console

    console = Console()
    sign = "+-" if console.options.ascii_only else "±"
    console.print(grid(run, sign))
    error = [f"What follows {sign} is the standard error over the test rows."] * run.tested
    for line in (*remarks(run), *error, *pairs(run, console.width)):
        # Whatever a text holds, a terminal that cannot show it is no reason to fail.
        print(line.encode(console.encoding, "replace").decode(console.encoding))
    places = {"folder": run.path, "data": run.path / "data", "model": run.model}
    if (page := run.path / REPORT).exists():
        places["report"] = page
    for what, where in {**places, "W&B": run.tracked}.items():
        if str(where):
            print(f"{what:8} {where}")


def grid(run: Run, sign: str) -> Any:
    """Return the table for a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    names, *rows = cells(run, sign)
    gap = int(len(names) < 11)  # 80 cells are enough for all
    headings = (name.replace(" ", "\n") for name in names)
    table = Grid(*headings, box=SIMPLE_HEAD, show_edge=False, padding=(0, gap, 0, 0))
    for row in rows:
        table.add_row(*row)
    return table


def cells(run: Run, sign: str) -> list[list[str]]:
    """Return the table: headings, a row a round, and one for each training on gold validation.

    `sign` stands before a score's standard error.
    """
    rows, best = run.summary["rounds"], run.summary["best_round"]
    columns = score_columns(run)
    found = [["round", "data", "added", "errors left", *columns.values(), "tokens", "cost $"]]
    for round_, row in zip(run.rounds, rows, strict=True):
        marks = " *" * (run.ships_round and round_.index == best) + " !" * bool(doubts(round_))
        counts = [f"{row[name]:.0f}" for name in ("data/size", "data/added", "mistakes")]
        answers = round_.predictions("test")
        scores = [percent(name, row[name], answers, sign) for name in columns]
        cost = "unknown" if row.get("llm/unpriced") else f"{row['llm/cost']:.4f}"
        spent = [f"{row['llm/tokens']:.0f}", cost]
        found.append([f"{round_.index}{marks}", *counts, *scores, *spent])
    for name, heading in BESIDE.items():
        if row := run.summary.get(name):
            test = run.beside(name)
            scores = [percent(one, row[one], test, sign) if one in row else "" for one in columns]
            marks = " *" * (run.summary.get("ships") == name)
            found.append([heading + marks, f"{row['size']:.0f}", "", "", *scores, "", ""])
    if "test/majority" in rows[0]:
        scores = [majority(name, run) for name in columns]
        found.append(["majority", "", "", "", *scores, "", ""])
    return found


def majority(name: str, run: Run) -> str:
    """Return what always giving a split's most frequent label scores there, in percent."""
    split, _, metric = name.partition("/")
    if split == "train":
        return ""
    labels = [str(row["target"]) for row in run.rounds[0].predictions(split)]
    often = Counter(labels).most_common(1)[0][0]
    rows = [{"target": label, "predicted": often} for label in labels]
    return f"{100 * score(metric, rows).value:.1f}"


def percent(name: str, value: float, test: list[dict[str, Any]], sign: str) -> str:
    """Return a score in percent; one on test with its standard error over these answers."""
    split, _, metric = name.partition("/")
    error = f"{sign}{100 * score(metric, test).error:.1f}" if split == "test" else ""
    return f"{100 * value:.1f}{error}"


def pairs(run: Run, width: int) -> Iterator[str]:
    """Yield some errors, each with what the LLM made of it, a line of at most `width` each."""
    written = run.config["task"].get("written", "text")
    shown: set[str] = set()
    for round_ in (compared(run), *run.rounds):
        for mistake, made in extrapolations(round_):
            error = mistake.example
            source = error.origin.source
            if source in shown or len(shown) == PAIRS:
                continue
            if not shown:
                yield "Errors -> what the LLM made of them:"
            shown.add(source)
            label = f"{error.target}: " if isinstance(error.target, str) else ""
            yield one_line("   ", label + error.fields[written], width)
            yield one_line("-> ", made.fields[written], width)


def extrapolations(round_: FinishedRound) -> Iterator[tuple[Mistake, Example]]:
    """Yield the additions of a round that grew from errors of the one before, behind these."""
    before = FinishedRound(round_.run, round_.index - 1).mistakes if round_.index else []
    errors = {mistake.example.origin.source: mistake for mistake in before}
    for made in round_.added:
        if made.origin.kind == "extrapolation" and made.origin.source in errors:
            yield errors[made.origin.source], made


def one_line(start: str, text: str, width: int) -> str:
    """Return a text without what a terminal would obey, cut to a width in its cells."""
    from rich.cells import cell_len, set_cell_size

    line = start + " ".join(sanitised(text).split())
    return line if cell_len(line) <= width else set_cell_size(line, width - 3).rstrip() + "..."


def score_columns(run: Run) -> dict[str, str]:
    """Return the scores that have a column, each with its heading.

    Macro-F1 has one where it chooses, and where one label is more frequent than the others are.
    """
    row = run.summary["rounds"][0]
    labels = len(run.config["task"].get("labels") or ()) or 2
    unbalanced = row.get("validation/majority", 0) * labels > UNBALANCED
    with_f1 = unbalanced or run.summary["metric"] == "macro_f1"
    shown = [name for name in NAMES if name != "macro_f1" or with_f1]
    names = {
        f"{split}/{name}": heading + NAMES[name]
        for split, heading in SPLITS.items()
        for name in shown
    }
    return {
        name: heading
        for name, heading in names.items()
        if name in row and not name.startswith(("train/macro", "train/em", "train/f1"))
    }
