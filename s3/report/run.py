"""The page of one run: what it was, whether it helped, its scores, its data, its extrapolations."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from s3.data.example import said
from s3.errors import UserError, first_line
from s3.metrics import NORMAL_95
from s3.overrides import written
from s3.report.findings import (
    beside,
    confusions,
    counts,
    epochs_chart,
    label_balance,
    lengths,
    reliability_chart,
    scores_chart,
    sure_of_itself,
)
from s3.report.maps import run_map
from s3.report.page import write_page
from s3.report.pairs import grown, texts
from s3.runs.folder import REPORT, RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.listeners.remarks import gain, remarks
from s3.runs.listeners.table import cells
from s3.runs.reading import Run
from s3.runs.significance import difference, score
from s3.secrets import hidden

ENCODED = "analysis/encodings"  # in a run's folder, once its texts are encoded
MOST_PAIRS, MOST_COPIES = 1000, 50  # that a page shows
MOST_GROWN = 10  # extrapolations of an error that it shows: with more no browser opens large runs


class Page(Listener):
    """Leaves a run's page in its folder at the run's end."""

    name = REPORT

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._path = run.path

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Write the page."""
        write_report(Run.open(self._path), new_map=False)


def write_report(run: Run, *, new_map: bool = True) -> Path:
    """Write the page of a run into its folder and return its path.

    What cannot be read, of an older or damaged run, is left out and named on the page. Without
    `new_map` there is a map only where texts have been encoded before: encoding them takes seconds.
    """
    missing: list[str] = []
    with_map = new_map or (run.path / ENCODED).exists()
    try:
        shown = content(run, missing, with_map)
        about_it = {"title": run.name, "folder": str(run.path), "missing": missing}
        return write_page(run.path / REPORT, "run.html", **about_it, **shown)
    except OSError as error:
        raise UserError(f"{error}: the page cannot be written.") from None


def content(run: Run, missing: list[str], with_map: bool) -> dict[str, Any]:
    """Return what the template shows; what cannot be read is said in `missing`."""

    def read(name: str, of: Callable[[], Any], without: Any = None) -> Any:
        try:
            return of()
        except (UserError, KeyError, ValueError) as error:
            missing.append(f"Without {name}: {first_line(error)}")
            return without

    pairs = read("errors", lambda: grown(run))
    copies = read("the audit's copies", lambda: run.rounds[-1].copies)
    said_first = read("a verdict", lambda: verdict(run), "")
    return {
        "verdict": said_first,
        "about": read("what it took", lambda: dict(about(run)), {}),
        "command": read("the command", lambda: command(run), ""),
        "options": options(run),
        "chart": read("scores by round", lambda: scores_chart(run)),
        "reliability": read("how sure it is", lambda: reliability_chart(run)),
        "sure": read("its calibration", lambda: sure_of_itself(run), ""),
        "epochs": read("epochs", lambda: epochs_chart(run)),
        "map": read("a map", lambda: run_map(run)) if with_map else None,
        "rounds": read("the table of rounds", lambda: cells(run, "±")),
        "remarks": read("remarks", lambda: [r for r in remarks(run) if r not in said_first], []),
        "confusions": read("confusions", lambda: confusions(run), []),
        "tables": {
            "Labels": read("labels", lambda: label_balance(run)),
            "Lengths in words": read("lengths", lambda: lengths(run)),
            "Counts, named as in docs/metrics.md": read("counts", lambda: counts(run)),
        },
        "copies": copies and copies[:MOST_COPIES],
        "copies_left": max(len(copies or ()) - MOST_COPIES, 0),
        "pairs": pairs and pairs[:MOST_PAIRS],
        "most_grown": MOST_GROWN,
        "pairs_left": max(len(pairs or ()) - MOST_PAIRS, 0),
        "written": run.config["task"].get("written", "text"),
        "said": said,
        "texts": texts,
    }


def verdict(run: Run) -> str:
    """Return what ships, how good it is beside gold alone, and whether the rounds helped."""
    metric, best = run.summary["metric"], run.best
    with_gold = not run.ships_round
    rows = run.shipped_predictions("test")
    shipped = f"the model of gold validation and round {best.index}'s data together" if with_gold \
        else f"the model of round {best.index}"  # fmt: skip
    if not rows:
        return f"{shipped.capitalize()} ships. No row is labelled: nothing is known of real texts."
    reached = score(metric, rows)
    half = 100 * NORMAL_95 * reached.error
    line = (
        f"{shipped.capitalize()} ships: {metric.replace('_', '-')} {100 * reached.value:.1f} on "
        f"test, ± {half:.1f} (95 %)"
    )
    if alone := beside(run, "gold"):
        gained = difference(metric, rows, alone)
        points = f"{100 * abs(gained.value):.1f} points {'above' if gained.value > 0 else 'below'}"
        line += (
            f", {points if gained.value else 'level with'} the same small model on gold validation "
            f"alone: {'beyond' if gained.beyond_chance else 'within'} chance"
        )
    return f"{line}. {gain(run)}" if len(run.rounds) > 1 else f"{line}."


def about(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run was and took, each with its name."""
    yield from run.chosen.items()
    if model := run.config.get("llm", {}).get("model"):
        yield "LLM's model", str(model)
    yield "seed", str(run.summary.get("seed", ""))
    rows = run.summary["rounds"]
    yield "rounds", str(len(rows))
    yield "examples", f"{rows[-1]['data/size']:.0f}"
    yield "tokens", f"{sum(row.get('llm/tokens', 0) for row in rows):.0f}"
    unknown = any(row.get("llm/unpriced") for row in rows)
    cost = sum(row.get("llm/cost", 0) for row in rows)
    yield "cost", "unknown" if unknown else f"${cost:.4f}"
    times = (value for row in rows for name, value in row.items() if name.startswith("seconds/"))
    yield "seconds", f"{sum(times):.0f}"
    if run.failures:
        yield "prompts without a completion", str(len(run.failures))


def options(run: Run) -> Mapping[str, str]:
    """Return the options that differ from their defaults."""
    return {name: hidden(written(value)) for name, value in run.summary.get("options", {}).items()}


def command(run: Run) -> str:
    """Return a command that composes this run again."""
    seed = {"seed": str(run.summary.get("seed", 0))}
    given = {**run.chosen, **seed, **options(run)}
    return " ".join(["s3 run", *(shlex.quote(f"{n}={v}") for n, v in given.items())])
