"""A model as ONNX: it runs with onnxruntime and tokenizers alone, without torch or this project.

The graph takes the token ids of `tokenizer.json`, which cuts and pads as the run did, and gives the
probability of each label, at the model's temperature. It stands in fp32 and in int8 (weights of
eight bits, activations quantised as they come: onnxruntime's dynamic quantisation).
"""

from __future__ import annotations

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.data import Example
from s3.errors import UserError
from s3.prediction.model import Model
from s3.progress import quiet
from s3.storage import whole, write_json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

FP32, INT8, TOKENIZER, ABOUT = "model.onnx", "model.int8.onnx", "tokenizer.json", "model.json"
NEEDED = ("onnx", "onnxruntime", "onnxscript")
OPSET = 18
BATCH = 32
LONGEST = 4096  # rows of a batch, at most


@dataclass(frozen=True)
class Checked:
    """How an exported file answers beside the torch model, over the same rows.

    `right` is the share of rows that get their own label, `equal` that of labels equal to the torch
    model's, `apart` the largest difference of a probability, `speed` rows a second on this machine.
    """

    name: str
    size: int  # bytes
    right: float
    equal: float
    apart: float
    speed: float


def export(model: Model, folder: Path) -> None:
    """Write the model's graphs, tokenizer and labels into a folder.

    Raises UserError where onnx is not installed, and for a model that answers questions.
    """
    if not model.task.label_names:
        raise UserError("a model of questions is not exported: only those of labels are.")
    _require()
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, names = _tokenizer(model)
    with whole(folder / FP32) as unfinished:
        _write_graph(model, tokenizer, names, unfinished)
    with whole(folder / INT8) as unfinished, _silent():
        # Weights that two parts of a graph share are turned as it runs; only folded ones are found.
        quant_pre_process(folder / FP32, unfinished, skip_symbolic_shape=True)
        quantize_dynamic(unfinished, unfinished, weight_type=QuantType.QInt8, per_channel=True)
    tokenizer.save(str(folder / TOKENIZER))
    separator = model.predictor.encoder.tokenizer.sep_token
    about = {"labels": list(model.task.label_names), "inputs": names, "fields": list(model.fields)}
    write_json(folder / ABOUT, {**about, "separator": separator})


def check(model: Model, folder: Path, examples: Sequence[Example]) -> Iterator[Checked]:
    """Yield how each exported file, and first the torch model, answers labelled examples."""
    import numpy as np

    rows = [tuple(one.fields[name] for name in model.fields) for one in examples]
    labels = np.array([model.task.label_names.index(str(one.target)) for one in examples])
    weights = sum(path.stat().st_size for path in model.predictor.folder.glob("*.safetensors"))
    wanted = model.answers(rows).probabilities
    assert wanted is not None  # a model of labels
    ways: dict[str, Callable[[], Any]] = {"torch": lambda: model.answers(rows).probabilities}
    ways |= {name: partial(answers, folder, name, rows) for name in (FP32, INT8)}
    for name, way in ways.items():
        said, seconds = _timed(way)
        found = said.argmax(1)
        yield Checked(
            name,
            size=weights if name == "torch" else (folder / name).stat().st_size,
            right=float((found == labels).mean()),
            equal=float((found == wanted.argmax(1)).mean()),
            apart=float(np.abs(said - wanted).max()),
            speed=len(rows) / seconds,
        )


def answers(folder: Path, name: str, rows: Sequence[tuple[str, ...]]) -> NDArray[np.float32]:
    """Return the probabilities that an exported file gives rows of texts, [rows, labels].

    It reads nothing but the folder: what `docs/prediction.md` shows in a few lines.
    """
    import numpy as np
    import onnxruntime
    from tokenizers import Tokenizer

    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    session = onnxruntime.InferenceSession(folder / name)
    given = [_given(row, about["separator"]) for row in rows]
    order = sorted(range(len(rows)), key=lambda one: sum(map(len, given[one])))
    found = np.empty((len(rows), len(about["labels"])), np.float32)
    for first in range(0, len(rows), BATCH):
        places = order[first : first + BATCH]
        inputs = _inputs(tokenizer, [given[place] for place in places], about["inputs"])
        found[places] = session.run(None, inputs)[0]
    return found


def _given(row: tuple[str, ...], separator: str) -> tuple[str, ...]:
    """Return a row as one text or as a pair: all but the first are one text to the model."""
    return row if len(row) < 2 else (row[0], f" {separator} ".join(row[1:]))


def _inputs(
    tokenizer: Tokenizer, texts: Sequence[tuple[str, ...]], names: Sequence[str]
) -> dict[str, Any]:
    import numpy as np

    batch = tokenizer.encode_batch([one if len(one) > 1 else one[0] for one in texts])
    columns = {
        "input_ids": [one.ids for one in batch],
        "attention_mask": [one.attention_mask for one in batch],
        "token_type_ids": [one.type_ids for one in batch],
    }
    return {name: np.array(columns[name], np.int64) for name in names}


def _tokenizer(model: Model) -> tuple[Tokenizer, list[str]]:
    """Return a tokenizer that cuts and pads by itself, and the names of what the model takes."""
    from tokenizers import Tokenizer

    own = model.predictor.encoder.tokenizer
    tokenizer = Tokenizer.from_str(own.backend_tokenizer.to_str())
    tokenizer.enable_truncation(model.predictor.settings.max_length)
    tokenizer.enable_padding(pad_id=own.pad_token_id, pad_token=own.pad_token)
    return tokenizer, list(own.model_input_names)


def _write_graph(model: Model, tokenizer: Tokenizer, names: list[str], path: Path) -> None:
    import torch
    from torch.export import Dim

    by = model.temperature

    class Likely(torch.nn.Module):
        """From token ids to probabilities."""

        def __init__(self, classifier: Any) -> None:
            super().__init__()
            self.classifier = classifier

        def forward(self, *tokens: torch.Tensor) -> torch.Tensor:
            logits = self.classifier(**dict(zip(names, tokens, strict=True))).logits
            return torch.softmax(logits.float() / by, dim=-1)

    example = [("a text", "another")[: len(model.fields)], ("one more",) * len(model.fields[:2])]
    tokens = [torch.from_numpy(one) for one in _inputs(tokenizer, example, names).values()]
    longest = model.predictor.settings.max_length
    sizes = {0: Dim("rows", min=1, max=LONGEST), 1: Dim("length", min=2, max=longest)}
    with _silent(), torch.no_grad():
        program = torch.onnx.export(
            Likely(model.predictor.model.cpu().float()).eval(), tuple(tokens), dynamo=True,
            input_names=names, output_names=["probabilities"], opset_version=OPSET,
            dynamic_shapes={"tokens": tuple(sizes for _ in names)}, verbose=False,
        )  # fmt: skip
        assert program is not None
        program.save(str(path))


def _require() -> None:
    from importlib.util import find_spec

    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise UserError(
            f"{' and '.join(missing)}: not installed. pip install 's3-synthesis[onnx]' brings what "
            "an export needs."
        )


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """Return what some work gives, and its seconds; it is done once before, to have all loaded."""
    work()
    started = time.perf_counter()
    return work(), time.perf_counter() - started


@contextmanager
def _silent() -> Iterator[None]:
    """Keep back what exporters tell each other; their errors are raised all the same."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = logging.root.manager.disable
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(before)
