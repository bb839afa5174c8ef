"""Cards: `README.md` beside a run's model and beside its data, in the hub's format.

A card says what a thing is for, how it was made, what of gold was used, how good it is and where it
ends. No text that an LLM wrote is in one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.report.findings import confusions
from s3.report.page import TEMPLATES
from s3.report.run import about, command, verdict
from s3.runs import folder as layout
from s3.runs.folder import RunFolder
from s3.runs.listeners.base import Listener
from s3.runs.listeners.table import cells
from s3.runs.reading import Run
from s3.secrets import hidden
from s3.storage import write_text
from s3.text import sanitised

if TYPE_CHECKING:
    from jinja2 import Environment

CARD = "README.md"
# Hub names and licences of what the project fetches itself; of all else they are not known here.
KNOWN = {
    "all-MiniLM-L6-v2": ("sentence-transformers/all-MiniLM-L6-v2", "apache-2.0"),
    "bert-base-uncased": ("google-bert/bert-base-uncased", "apache-2.0"),
    "distilbert-base-uncased": ("distilbert/distilbert-base-uncased", "apache-2.0"),
    "roberta-base": ("FacebookAI/roberta-base", "mit"),
    "SmolLM2-135M-Instruct": ("HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0"),
}
EMBEDDED = "SmolLM2-135M-Instruct"  # the model of `llm=smollm2`, which names none
TASKS = {True: "text-classification", False: "question-answering"}
ABROAD = re.compile(r"^(['\"]?)(?:~|[A-Za-z]:)?[/\\](?:.*[/\\])?")  # folders before a file's name


class Cards(Listener):
    """Leaves both cards in a run's folder at its end."""

    name = "cards"

    def started(self, run: RunFolder, config: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        """Keep the folder."""
        self._path = run.path

    def finished(self, summary: Mapping[str, Any]) -> None:
        """Write the cards."""
        write_cards(Run.open(self._path))


def write_cards(run: Run) -> list[Path]:
    """Write the cards of a finished run's model and data; return their paths."""
    shown = content(run)
    pages = {
        run.model / CARD: ("model_card.md", model_metadata(run)),
        (run.path / layout.DATA).parent / CARD: ("data_card.md", data_metadata(run)),
    }
    for path, (template, metadata) in pages.items():
        text = _environment().get_template(template).render(shown)
        write_text(path, f"---\n{metadata}\n---\n\n{text}")
    return list(pages)


def model_metadata(run: Run) -> str:
    """Return the metadata of the model's card as YAML: its task, its score, its base."""
    from huggingface_hub import EvalResult, ModelCardData

    metric, task = run.summary["metric"], TASKS[classifies(run)]
    test = run.shipped_predictions("test")
    row = run.best.row if run.ships_round else run.summary["with_gold"]
    results = [EvalResult(
        task_type=task, dataset_type=run.summary["task"], dataset_name=run.summary["task"],
        dataset_split=f"test, {len(test)} rows", metric_type=metric, metric_name=metric,
        metric_value=round(row[f"test/{metric}"], 4),
    )] if test else None  # fmt: skip
    base = KNOWN.get(run.config["model"].get("name", ""), (None,))[0]
    data = ModelCardData(
        model_name=run.name, base_model=base, pipeline_tag=task,
        library_name="transformers", metrics=[metric], eval_results=results,
        tags=["synthetic-data", "s3"],
    )  # fmt: skip
    return str(data.to_yaml())


def data_metadata(run: Run) -> str:
    """Return the metadata of the data's card as YAML: the file, its size, the kind of task."""
    from huggingface_hub import DatasetCardData

    size = run.summary["rounds"][-1]["data/size"]
    data = DatasetCardData(
        pretty_name=run.name, task_categories=[TASKS[classifies(run)]],
        size_categories=size_category(size), tags=["synthetic-data", "s3"],
        configs=[{"config_name": "default", "data_files": Path(layout.DATA).name}],
    )  # fmt: skip
    return str(data.to_yaml())


def size_category(rows: float) -> str:
    """Return the hub's name for a number of rows."""
    bounds = [(1e3, "n<1K"), (1e4, "1K<n<10K"), (1e5, "10K<n<100K"), (1e6, "100K<n<1M")]
    return next((name for most, name in bounds if rows < most), "1M<n<10M")


def classifies(run: Run) -> bool:
    """Return whether the run's task has labels."""
    return "labels" in run.config["task"]


def llm_model(run: Run) -> str:
    """Return the name of the model that wrote the data; empty where nothing was asked."""
    if not any(row.get("llm/completions") for row in run.summary["rounds"]):
        return ""
    return str(run.config["llm"].get("model") or EMBEDDED)


def content(run: Run) -> dict[str, Any]:
    """Return what the templates show."""
    task, last = run.config["task"], run.summary["rounds"][-1]
    written = llm_model(run)
    return {
        "name": run.name,
        "task": run.summary["task"],
        "fields": [task["written"], *task.get("given", ())],
        "labels": list(task.get("labels", ())),
        "verdict": verdict(run),
        "command": elsewhere(command(run)),
        "about": dict(about(run)),
        "rounds": cells(run, "±"),
        "confusions": confused(run),
        "ships": "with_gold" if not run.ships_round else f"round {run.best.index}",
        "test_rows": len(run.best.predictions("test")),
        "validation_rows": len(run.best.predictions("validation")),
        "kept_aside": run.summary.get("kept_aside", 0),
        "gold_source": gold_source(task["gold"]),
        "audit": list(audited(last)),
        "prompts": run.identity["task"].get("prompts", {}),
        "llm": written,
        "llm_licence": KNOWN.get(written, ("", ""))[1],
        "model": run.config["model"].get("name", ""),
        "model_licence": KNOWN.get(run.config["model"].get("name", ""), ("", ""))[1],
        "size": int(last["data/size"]),
        "labelled": int(last.get("data/labelled", 0)),
        "finished_round": run.rounds[-1].index,
    }


def confused(run: Run) -> dict[str, Any] | None:
    """Return the confusions on test of the best round; None without labels."""
    if not (found := confusions(run)):
        return None
    best = found[run.best.index]
    rows = [[label, *counts] for label, counts in zip(best.labels, best.counts, strict=True)]
    return {"title": best.title, "labels": best.labels, "rows": rows}


def gold_source(gold: Mapping[str, Any]) -> str:
    """Return in words where the gold data came from; a path of the maker's machine is not told."""
    source = gold["source"]
    if source == "hub":
        return f"the hub's {gold['hub']['path']}"
    return "the set that S3 brings along" if source == "bundled" else "files of the maker's own"


def audited(row: Mapping[str, float]) -> Iterator[tuple[str, int]]:
    """Yield what the audit of the last round's data counted, in words."""
    for split in ("validation", "test"):
        for name, said in (("same_row", "rows of"), ("near_text", "texts nearly as in")):
            if (count := row.get(f"audit/{split}/{name}")) is not None:
                yield f"{said} gold {split}", int(count)
    if (count := row.get("audit/duplicates")) is not None:
        yield "rows more than once", int(count)


def elsewhere(command: str) -> str:
    """Return a command without the folders of the maker's machine."""
    words = (word.partition("=") for word in shlex.split(command))
    return shlex.join(name + sign + ABROAD.sub(r"\1.../", value) for name, sign, value in words)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters |= {"cell": cell, "fenced": fenced, "table": table}
    return environment


def cell(value: Any) -> str:
    """Return a text as Markdown shows it on one line, whatever it holds."""
    text = " ".join(hidden(sanitised(str(value))).split())
    return re.sub(r"([\\`*_{}\[\]<>#|])", r"\\\1", text)


def fenced(text: str) -> str:
    """Return a text as a block of code that it cannot end itself."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{hidden(sanitised(text))}\n{fence}"


def table(rows: Sequence[Sequence[Any]]) -> str:
    """Return rows, the headings first, as a table of Markdown."""
    lines = [" | ".join(map(cell, row)) for row in rows]
    lines.insert(1, " | ".join(["---"] * len(rows[0])))
    return "\n".join(f"| {line} |" for line in lines)
