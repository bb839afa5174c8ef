"""Does an LLM's disagreement with itself follow that of people? On rows that 100 people labelled.

`python experiments/subjectivity_of_instances/stand_in.py DATA/chaosnli/snli.jsonl`, with options of
the LLM as for a run (`llm=openai`; the embedded LLM without).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from s3.analysis.agreement import agreements
from s3.analysis.intervals import rank_correlation
from s3.composing import composed
from s3.data.files import read_file
from s3.data.gold import sample
from s3.llm import Session
from s3.self_agreement import self_agreements

CONF = Path(__file__).parent / "conf"


def main() -> None:
    """Print the correlation over a draw of rows, and means of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("options", nargs="*")
    parser.add_argument("--rows", type=int, default=150)
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--columns", default="votes_100")
    given = parser.parse_args()
    one = composed(["task=chaosnli", *given.options], CONF).experiment
    placed = sample(list(read_file(given.file)), given.rows, one.seed)
    people = agreements(placed, given.columns.split(","))
    examples = [one.task.read_gold(row) for row in placed]
    with Session(one.llm, one.seed, "chaosnli-stand-in") as session:
        llm = self_agreements(session, one.task, examples, samples=given.samples)
    rho, low, high = rank_correlation(people, llm)
    print(f"{len(placed)} rows, {given.samples} samples of {session.model}")
    print(f"mean agreement: people {people.mean():.2f}, the LLM with itself {llm.mean():.2f}")
    print(f"Spearman's correlation {rho:+.2f} (95 %: {low:+.2f} to {high:+.2f})")


if __name__ == "__main__":
    main()
