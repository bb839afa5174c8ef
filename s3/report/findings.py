"""What a run's page says in numbers: scores by round, confusions, labels, lengths, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from s3.errors import UserError
from s3.metrics import NORMAL_95
from s3.report.charts import Chart, Confusions, Point, Series
from s3.runs.calibration import (
    LEAST_ROWS,
    abstention,
    bins,
    calibration_error,
    sureness,
    temperature,
    validated,
)
from s3.runs.reading import FinishedRound, Run
from s3.runs.rows import confused_labels
from s3.runs.significance import score
from s3.text import word_count

Rows = Sequence[Mapping[str, Any]]
Table = list[list[str]]  # the headings, then the rows

MEASURED = 2000  # texts of a round whose lengths are taken, evenly spread over it
COUNTED = ("data/", "audit/")  # metrics that say what the data are like
LABEL = "audit/label/"
DRAWN_BINS = 10  # of a reliability diagram
PRECISE = 0.95  # share of right answers for which a page says the threshold
BESIDE = {"gold": "test, gold alone", "with_gold": "test, with gold"}


def scores_chart(run: Run) -> Chart:
    """Return the scores on test and validation by round, against the size of the data."""
    metric = run.summary["metric"]
    sizes = [round_.row["data/size"] for round_ in run.rounds]
    grows = len(set(sizes)) == len(sizes) and sizes == sorted(sizes)
    places = sizes if grows else [float(round_.index) for round_ in run.rounds]
    series = [
        Series(split, points)
        for split in ("test", "validation")
        if (points := list(_points(run, split, metric, places)))
    ]
    for name, heading in BESIDE.items():
        if answers := beside(run, name):
            series.append(Series(heading, [_point(metric, answers, places[0])], level=True))
    x_name = "examples trained on" if grows else "round"
    name = metric.replace("_", "-")
    return Chart(
        f"{name} in per cent by {x_name}", x_name, series, f"{name} in per cent", whole=not grows
    )


def beside(run: Run, name: str) -> Rows:
    """Return what a model beside the rounds answers to test; none where that is gone or damaged."""
    try:
        return run.beside(name)
    except UserError:
        return []


def epochs_chart(run: Run) -> Chart | None:
    """Return the scores in training by epoch of the round that ships; None of a single pass."""
    metric, rows = run.summary["metric"], run.best.epochs
    if len(rows) < 2:
        return None
    series = []
    for split in ("train", "validation"):
        name = f"{split}/{metric}"
        scores = [(row["epoch"], 100 * row[name]) for row in rows if name in row]
        if scores:
            series.append(Series(split, [Point(x, y, y, y) for x, y in scores]))
    name = metric.replace("_", "-")
    title = f"{name} in per cent by epoch, round {run.best.index}"
    return Chart(title, "epoch", series, f"{name} in per cent", whole=True) if series else None


def reliability_chart(run: Run) -> Chart | None:
    """Return how often the model that ships is right on test, by how sure it is; None of few rows.

    Before and after its probabilities get the temperature that fits gold validation.
    """
    test, fitted = run.shipped_predictions("test"), temperature(validated(run))
    if len(test) < LEAST_ROWS:
        return None
    drawn = {"as the model says": 1.0}
    if fitted != 1:
        drawn[f"at temperature {fitted:.2f}"] = fitted
    series = []
    for name, by in drawn.items():
        points = []
        for sure, right, rows in bins(*sureness(test, by), DRAWN_BINS):
            half = NORMAL_95 * (right * (1 - right) / rows) ** 0.5
            low, high = max(right - half, 0.0), min(right + half, 1.0)
            points.append(Point(100 * sure, 100 * right, 100 * low, 100 * high))
        series.append(Series(name, points))
    diagonal = [Point(at, at, at, at) for at in (0.0, 100.0)]
    title = "right answers on test in per cent by the probability of the answer in per cent"
    ideal = Series("as it should be", diagonal)
    return Chart(
        title, "probability of the answer in per cent", [*series, ideal], "right in per cent"
    )


def sure_of_itself(run: Run) -> str:
    """Return in words how far the probabilities can be trusted, on test, and what abstaining does.

    The temperature and the threshold come from gold validation.
    """
    validation, test = validated(run), run.shipped_predictions("test")
    if min(len(validation), len(test)) < LEAST_ROWS:
        return ""
    by = temperature(validation)
    before, after = (calibration_error(*sureness(test, at)) for at in (1.0, by))
    said = f"Expected calibration error on test: {100 * before:.1f} points"
    if by == 1:
        said += ". No temperature fits gold validation better beyond chance."
    else:
        said += f", {100 * after:.1f} at temperature {by:.2f}, which fits gold validation."
    try:
        found = abstention(*sureness(validation, by), PRECISE)
    except UserError:
        return f"{said} No threshold makes {PRECISE:.0%} of the answers to gold validation right."
    sure, right = sureness(test, by)
    given = right[sure >= found.threshold]
    share = f", {given.mean():.1%} of them right" if len(given) else ""
    return (
        f"{said} To be right in {PRECISE:.0%} of its answers to gold validation it must be "
        f"{found.threshold:.3f} sure: it answers {found.coverage:.1%} of these rows, and "
        f"{len(given) / len(test):.1%} of test{share}."
    )


def _points(run: Run, split: str, metric: str, places: Sequence[float]) -> Iterator[Point]:
    for round_, place in zip(run.rounds, places, strict=True):
        if answers := round_.predictions(split):
            yield _point(metric, answers, place)


def _point(metric: str, answers: Rows, place: float) -> Point:
    found = score(metric, answers)
    half = NORMAL_95 * found.error
    low, high = max(found.value - half, 0), min(found.value + half, 1)
    return Point(place, 100 * found.value, 100 * low, 100 * high)


def confusions(run: Run) -> list[Confusions]:
    """Return the confusions on test by round; none without labels, or with very many."""
    found = []
    for round_ in run.rounds:
        rows = round_.predictions("test")
        if not (labels := confused_labels(rows)):
            return []
        cells = Counter((row["target"], str(row["predicted"])) for row in rows)
        counts = [[cells[gold, said] for said in labels] for gold in labels]
        found.append(Confusions(f"round {round_.index}", labels, counts))
    return found


def label_balance(run: Run) -> Table:
    """Return each label's share in the data of each round, and in gold validation and test."""
    splits = ["test"] if "kept_aside" in run.summary else ["validation", "test"]
    gold = {split: _shares(run.rounds[0].predictions(split)) for split in splits}
    gold = {split: shares for split, shares in gold.items() if shares}
    written = [
        {name.removeprefix(LABEL): value for name, value in one.row.items() if LABEL in name}
        for one in run.rounds
    ]
    labels = sorted({label for shares in (*written, *gold.values()) for label in shares})
    if not labels:
        return []
    head = [
        "label",
        *(f"round {one.index}" for one in run.rounds),
        *(f"gold {one}" for one in gold),
    ]
    columns = [*written, *gold.values()]
    return [
        head,
        *([label, *(f"{100 * one.get(label, 0):.0f} %" for one in columns)] for label in labels),
    ]


