"""What a run's models get wrong on gold validation: which labels, which rows, and what mends them.

Everything is of validation rows, from which the errors come that are extrapolated; the test split
is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from s3.analysis.encodings import Points
from s3.analysis.intervals import rights
from s3.analysis.similarity import nearest, nearest_place
from s3.runs.reading import Run

if TYPE_CHECKING:
    import pandas as pd

FATES = {  # by whether a row was wrong in the round before, and is now
    (False, False): "right",
    (False, True): "new",
    (True, False): "mended",
    (True, True): "stayed",
}


def answers_by_round(run: Run) -> pd.DataFrame:
    """Return a row a gold validation row and round: what was answered, and what became of it.

    Columns: `round`, `id`, `source`, `target`, `predicted`, `right`, `probability` (of the target
    where the model gives one by label, else of its answer) and `fate`: "right", "mended" (wrong in
    the round before), "new" (wrong now, right in the round before) or "stayed" (wrong in both).
    What is wrong in the first round is "new".
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    before: set[str] = set()  # the places of what was wrong in the round before
    for round_ in run.rounds:
        answers = round_.predictions("validation")
        found = rights(answers)
        for row, right in zip(answers, found, strict=True):
            by_label = row.get("probabilities", {})
            rows.append(
                {"round": round_.index, "id": row["id"], "source": row["source"],
                 "target": row["target"], "predicted": row["predicted"], "right": bool(right),
                 "probability": row.get("probability", by_label.get(str(row["target"]))),
                 "fate": FATES[row["source"] in before, not right]}
            )  # fmt: skip
        places = [row["source"] for row in answers]
        before = {place for place, right in zip(places, found, strict=True) if not right}
    return pd.DataFrame(rows)


def confusions(run: Run) -> pd.DataFrame:
    """Return how often each label was taken for each: `round`, `target`, `predicted`, `count`.

    Of gold validation; empty for answers that are no labels.
    """
    found = answers_by_round(run)
    found = found[found["target"].map(lambda target: isinstance(target, str))]
    return found.value_counts(["round", "target", "predicted"], sort=False).reset_index()


def hardest(run: Run, most: int = 20) -> pd.DataFrame:
    """Return the gold rows that are wrong in the most rounds, those the models are surest of first.

    Columns: `source`, `id`, `target`, `rounds_wrong`, `probability` (the mean over rounds),
    `predicted` (in the last round). Rows that no round got wrong are left out.
    """
    found = answers_by_round(run)
    by_row = found.groupby("source", sort=False)
    rows = by_row[["id", "target", "predicted"]].last()
    rows["rounds_wrong"] = (~found["right"]).groupby(found["source"]).sum()
    rows["probability"] = by_row["probability"].mean()
    rows = rows[rows["rounds_wrong"] > 0].reset_index()
    order = ["source", "id", "target", "predicted", "rounds_wrong", "probability"]
    rows = rows.sort_values(["rounds_wrong", "probability"], ascending=[False, True])
    return rows[order].head(most).reset_index(drop=True)


def mending(
    errors: Sequence[str],
    points: Points,
    fates: dict[str, str],
    sources: Sequence[str],
    new: Points,
) -> pd.DataFrame:
    """Return a row an extrapolation: the error it stands nearest to, and what became of that error.

    `errors` are the places of a round's errors with their `points`, `fates` what became of each in
    the next round; `sources` are the places that the extrapolations with the points `new` grew
    from. Columns: `source`, `fate` (of the row it grew from), `nearest`, `cosine`, `nearest_fate`.
    """
    import pandas as pd

    if not len(errors) or not len(new):
        return pd.DataFrame(columns=["source", "fate", "nearest", "cosine", "nearest_fate"])
    places = nearest_place(new, points)
    names = [errors[place] for place in places]
    return pd.DataFrame(
        {
            "source": list(sources),
            "fate": [fates.get(source, "right") for source in sources],
            "nearest": names,
            "cosine": np.einsum("ij,ij->i", new, points[places]),
            "nearest_fate": [fates[name] for name in names],
        }
    )


def reached(points: Points, fates: Sequence[str], new: Points) -> dict[str, float]:
    """Return how near additions stand to the errors that they mended, and to those that stayed.

    The mean over errors of the cosine of the nearest addition: `near_mended`, `near_stayed`. If
    additions work by standing near errors, the first is the larger.
    """
    found = {}
    best = nearest(points, new)[:, 0] if len(new) and len(points) else np.empty(0)
    for fate in ("mended", "stayed"):
        chosen = best[[one == fate for one in fates]] if len(best) else best
        found[f"near_{fate}"] = float(chosen.mean()) if len(chosen) else float("nan")
    return found
