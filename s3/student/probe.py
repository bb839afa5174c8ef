"""A frozen sentence encoder with a small probe: what some hundred rows do not make collapse.

A sentence encoder has learnt which texts mean the same, and fine-tuning all of it on a few hundred
rows mostly forgets that. So only a linear layer over a few measured features is trained
(`probing.py`); this file is the model around it, which transformers loads once `s3` is imported.

One text has its mean states in two layers as features. A text and those it is given with are
compared by late interaction (ColBERT's MaxSim, Khattab and Zaharia 2020; decomposable attention,
Parikh et al. 2016): each is encoded apart, and four cosines of their tokens are the features.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import cosine_similarity, cross_entropy, normalize
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, AutoConfig

COSINES = 4  # features of a pair


class ProbeConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """An encoder's config; how texts become features.

    `layers` are those whose means are one text's features, 0 the embeddings. `pairs` says that two
    texts are compared instead. `separator` is the token that ends a text.
    """

    model_type = "s3-probe"
    sub_configs = {"encoder": AutoConfig}  # noqa: RUF012 - transformers' own declaration

    def __init__(
        self,
        encoder: Any = None,
        layers: list[int] | None = None,
        pairs: bool = False,
        separator: int = 0,
        **others: Any,
    ) -> None:
        if isinstance(encoder, dict):
            encoder = CONFIG_MAPPING[encoder["model_type"]](**encoder)
        self.encoder = encoder
        self.layers, self.pairs, self.separator = layers or [], pairs, separator
        super().__init__(**others)

    @property
    def width(self) -> int:
        """The number of features."""
        return COSINES if self.pairs else self.encoder.hidden_size * len(self.layers)


class ProbeForSequenceClassification(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Logits from an encoder's features: standardised by the buffers, then linear."""

    config_class = ProbeConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_attention_backend = True

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder)  # type: ignore[no-untyped-call]
        self.register_buffer("centre", torch.zeros(config.width))
        self.register_buffer("scale", torch.ones(config.width))
        self.classifier = nn.Linear(config.width, int(config.num_labels or 0))
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def over(
        cls, encoder: Any, separator: int, labels: tuple[str, ...], *, pairs: bool
    ) -> ProbeForSequenceClassification:
        """Return an untrained probe over a pretrained encoder (as `AutoModel` loads it).

        One text is read from the last layer and from that at two thirds of the depth: words' own
        meaning is still in the latter (over five data sets 0.4 to 2.4 points above the last alone).
        """
        depth = encoder.config.num_hidden_layers
        config = ProbeConfig(
            encoder=encoder.config,
            layers=[depth, round(depth * 2 / 3)],
            pairs=pairs,
            separator=separator,
            id2label=dict(enumerate(labels)),
            label2id={name: number for number, name in enumerate(labels)},
        )
        model = cls(config)
        model.encoder = encoder
        model.train(False)
        return model

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
        **others: Any,
    ) -> SequenceClassifierOutput:
        """Return the logits [rows, labels], and with `labels` [rows] their mean cross-entropy."""
        logits = self.classify(self.features(input_ids, attention_mask, token_type_ids))
        loss = None if labels is None else cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)

    def classify(self, features: torch.Tensor) -> torch.Tensor:
        """Return the logits of features, in float32 whatever the encoder computes in."""
        with torch.autocast(features.device.type, enabled=False):
            logits: torch.Tensor = self.classifier((features - self.centre) / self.scale)
        return logits

    def features(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Return the features of each row, [rows, width], float32."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        if self.config.pairs:
            return self._cosines(input_ids, mask.bool(), token_type_ids)
        states = self.encoder(input_ids, attention_mask=mask, output_hidden_states=True)
        return torch.cat(
            [normalize(_mean(states.hidden_states[i], mask), dim=1) for i in self.config.layers], 1
        )

    def _cosines(
        self, ids: torch.Tensor, real: torch.Tensor, types: torch.Tensor | None
    ) -> torch.Tensor:
        """Encode the first text and the others, which are one text to the encoder, and compare.

        One pass takes both: no token attends to the other text, and places count from its own.
        """
        ids, real, second = _apart(ids, real, types, self.config.separator)
        same = (second[:, :, None] == second[:, None]) & real[:, None]
        mask: torch.Tensor = same[:, None]
        if self.config._attn_implementation == "eager":  # adds the mask, the others select by it
            mask = torch.zeros(mask.shape).masked_fill(~mask.cpu(), -1e9).to(self.device)
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        places = places - second * (~second & real).sum(1, keepdim=True)
        states = self.encoder(ids, attention_mask=mask, position_ids=places.clamp(min=0))
        with torch.autocast(ids.device.type, enabled=False):
            words = (ids != ids[:, :1]) & (ids != self.config.separator)
            hidden = states.last_hidden_state.float()
            return late_interaction(hidden, real & ~second, real & second, words)


def late_interaction(
    hidden: torch.Tensor, first: torch.Tensor, second: torch.Tensor, words: torch.Tensor
) -> torch.Tensor:
    """Return four cosines of two texts from their tokens' states [rows, length, size]; [rows, 4].

    That of the texts' means; the mean and the least, over the first text's words, of the best
    cosine with a word of the second; the best of the first text's mean with a word of the second.
    The masks say of which text a token is, and that it is no special one; a text without any word
    has its special tokens for words.
    """
    mine, given = (
        torch.where((part & words).any(1, keepdim=True), part & words, part)
        for part in (first, second)
    )
    mean, other = _mean(hidden, first), _mean(hidden, second)
    unit = normalize(hidden, dim=2)
    best = (unit @ unit.transpose(1, 2)).masked_fill(~given[:, None], -2).amax(2)
    whole = (unit @ normalize(mean, dim=1)[:, :, None])[:, :, 0]
    found = [
        cosine_similarity(mean, other, dim=1),
        (best * mine).sum(1) / mine.sum(1),
        best.masked_fill(~mine, 2).amin(1),
        whole.masked_fill(~given, -2).amax(1),
    ]
    return torch.stack(found, 1)


def _mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean of the tokens under the mask, [rows, size], float32."""
    weights = mask[:, :, None].float()
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1)


def _apart(
    ids: torch.Tensor, real: torch.Tensor, types: torch.Tensor | None, separator: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give the second text a first token of its own, [CLS] as the first text has it.

    From [CLS] a [SEP] b [SEP] to [CLS] a [SEP] [CLS] b [SEP], so that each part is what the encoder
    would read of that text alone. Return ids, what is no padding, and what is of the second text,
    [rows, length + 1] each. Without token types the first separator ends the first text.
    """
    if types is None:
        ended = (ids == separator).int()
        types = (ended.cumsum(1) - ended).clamp(max=1)
    later = real & types.bool()
    length = (real & ~later).sum(1, keepdim=True)
    places = torch.arange(ids.shape[1] + 1, device=ids.device).expand(len(ids), -1)
    second = (places >= length) & (places <= real.sum(1, keepdim=True))
    source = (places - second.long()).clamp(0, ids.shape[1] - 1)
    moved = ids.gather(1, source).where(places != length, ids[:, :1])
    return moved, places <= real.sum(1, keepdim=True), second


AutoConfig.register(ProbeConfig.model_type, ProbeConfig)
AutoModelForSequenceClassification.register(ProbeConfig, ProbeForSequenceClassification)
