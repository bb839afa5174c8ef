"""All measures of a run's data and errors, a row a round; `docs/analysis.md` says what each means.

They are kept in `analysis/` in the run's folder and made again when a file of the run is another.
The run's own files are never touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from s3.analysis import cost, diversity, errors, quality, similarity
from s3.analysis.encodings import Points, encode
from s3.analysis.extrapolations import COLUMNS, compared
from s3.analysis.gap import gap_by_round
from s3.analysis.gold import gold_of, task_of
from s3.analysis.results import rows_of
from s3.data.example import Example
from s3.errors import UserError
from s3.runs.checksums import CHECKSUMS, mapping
from s3.runs.reading import FinishedRound, Run
from s3.storage import digest, write_json
from s3.text import word_count

if TYPE_CHECKING:
    import pandas as pd

KEPT = "analysis/measures.json"
DISTANCES = ("auc", "mmd", "frechet")  # of gap.py, each with the ends of its interval
VERSION = 2  # of what is measured: another one makes kept measures void
ABOUT = ("run", "task", "method", "seed", "round")  # the columns that say what a row is of

Row = dict[str, Any]


def measures_df(*folders: Path | str) -> pd.DataFrame:
    """Return a row a round: `run`, `task`, `method`, `seed`, `round`, and every measure."""
    import pandas as pd

    return pd.DataFrame(measured(folders))


def measured(folders: Iterable[Path | str] = ()) -> list[Row]:
    """Return the rows of all runs below some folders (default: outputs and multirun)."""
    return rows_of(folders, measures)


def measures(run: Run) -> list[Row]:
    """Return the measures of each round, from what is kept where the run is the same.

    What cannot be measured is not a number. Raises UserError where the gold rows cannot be read
    again, or are no longer those of the run.
    """
    state = digest([VERSION, mapping(run.path / CHECKSUMS)])
    kept = mapping(run.path / KEPT)
    if kept.get("state") == state:
        return [_numbers(row) for row in kept["rounds"]]
    rows = list(_Measuring(run).rounds())
    plain = [{n: None if v != v else v for n, v in row.items()} for row in rows]
    write_json(run.path / KEPT, {"state": state, "rounds": plain})
    return rows


def tables(rows: Sequence[Row]) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield each run's folder with its table: headings, a line a measure, a column a round."""
    for run in dict.fromkeys(row["run"] for row in rows):
        own = [row for row in rows if row["run"] == run]
        lines = [
            [name, *(_shown(row.get(name)) for row in own)] for name in own[0] if name not in ABOUT
        ]
        yield str(run), [["measure", *(f"round {row['round']}" for row in own)], *lines]


def _shown(value: Any) -> str:
    if value is None or value != value:
        return ""
    whole = float(value).is_integer() or abs(value) >= 1000
    return f"{value:.3g}" if abs(value) >= 1e7 else f"{value:.0f}" if whole else f"{value:.3f}"


def _numbers(row: Mapping[str, Any]) -> Row:
    return {name: float("nan") if value is None else value for name, value in row.items()}


