"""A run's map: gold rows, the seed, what each round added, and the errors, as points of a plane."""

from __future__ import annotations

from s3.report.charts import Cloud, Map
from s3.runs.reading import Run
from s3.text import sanitised

NAMES = {
    "pca": "principal components of the texts' encodings",
    "tsne": "t-SNE of the texts' encodings",
}
MOST = 150  # points of a kind and round
SHOWN = 300  # characters of a point's text


def run_map(run: Run, method: str = "pca") -> Map:
    """Return a map of a run's texts by "pca" or "tsne"; the errors are those of the last round.

    Raises UserError where the gold rows are not to be had, or too few texts.
    """
    from s3.analysis.maps import coordinates

    frame = coordinates(run, method, most=MOST)
    last = frame["round"].max()
    clouds = []
    for (kind, index), rows in frame.groupby(["kind", "round"], sort=False):
        if kind == "error" and index != last:
            continue
        name = {"gold": "gold", "seed": "seed", "error": f"errors of round {index}"}.get(
            str(kind), f"added in round {index}"
        )
        texts = [
            f"{name}{', ' if row.label else ''}{row.label}: {sanitised(str(row.text))[:SHOWN]}"
            for row in rows.itertuples()
        ]
        places = [(float(x), float(y)) for x, y in zip(rows["x"], rows["y"], strict=True)]
        clouds.append(Cloud(name, places, texts, ring=kind == "error"))
    return Map("Texts as points: near each other, alike", NAMES[method], clouds)
