"""What a run took: floating-point operations of its trainings and of its LLM, tokens, money.

Source: S3, appendix: a training takes 6 x tokens x parameters operations a record and epoch
(forward 2, backward 4; Kaplan et al. 2020). So an LLM's tokens take 2 x parameters each, and a
frozen encoder, which reads a record once and learns nothing, 2 x tokens x parameters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

from s3.analysis.encodings import tokenised
from s3.runs.reading import FinishedRound, Run

LEARNING, READING = 6, 2  # operations a token and parameter
SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)([MB])(?![A-Za-z0-9])")
UNITS = {"M": 1e6, "B": 1e9}


def parameters(model: Path) -> int:
    """Return the number of a saved model's parameters: the sizes in its safetensors files."""
    total = 0
    for file in model.glob("*.safetensors"):
        with file.open("rb") as opened:
            size = int.from_bytes(opened.read(8), "little")
            header: dict[str, Any] = json.loads(opened.read(size))
        header.pop("__metadata__", None)
        total += sum(prod(one["shape"]) for one in header.values())
    return total


def llm_parameters(name: str) -> float:
    """Return the parameters that an LLM's name states ("SmolLM2-135M"), else not a number."""
    found = SIZE.search(name.replace("_", "-"))
    return float(found[1]) * UNITS[found[2]] if found else float("nan")


def tokens(model: Path, texts: Sequence[str], longest: int) -> int:
    """Return the tokens that a saved model reads of some texts, at most `longest` of each."""
    return sum(map(len, tokenised(model, texts, longest)))


def training_operations(run: Run, round_: FinishedRound) -> float:
    """Return the operations of a round's training, by the formula above.

    Of a probe every row counts as read once, though an earlier round's are remembered. Not a
    number where the run's model was thrown away.
    """
    if not (run.model / "tokenizer.json").exists():
        return float("nan")
    texts = [" ".join(one.fields.values()) for one in round_.train]
    longest = int(run.config["model"]["max_length"])
    read = tokens(run.model, texts, longest) * parameters(run.model)
    epochs = max((int(one["epoch"]) for one in round_.epochs), default=0)  # 0: a probe
    return float(LEARNING * read * epochs if epochs else READING * read)


def llm_operations(run: Run, round_: FinishedRound) -> float:
    """Return the operations of the LLM for a round's data: not a number if its size is unknown."""
    used = round_.row.get("llm/tokens", 0)
    name = str((run.identity.get("llm") or {}).get("model", ""))
    return float(READING * used * llm_parameters(name)) if used else 0.0
