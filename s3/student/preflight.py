"""What is looked at before the first request is paid: can this student be trained on these texts?

A look at the files takes milliseconds and loads no torch, so a dry run does it too. A trial then
loads tokenizer and weights, and has the model read some gold rows.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from s3.data.example import Example
from s3.errors import UserError, first_line
from s3.student.encoding import Encoder, Loader, Selection, TokenStore
from s3.student.heads.base import Batch, Head
from s3.student.settings import Settings, Training
from s3.student.weights import MODEL, Pretrained, load_model, load_probe

TOKENIZER = ("tokenizer.json", "vocab.txt", "vocab.json", "merges.txt")
# Of these transformers makes a fast tokenizer where the package is there that reads them.
CONVERTED = {"*.model": "sentencepiece", "*.tiktoken": "tiktoken"}
NO_PICKLES = "weights are loaded from safetensors alone, never from pickles (pytorch_model.bin)"
PROBE_TYPE = "s3-probe"  # of a folder with a probe of ours (`probe.py`, which loads torch)
# Shares of unknown tokens in gold rows: from the first on it is said, from the second on the
# tokenizer is another's, or none.
SOME_UNKNOWN, UNKNOWN = 0.5, 0.95
CUT = 0.05  # share of gold rows cut off from which that is said
TRIED = 4  # gold rows, the longest, that a trial reads


def look(settings: Settings, encoder: Encoder, head: Head) -> str:
    """Look at the files, without loading them; return what could not be looked at, in a line.

    Raises UserError where one is missing or damaged, or no training of this head can begin with it.
    """
    package = settings.package
    if settings.weights is None and package is not None and not package.cached.exists():
        return f"{package.package}=={package.version} is fetched when the run begins"
    source = encoder.source
    folder = Path(source.place) if Path(source.place).is_dir() else _cached(source)
    _look_at_config(folder / "config.json", source.place, settings, head)
    if folder == Path(source.place) or any(folder.glob("*.safetensors*")):
        _look_for_tokenizer((file.name for file in folder.iterdir()), source.place)
        _look_at_weights(folder, source.place)
        return ""
    _look_at_hub(source)
    return f"{source.place} is fetched from the hub when the run begins"


def _refuse(place: str, what: str) -> UserError:
    return UserError(f"model.weights={place}: {what}")


def _look_at_config(file: Path, place: str, settings: Settings, head: Head) -> None:
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        kind = str(config["model_type"])
    except FileNotFoundError:
        raise _refuse(place, "there is no config.json") from None
    except (ValueError, KeyError, TypeError):
        raise _refuse(place, "config.json is damaged: it names no model_type") from None
    if kind == PROBE_TYPE and (settings.training is not Training.finetune or not head.probed):
        raise _refuse(
            place,
            "it is a trained probe, over which no other can be trained: give the encoder that it "
            "was trained over, or model.training=finetune for the same labels",
        )
    if "auto_map" in config and not _is_known(kind):
        raise _refuse(
            place, f"a {kind} runs code of its own, which S3 never does: choose a model without"
        )


def _is_known(kind: str) -> bool:
    """Say whether transformers has a model type, without loading transformers."""
    found = importlib.util.find_spec("transformers")
    places = found.submodule_search_locations if found else None
    return any((Path(one) / "models" / kind.replace("-", "_")).is_dir() for one in places or [])


def _look_for_tokenizer(names: Iterable[str], place: str) -> None:
    there = list(names)
    if set(TOKENIZER) & set(there):
        return
    for pattern, package in CONVERTED.items():
        if found := next((name for name in there if fnmatch(name, pattern)), None):
            if importlib.util.find_spec(package) is None:
                raise _refuse(
                    place,
                    f"its tokenizer is {found} alone, which {package} reads: pip install {package}",
                )
            return
    raise _refuse(place, "there are no tokenizer files; needed is its tokenizer.json")


def _look_at_weights(folder: Path, place: str) -> None:
    """See that all files of the weights are there and as long as their headers say."""
    from safetensors import SafetensorError, safe_open

    index = folder / f"{MODEL}.index.json"
    try:
        listed = json.loads(index.read_text(encoding="utf-8")) if index.exists() else {}
        names = sorted(set(listed["weight_map"].values())) if listed else [MODEL]
    except (ValueError, KeyError, AttributeError):
        raise _refuse(place, f"{index.name} is damaged; fetch it again") from None
    for name in names:
        if not (folder / name).exists():
            raise _refuse(place, f"there is no {name}: {NO_PICKLES}")
        try:
            with safe_open(folder / name, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise _refuse(place, f"{name} is damaged ({error}); fetch it again") from None


def _cached(source: Pretrained) -> Path:
    """Return the folder of a hub model in the local cache; its config at least is there."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source.place, "config.json", revision=source.revision)
    if source.revision is None or not isinstance(found, str):
        raise _refuse(
            source.place,
            "there is no such folder, and the hub has no such model or cannot be reached",
        )
    return Path(found).parent


