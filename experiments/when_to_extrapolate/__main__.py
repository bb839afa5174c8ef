"""`python -m experiments.when_to_extrapolate`: plays all settings; two tables, figures, a page."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import pandas as pd

from experiments.when_to_extrapolate.measured import MAPS, map_of, rows_of
from experiments.when_to_extrapolate.settings import settings

HERE = Path(__file__).parent


def main() -> None:
    """Play all settings and draw the figures of docs/when_to_extrapolate.md."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--draws", type=int, default=200, help="of each setting")
    options.add_argument("--seed", type=int, default=0)
    asked = options.parse_args()
    play(asked.draws, asked.seed)
    from experiments.when_to_extrapolate.figures import draw_all
    from experiments.when_to_extrapolate.page import write_study

    found = [pd.read_csv(HERE / name) for name in ("results.csv", "map.csv")]
    draw_all(*found)
    print(write_study(*found))


def play(draws: int, seed: int) -> None:
    """Play all settings and write results.csv and map.csv."""
    began = time.monotonic()
    rows = [row for one in settings() for row in rows_of(one, draws, seed)]
    pd.DataFrame(rows).to_csv(HERE / "results.csv", index=False)
    cells = [row for name, one in MAPS.items() for row in map_of(name, one, draws // 2, seed)]
    pd.DataFrame(cells).to_csv(HERE / "map.csv", index=False)
    print(f"{len(rows)} figures of {draws} draws in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