class _Measuring:
    """The measuring of one run: its gold rows as points, and what became of each."""

    def __init__(self, run: Run) -> None:
        self.run, self.task = run, task_of(run)
        self.gold = gold_of(run, "validation")
        self.folder = run.path / "analysis"
        self.answers = errors.answers_by_round(run)
        self.gold_points = self._points(self.gold)
        self.gold_labels = [str(one.target) for one in self.gold]
        self.labelled = bool(self.task.label_names)
        try:
            self.gap = gap_by_round(run, self.gold).to_dict("records")
        except UserError:  # too few rows for distances
            self.gap = []

    def rounds(self) -> Iterator[Row]:
        for round_ in self.run.rounds:
            yield {
                "round": round_.index,
                **self._data(round_),
                **self._quality(round_),
                **self._extrapolations(round_),
                **self._errors(round_),
                **self._gap(round_),
                "training_operations": cost.training_operations(self.run, round_),
                "llm_operations": cost.llm_operations(self.run, round_),
                "llm_tokens": round_.row.get("llm/tokens", 0),
                "llm_cost": float("nan")
                if round_.row.get("llm/unpriced")
                else round_.row.get("llm/cost", 0),
            }

    def fates(self, round_: FinishedRound) -> dict[str, str]:
        """Return what became of each gold row in a round, by its place."""
        now = self.answers[self.answers["round"] == round_.index]
        return dict(zip(now["source"], now["fate"], strict=True))

    def _points(self, examples: Sequence[Example]) -> Points:
        return encode([one.fields[self.task.written] for one in examples], self.folder)

    def _data(self, round_: FinishedRound) -> Row:
        texts = [one.fields[self.task.written] for one in round_.train]
        lengths = np.array([word_count(text) for text in texts])
        some = diversity.sampled(texts)
        points = self._points(round_.train)
        row: Row = {
            "rows": len(texts),
            "words": float(lengths.mean()),
            "words_sd": float(lengths.std()),
            "words_low": float(np.quantile(lengths, 0.05)),
            "words_high": float(np.quantile(lengths, 0.95)),
            **{f"distinct_{n}": diversity.distinct_n(some, n) for n in (1, 2, 3)},
            "self_bleu": diversity.self_bleu(some),
            "remote_clique": diversity.remote_clique(points),
            "chamfer": diversity.chamfer(points),
            "vendi": diversity.vendi(points),
            "similarity_to_gold": similarity.similarity_to_gold(self.gold_points, points),
            "coverage": similarity.coverage(self.gold_points, points),
        }
        count = Counter(str(one.target) for one in round_.train)
        shares = {f"label/{name}": count[name] / len(texts) for name in self.task.label_names}
        return row | shares

    def _quality(self, round_: FinishedRound) -> Row:
        if not self.labelled:
            return {}
        gold, new = self.gold_labels, [str(one.target) for one in round_.train]
        features = self._features(round_.train)
        row: Row = {
            "label_purity": quality.label_purity(self.gold_features, gold, features, new),
            "gold_purity": self.gold_purity,
        }
        if self.task.given:
            row["written_only"] = quality.cross_fitted(self._points(round_.train), new)
            row["gold_written_only"] = self.gold_written_only
        return row

    @cached_property
    def gold_features(self) -> Points:
        return self._features(self.gold)

    @cached_property
    def gold_purity(self) -> float:
        return quality.cross_fitted(self.gold_features, self.gold_labels)

    @cached_property
    def gold_written_only(self) -> float:
        return quality.cross_fitted(self.gold_points, self.gold_labels)

    def _features(self, examples: Sequence[Example]) -> Points:
        return quality.features(self.task, examples, self.folder)

    def _extrapolations(self, round_: FinishedRound) -> Row:
        known = {one.origin.source: one.fields[self.task.written] for one in self.gold}
        grown = [one for one in round_.added if one.origin.source in known and round_.index]
        pairs = compared(
            [known[one.origin.source] for one in grown],
            [one.fields[self.task.written] for one in grown],
            self.folder,
        )
        means = {f"extrapolation_{name}": float(pairs[name].mean()) for name in COLUMNS}
        return {"extrapolations": len(pairs), **means}

    def _gap(self, round_: FinishedRound) -> Row:
        """The round's distances from gold, with intervals, and those of gold from itself."""
        if not self.gap:
            return {}
        said = {n: value for n, value in self.gap[round_.index].items() if n.startswith(DISTANCES)}
        floor = {name: self.gap[-1][name] for name in DISTANCES}
        return {f"gap_{name}": value for name, value in said.items()} | {
            f"gap_of_gold_{name}": value for name, value in floor.items()
        }

    def _errors(self, round_: FinishedRound) -> Row:
        fates = self.fates(round_)
        count = Counter(fates.values())
        row: Row = {"errors": len(round_.mistakes)}
        row |= {
            name: count[name] if round_.index else float("nan") for name in ("mended", "stayed")
        }
        row["new"] = count["new"]
        places = [one.origin.source for one in self.gold]
        were = [i for i, place in enumerate(places) if fates.get(place) in ("mended", "stayed")]
        new = self._points(round_.added) if round_.index else self.gold_points[:0]
        return row | errors.reached(self.gold_points[were], [fates[places[i]] for i in were], new)


def extrapolations_df(run: Run) -> pd.DataFrame:
    """Return a row an extrapolation of any round: how like its error it is, and what it mended.

    Columns: `round`, `error` and `text`, those of `extrapolations.compared`, and those of
    `errors.mending`: `source`, `fate` (of the row it grew from: "mended" ...), the error that it
    stands `nearest` to, with what `cosine_nearest`, and what became of that one, `nearest_fate`.
    """
    import pandas as pd

    work, frames = _Measuring(run), []
    gold = {one.origin.source: one for one in work.gold}
    for round_ in run.rounds[1:]:
        grown = [one for one in round_.added if one.origin.source in gold]
        fates = work.fates(round_)
        wrong = [one.example for one in run.rounds[round_.index - 1].mistakes]
        if not grown or not wrong:
            continue
        before = [gold[one.origin.source].fields[work.task.written] for one in grown]
        texts = [one.fields[work.task.written] for one in grown]
        mended = errors.mending(
            [one.origin.source for one in wrong], work._points(wrong), fates,
            [one.origin.source for one in grown], work._points(grown),
        ).rename(columns={"cosine": "cosine_nearest"})  # fmt: skip
        said = pd.DataFrame({"round": round_.index, "error": before, "text": texts})
        frames.append(said.join(compared(before, texts, work.folder)).join(mended))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