def _shares(rows: Rows) -> dict[str, float]:
    if any(not isinstance(row["target"], str) for row in rows):
        return {}
    return {label: n / len(rows) for label, n in Counter(row["target"] for row in rows).items()}


def lengths(run: Run) -> Table:
    """Return how many words the written texts have, by round, beside the gold errors' texts."""
    head = ["texts", "number", "10 %", "median", "90 %", "longest"]
    rows = []
    for round_ in run.rounds:
        rows.append(_lengths(f"round {round_.index}: added", _written(round_, "added")))
        left = "errors left" if "kept_aside" in run.summary else "gold errors left"
        rows.append(_lengths(f"round {round_.index}: {left}", _written(round_, "mistakes")))
    return [head, *(row for row in rows if row)]


def _written(round_: FinishedRound, what: str) -> list[str]:
    written = round_.run.config["task"].get("written", "text")
    examples = round_.added if what == "added" else [one.example for one in round_.mistakes]
    return [example.fields.get(written, "") for example in examples]


def _lengths(name: str, texts: Sequence[str]) -> list[str]:
    if not texts:
        return []
    counts = sorted(map(word_count, texts[:: -(-len(texts) // MEASURED)]))
    quantiles = [counts[int(share * (len(counts) - 1))] for share in (0.1, 0.5, 0.9, 1)]
    return [name, str(len(texts)), *map(str, quantiles)]


def counts(run: Run) -> Table:
    """Return the counts of data and audit by round, those that are not zero everywhere."""
    rows = [round_.row for round_ in run.rounds]
    names = dict.fromkeys(name for row in rows for name in row if name.startswith(COUNTED))
    shown = [
        name for name in names if not name.startswith(LABEL) and any(row.get(name) for row in rows)
    ]
    head = ["metric", *(f"round {round_.index}" for round_ in run.rounds)]
    return [head, *([name, *(f"{row.get(name, 0):g}" for row in rows)] for name in shown)]
