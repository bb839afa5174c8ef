"""The page of one run: what it was, whether it helped, its scores, its data, its extrapolations."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from s3.errors import UserError
from s3.report.findings import confusions, counts, label_balance, lengths, scores_chart
from s3.report.page import write_page
from s3.report.pairs import grown, said, texts
from s3.runs.folder import REPORT, RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.listeners.table import cells, gain, remarks
from s3.runs.reading import Run
from s3.secrets import hidden

PARTS = ("task", "method", "llm", "model", "preset")  # groups of options that make a run
MOST_PAIRS, MOST_COPIES = 1000, 50  # that a page shows
PLAIN = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:%+@")


class Page(Listener):
    """Leaves a run's page in its folder at the run's end."""

    name = REPORT

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._path = run.path

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Write the page."""
        write_report(Run.open(self._path))


def write_report(run: Run) -> Path:
    """Write the page of a run into its folder and return its path."""
    pairs = grown(run)
    last = run.rounds[-1]
    try:
        return write_page(
            run.path / REPORT,
            "run.html",
            title=run.name,
            verdict=verdict(run),
            about=dict(about(run)),
            command=command(run),
            options=options(run),
            chart=scores_chart(run),
            rounds=cells(run, "±"),
            remarks=[one for one in remarks(run) if one != verdict(run)],
            confusions=confusions(run),
            tables={
                "Labels": label_balance(run),
                "Lengths in words": lengths(run),
                "Counts, named as in docs/metrics.md": counts(run),
            },
            copies=last.copies[:MOST_COPIES],
            copies_left=max(len(last.copies) - MOST_COPIES, 0),
            pairs=pairs[:MOST_PAIRS],
            pairs_left=max(len(pairs) - MOST_PAIRS, 0),
            written=run.config["task"].get("written", "text"),
            said=said,
            texts=texts,
        )
    except OSError as error:
        raise UserError(f"{error}: the page cannot be written.") from None


def verdict(run: Run) -> str:
    """Return in a sentence whether the rounds helped; of a run of one round, which model ships."""
    return gain(run) if len(run.rounds) > 1 else next(remarks(run)).removeprefix("* ")


def chosen(run: Run) -> dict[str, str]:
    """Return the option chosen for each group."""
    choices = run.config.get("choices", {})
    return {name: choices[name] for name in PARTS if choices.get(name)}


def about(run: Run) -> Iterator[tuple[str, str]]:
    """Yield what a run was and took, each with its name."""
    yield from chosen(run).items()
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
    return {name: hidden(plain(value)) for name, value in run.summary.get("options", {}).items()}


def command(run: Run) -> str:
    """Return a command that composes this run again."""
    seed = {"seed": str(run.summary.get("seed", 0))}
    given = {**chosen(run), **seed, **options(run)}
    return " ".join(["python run.py", *(shlex.quote(f"{n}={v}") for n, v in given.items())])


def plain(value: Any) -> str:
    """Return a value as Hydra's command line takes it."""
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if value and set(value) <= PLAIN and value not in ("null", "true", "false"):
        return value
    # Hydra reads backslashes in front of a quotation mark in pairs, any others as they are.
    escaped = re.sub(r"(\\+)('|$)", r"\1\1\2", value).replace("'", r"\'")
    return f"'{escaped}'"
