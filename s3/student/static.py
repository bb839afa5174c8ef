"""Static embeddings: an encoder's word embeddings alone, whatever stands beside a word.

A text is then the mean of a table's rows: eighty to a hundred times as fast as MiniLM, and blind to
order. Any encoder of transformers lends its table; the copy is a model of transformers too.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import BaseModelOutput


class StaticConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """The sizes of the table: so many words, so many numbers each."""

    model_type = "s3-static"

    def __init__(self, vocab_size: int = 0, hidden_size: int = 0, **others: Any) -> None:
        self.vocab_size, self.hidden_size, self.num_hidden_layers = vocab_size, hidden_size, 0
        super().__init__(**others)


class StaticEncoder(PreTrainedModel):  # type: ignore[no-untyped-call]
    """A table of word embeddings that is called as an encoder is."""

    config_class = StaticConfig

    def __init__(self, config: StaticConfig) -> None:
        super().__init__(config)
        self.embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def of(cls, encoder: Any) -> StaticEncoder:
        """Return the word embeddings of an encoder."""
        weight = encoder.get_input_embeddings().weight.detach()
        model = cls(StaticConfig(*weight.shape))
        model.embeddings.weight.data.copy_(weight)
        return model

    def forward(self, input_ids: torch.Tensor, **others: Any) -> BaseModelOutput:
        """Return the embeddings, [rows, length, size], as the only layer's states."""
        found = self.embeddings(input_ids)
        return BaseModelOutput(last_hidden_state=found, hidden_states=(found,))


AutoConfig.register(StaticConfig.model_type, StaticConfig)
AutoModel.register(StaticConfig, StaticEncoder)
