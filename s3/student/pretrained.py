"""Loading models and tokenizers of transformers: safetensors only, no remote code, no chatter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from s3.errors import UserError
from s3.student.head import Head

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def load_model(head: Head, source: str) -> Any:
    """Return the head's model, weights in float32 and in evaluation mode.

    What the source does not hold, such as a new head, is drawn from torch's random state.
    Raises UserError where no safetensors weights are found, or they do not fit.
    """
    import torch

    with _explained(source):
        return head.load(
            source, dtype=torch.float32, use_safetensors=True, attn_implementation="sdpa"
        )


def load_tokenizer(source: str) -> PreTrainedTokenizerFast:
    """Return the fast tokenizer. Raises UserError where none is found."""
    from transformers import AutoTokenizer

    with _explained(source):
        tokenizer: Any = AutoTokenizer.from_pretrained(source)
    if not tokenizer.is_fast:
        raise UserError(f"model.weights={source}: it has no fast tokenizer (tokenizer.json)")
    return cast("PreTrainedTokenizerFast", tokenizer)


@contextmanager
def _explained(source: str) -> Iterator[None]:
    from transformers.utils import logging as chatter

    logging: Any = chatter  # it has no types
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        if source.startswith((".", "/", "~")) and not Path(source).is_dir():
            raise UserError(f"model.weights={source}: there is no such folder")
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