def _look_at_hub(source: Pretrained) -> None:
    """See that a hub model has tokenizer and safetensors, by the names of its files."""
    from httpx2 import HTTPError
    from huggingface_hub import list_repo_files

    try:
        names = list(list_repo_files(source.place, revision=source.revision))
    except (HTTPError, OSError) as error:
        raise _refuse(
            source.place, f"the hub does not show its files ({first_line(error)})"
        ) from None
    _look_for_tokenizer(names, source.place)
    if not any(fnmatch(name, "model*.safetensors") for name in names):
        raise _refuse(source.place, NO_PICKLES)


def try_out(
    settings: Settings, encoder: Encoder, head: Head, examples: Sequence[Example]
) -> list[str]:
    """Load all, and have the model read the longest of these gold rows; return what is to be said.

    What is tokenised is kept in `encoder`. Raises UserError where the student cannot be trained.
    """
    import torch

    place, tokens = encoder.source.place, encoder.tokens(head)
    selection = tokens.select(examples, targets=False)
    said = _remarks(tokens, selection, settings, head)
    said += _of_prefix(settings, encoder)
    with torch.random.fork_rng():
        if head.probed and settings.training is not Training.finetune:
            model = load_probe(head, encoder.source, encoder.tokenizer, static=settings.static)
        else:
            model = load_model(head, encoder.source)
            model.config.pad_token_id = encoder.tokenizer.pad_token_id
    for name, tensor in model.state_dict().items():
        if not torch.isfinite(tensor).all():
            raise _refuse(place, f"the weights are broken: {name} holds NaN or infinity")
    longest = np.argsort(-selection.lengths, kind="stable")[:TRIED]
    gold = next(iter(Loader.of(encoder.tokenizer, selection, [longest])))
    _read(head, model, gold, f"{place}: it cannot read gold rows, so the tokenizer is another's")
    _read(
        head, model, _stretched(gold, settings.max_length),
        f"{place}: it cannot read model.max_length={settings.max_length} tokens, so lower that",
    )  # fmt: skip
    return said


def _of_prefix(settings: Settings, encoder: Encoder) -> list[str]:
    prefix, asked = encoder.prefix, settings.prefix is not None
    if not asked and prefix:
        place = encoder.source.place
        return [
            f"{place}: {prefix!r} goes before each text, the model's default prompt (model.prefix "
            "says another, or none)"
        ]
    if prefix.endswith(":"):  # the shell or Hydra took the space
        return [f"{prefix!r} stands at each text without a space: 'model.prefix=\"{prefix} \"'"]
    return []


def _read(head: Head, model: Any, batch: Batch, what: str) -> None:
    import torch

    try:
        with torch.inference_mode():
            finite = bool(head.forward(model, batch).isfinite().all())
    except Exception as error:  # of whatever architecture it is
        raise UserError(f"model.weights={what} ({first_line(error)})") from error
    if not finite:
        raise UserError(f"model.weights={what} (it answers with NaN or infinity)")


def _stretched(batch: Batch, length: int) -> Batch:
    """Return the first row of a batch, repeated until it has so many tokens."""

    def stretch(values: Any) -> Any:
        row, count = values[:1], values.shape[1]
        return row.repeat(1, -(-length // count), *[1] * (row.ndim - 2))[:, :length]

    inputs = {name: stretch(values) for name, values in batch.inputs.items()}
    return Batch(inputs, batch.rows[:1], batch.targets[:1], stretch(batch.annotations))


def _remarks(tokens: TokenStore, selection: Selection, settings: Settings, head: Head) -> list[str]:
    """Return what gold rows show of the tokenizer. Raises UserError where it knows no words."""
    tokenizer, rows, place = tokens.tokenizer, selection.rows, settings.weights or settings.name
    read = np.concatenate(
        [np.arange(*rows.starts[i : i + 2]) for i in np.unique(selection.numbers)]
    )
    ids = rows.ids[read]
    words = ids[~np.isin(ids, tokenizer.all_special_ids)]
    unknown = np.count_nonzero(ids == tokenizer.unk_token_id) if tokenizer.unk_token else 0
    if not len(words) or unknown > UNKNOWN * (unknown + len(words)):
        raise _refuse(
            place,
            f"its tokenizer knows hardly a word of the gold rows ({unknown} of "
            f"{unknown + len(words)} tokens are unknown): its files are missing or another model's",
        )
    said = []
    if unknown > SOME_UNKNOWN * (unknown + len(words)):
        said.append(
            f"{place}: its tokenizer does not know {unknown} of {unknown + len(words)} tokens of "
            "the gold rows"
        )
    cut = np.count_nonzero(selection.lengths >= settings.max_length)
    if not head.windows and cut > CUT * len(selection.numbers):
        said.append(
            f"{cut} of {len(selection.numbers)} gold rows are longer than "
            f"model.max_length={settings.max_length} tokens, and are cut off there"
        )
    if tokenizer.pad_token_id in (tokenizer.eos_token_id, tokenizer.unk_token_id):
        said.append(f"{place}: {tokenizer.pad_token} pads, as there is no token for that alone")
    return said
