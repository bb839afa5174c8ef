"""The results of finished runs, each with the settings that decided it.

Two runs of the same settings differ by their seed alone. Settings go by the names of the options,
and three more say what must not be mixed: `test_rows` (a fingerprint: scores on different rows say
nothing of each other), `gold_rows` (1, 2 ... where the same options stand for other gold rows), and
`copies_of` (the synthetic rows are rows of this gold split).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from s3.errors import UserError
from s3.runs.finding import ROOTS, finished_runs
from s3.runs.reading import FinishedRound, Run
from s3.storage import digest

Settings = dict[str, Any]

# Trainings beside the rounds, by their names in the summary, and what their method is called.
BESIDE = {"gold": "gold_baseline", "with_gold": "{method}+gold"}
# What an identity's names are called on the command line, where that differs.
OPTION_NAMES = {
    "student": "model",
    "near": "audit.near",
    "folds": "task.gold.folds",
    "task.prompts": "task",
}
GOLD_SIZES = ("validation_size", "train_size")  # drawn with the run's seed
COPIED = 0.01  # share of synthetic rows that may be rows of gold validation or train
LEARNT = ("", "given", "written", "labels", "gold")  # of a task, what decides without an LLM


@dataclass(frozen=True)
class Result:
    """What one run came to in one of its rounds, or in a training beside them.

    `settings` name all that decided it but the seed. `round` is None for a training beside the
    rounds, which `beside` names.
    """

    run: Run
    round: FinishedRound | None
    settings: Settings
    beside: str = ""

    @property
    def metrics(self) -> set[str]:
        """The metrics that it was scored by on test."""
        return {name.removeprefix("test/") for name in self.row if name.startswith("test/")}

    @property
    def seed(self) -> int:
        """The random seed."""
        return int(self.run.summary["seed"])

    @property
    def row(self) -> Mapping[str, float]:
        """The metrics, named as in `docs/metrics.md`."""
        if self.round:
            return self.round.row
        row = self.run.summary[self.beside]
        return {"data/size": row["size"], **row}

    @cached_property
    def answers(self) -> list[dict[str, Any]]:
        """What the model answered to the test rows."""
        return self.round.predictions("test") if self.round else self.run.beside(self.beside)

    def spent(self, prefix: str) -> float | None:
        """Return the sum, over all rounds of the run, of the metrics whose names begin so.

        None where it is not known: money, where a model has no price.
        """
        rows = [round_.row for round_ in self.run.rounds]
        unknown = prefix == "llm/cost" and any(row.get("llm/unpriced") for row in rows)
        if not self.round or unknown:
            return None
        return sum(value for row in rows for name, value in row.items() if name.startswith(prefix))


def find_runs(folders: Iterable[Path | str] = ()) -> Iterator[Path]:
    """Yield the folders of finished runs below some folders, each once; see `roots`."""
    yield from dict.fromkeys(path for root in roots(folders) for path in finished_runs(root))


def roots(folders: Iterable[Path | str] = ()) -> Iterator[Path]:
    """Yield the folders to look below: those given, by default outputs and multirun.

    In place of folders, a file may list some, a line each, as that of a sweep does. Raises
    UserError for what does not exist.
    """
    given = list(map(Path, folders))
    for place in given or [Path(root) for root in ROOTS if Path(root).exists()]:
        if not place.exists():
            raise UserError(f"{place}: no such folder (looked for it from {Path.cwd()}).")
        if place.is_file():
            yield from map(Path, place.read_text(encoding="utf-8").splitlines())
        else:
            yield place


def known_as(run: Run) -> dict[str, Any]:
    """Return the columns that tell which run a row is of."""
    said = {name: run.summary.get(name) for name in ("task", "method", "seed")}
    return {"run": str(run.path), **said}


def rows_of(
    folders: Iterable[Path | str], of: Callable[[Run], Iterable[Mapping[str, Any]]]
) -> list[dict[str, Any]]:
    """Return rows of all finished runs below some folders, each with the run that it is of."""
    runs = map(Run.open, find_runs(folders))
    return [{**known_as(run), **row} for run in runs for row in of(run)]


def settings_of(run: Run) -> Settings:
    """Return what decided a run's result but for seed and gold data, by the options' names.

    `task`, `method`, `llm`, `model` and `preset` are the options chosen. The rest is the run's
    identity, so an option that changes nothing is not among them.
    """
    found, identity = run.chosen, dict(run.identity)
    if not identity.get("llm"):  # the method asks none
        found.pop("llm", None)
    for name, value in flat(identity):
        part, _, rest = name.partition(".")
        if part not in ("seed", "gold", "llm") or rest:
            found[option_name(name)] = value
    gold = run.config.get("task", {}).get("gold", {})
    sizes = {f"task.gold.{name}": gold[name] for name in GOLD_SIZES if gold.get(name)}
    return {name: value for name, value in found.items() if not name.startswith("gold.")} | sizes


def option_name(name: str) -> str:
    """Return what a name of an identity is called on the command line."""
    for inside, outside in OPTION_NAMES.items():
        if name == inside or name.startswith(f"{inside}."):
            return outside + name.removeprefix(inside)
    return name


def flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of nested mappings with their dotted names."""
    for name, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def results_of(run: Run, shown: str) -> Iterator[Result]:
    """Yield a run's result in the round shown, if it has it, and those of trainings beside it.

    `shown` is "best" (the round that ships), "last" or a number. Raises UserError where no row is
    labelled.
    """
    if not run.tested:
        raise UserError(f"{run.path}: no row is labelled, so it has no score on test.")
    settings = settings_of(run)
    settings["test_rows"] = digest(run.identity.get("gold", {}).get("test"))[:8]
    places = {"best": run.best.index, "last": len(run.rounds) - 1}
    index = places[shown] if shown in places else int(shown)
    if index < len(run.rounds):
        round_ = run.rounds[index]
        yield Result(run, round_, {**settings, **copies(round_.row)})
    for beside, method in BESIDE.items():
        if beside in run.summary:
            alone = beside == "gold"
            kept = {n: value for n, value in settings.items() if not alone or decides_alone(n)}
            kept["method"] = method.format(method=settings.get("method"))
            yield Result(run, None, kept, beside)


def copies(row: Mapping[str, float]) -> Settings:
    """Return `copies_of` with the gold split whose rows stand among a round's synthetic rows.

    Of test any row counts; of the others more than a few, which a writer may hit upon by chance.
    """
    rows = row.get("audit/rows", 0)
    for split, few in (("test", 0.0), ("validation", COPIED), ("train", COPIED)):
        if row.get(f"audit/{split}/same_row", 0) > few * rows:
            return {"copies_of": split}
    return {}


def decides_alone(name: str) -> bool:
    """Return whether a setting decides what gold validation alone comes to."""
    part, _, rest = name.partition(".")
    return part not in ("method", "llm") and (part != "task" or rest.partition(".")[0] in LEARNT)


def gold_rows(run: Run) -> str:
    """Return a fingerprint of the gold rows that a run learnt from."""
    gold = run.identity.get("gold", {})
    return digest([gold.get("validation"), gold.get("train")])
