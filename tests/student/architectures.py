"""Tiny models with random weights of many architectures, each with a tokenizer of its own kind.

The tokenizers are trained on a few sentences, and have the special tokens and the template that the
architecture's models on the hub have.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

from tests.conftest import WORDS

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 66,
}
# Names of their own for the sizes.
DISTILBERT = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64}
GPT2 = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 66}
BERT = ("[CLS]", "[SEP]", "[PAD]", "[UNK]")
ROBERTA = ("<s>", "</s>", "<pad>", "<unk>")


@dataclass(frozen=True)
class Kind:
    """A model type, its special tokens (first, separator, padding, unknown), its config's values.

    `doubled` says that two separators stand between two texts, as RoBERTa has it.
    """

    special: tuple[str, ...] = BERT
    doubled: bool = False
    config: Any = ()


KINDS = {
    "bert": Kind(),
    "distilbert": Kind(config=DISTILBERT),
    "electra": Kind(config={"embedding_size": 16}),
    "albert": Kind(config={"embedding_size": 16}),
    "deberta-v2": Kind(
        config={
            "relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"],
            "norm_rel_ebd": "layer_norm", "share_att_key": True, "position_biased_input": False,
            "type_vocab_size": 0,
        }
    ),
    "modernbert": Kind(config={"global_attn_every_n_layers": 2, "local_attention": 16}),
    "roberta": Kind(ROBERTA, True, {"type_vocab_size": 1}),
    "xlm-roberta": Kind(ROBERTA, True, {"type_vocab_size": 1}),
    "mpnet": Kind(ROBERTA, True),
    "gpt2": Kind(("<|endoftext|>",), config=GPT2),
    "llama": Kind(("</s>",), config={"num_key_value_heads": 1}),
    "qwen3": Kind(("<|endoftext|>",), config={"num_key_value_heads": 1, "head_dim": 16}),
}  # fmt: skip


def trained(kind: Kind) -> PreTrainedTokenizerFast:
    """Return a tokenizer with the special tokens and the template of a kind."""
    tokenizer = Tokenizer(models.BPE(unk_token=kind.special[-1]))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=200, special_tokens=list(kind.special), show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 3 + ["Is the end a plot ?"], trainer)
    names = dict(
        zip(("cls_token", "sep_token", "pad_token", "unk_token"), kind.special, strict=False)
    )
    if len(kind.special) == 1:  # a decoder: one token ends texts, and none pads
        return PreTrainedTokenizerFast(
            tokenizer_object=tokenizer, eos_token=kind.special[0], model_max_length=64
        )
    first, separator = ((name, tokenizer.token_to_id(name)) for name in kind.special[:2])
    between = f"{separator[0]} {separator[0]}" if kind.doubled else f"{separator[0]}"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first[0]} $A {separator[0]}",
        pair=f"{first[0]} $A {between} $B:1 {separator[0]}:1",
        special_tokens=[first, separator],
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=64, **names)


def build(folder: Path, name: str) -> Path:
    """Write a model of a type and its tokenizer into a folder of its own; return that."""
    kind, target = KINDS[name], folder / name
    tokenizer = trained(kind)
    sizes = dict(kind.config) if name in ("distilbert", "gpt2") else SIZES | dict(kind.config)
    ends = {
        f"{which}_token_id": getattr(tokenizer, f"{which}_token_id") for which in ("pad", "eos")
    }
    config = AutoConfig.for_model(name, vocab_size=len(tokenizer), **sizes, **ends)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AutoModel.from_config(config).save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target
