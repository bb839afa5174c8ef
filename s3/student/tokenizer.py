"""The tokenizer of any encoder or decoder, with what training and probing need of it.

Decoders come without a padding token and without anything that ends a text or stands between two;
some tokenizers give token types that their model cannot read. What is added here is saved with a
trained model, so that it reads texts the same way wherever it is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from s3.errors import UserError
from s3.student.weights import Pretrained, explained

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def load_tokenizer(source: Pretrained, prefix: str = "") -> PreTrainedTokenizerFast:
    """Return the fast tokenizer, which reads each text as if `prefix` stood before it.

    Raises UserError where none is found, or it lacks a token.
    """
    from transformers import AutoConfig, AutoTokenizer

    with explained(source.place):
        config: Any = AutoConfig.from_pretrained(source.place, **source.options)
        loaded: Any = AutoTokenizer.from_pretrained(source.place, **source.options)
    if not loaded.is_fast:
        raise UserError(f"model.weights={source.place}: it has no fast tokenizer (tokenizer.json)")
    tokenizer = _prefixed(cast("PreTrainedTokenizerFast", loaded), prefix)
    tokenizer.init_kwargs.pop("auto_map", None)  # code of its own, which nobody is to be asked for
    tokenizer.padding_side = tokenizer.truncation_side = "right"
    if getattr(getattr(config, "encoder", config), "type_vocab_size", 0) < 2:
        names = [name for name in tokenizer.model_input_names if name != "token_type_ids"]
        tokenizer.model_input_names = names
    _end_texts(tokenizer, source.place)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.sep_token
    return tokenizer


def _prefixed(tokenizer: PreTrainedTokenizerFast, prefix: str) -> PreTrainedTokenizerFast:
    """Return the tokenizer with a prefix before each text, also of two; once, if it has it already.

    It is of the generic class: those of one architecture build their normaliser themselves when
    they are loaded again, and would lose the prefix.
    """
    from tokenizers.normalizers import Prepend, Sequence
    from transformers import PreTrainedTokenizerFast

    backend, own = tokenizer.backend_tokenizer, tokenizer.backend_tokenizer.normalizer
    if not prefix or str(own).startswith(f"Sequence(normalizers=[{Prepend(prefix)}"):
        return tokenizer
    backend.normalizer = Sequence([Prepend(prefix), *([own] if own else [])])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        **tokenizer.init_kwargs
        | {"tokenizer_object": backend, "model_input_names": tokenizer.model_input_names}
    )


def _special(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """Return which tokens of a short text are special, as 0 and 1."""
    marks: Any = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"]
    return list(marks) or [0]


def _end_texts(tokenizer: PreTrainedTokenizerFast, place: str) -> None:
    """See to it that a special token, the separator, ends each text and stands between two."""
    from tokenizers.processors import TemplateProcessing

    ids: Any = tokenizer("a")["input_ids"]
    special = _special(tokenizer)
    if len(ids) > 1 and special[-1]:
        if tokenizer.sep_token is None:
            tokenizer.sep_token = tokenizer.convert_ids_to_tokens(ids[-1])
        return
    ending = tokenizer.sep_token or tokenizer.eos_token
    if ending is None:
        raise UserError(
            f"model.weights={place}: its tokenizer has neither a separator nor a token that ends a "
            "text; name one as eos_token in its tokenizer_config.json"
        )
    tokenizer.sep_token = ending
    first = str(tokenizer.convert_ids_to_tokens(ids[0])) if ids and special[0] else ""
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{first} $A {ending}".strip(),
        pair=f"{first} $A {ending} $B:1 {ending}:1".strip(),
        special_tokens=[
            (token, tokenizer.convert_tokens_to_ids(token)) for token in {first, ending} - {""}
        ],
    )
