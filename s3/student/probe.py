"""A frozen sentence encoder with a small probe: what does not collapse on fifty to five hundred rows.

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


class ProbeConfig(PreTrainedConfig):
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


class ProbeForSequenceClassification(PreTrainedModel):  # type: ignore[misc]
    """Logits from an encoder's features: standardised by the buffers, then linear."""

    config_class = ProbeConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_attention_backend = True

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder)
        self.register_buffer("centre", torch.zeros(config.width))
        self.register_buffer("scale", torch.ones(config.width))
        self.classifier = nn.Linear(config.width, config.num_labels)
        self.post_init()

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
        return model.eval()

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
        """Compare the first text with the others, which are one text to the encoder.

        The features: the cosine of the texts' means; the mean and the least, over the first text's
        tokens, of the best cosine with a token of the others; the best of its mean with such one.
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
            hidden = states.last_hidden_state.float()
            parts = real & ~second, real & second
            words = (ids != ids[:, :1]) & (ids != self.config.separator)
            mine, given = (torch.where((p & words).any(1, True), p & words, p) for p in parts)
            means = [_mean(hidden, part) for part in parts]
            unit = normalize(hidden, dim=2)
            best = (unit @ unit.transpose(1, 2)).masked_fill(~given[:, None], -2).amax(2)
            whole = (normalize(means[0], dim=1)[:, None] @ unit.transpose(1, 2))[:, 0]
            return torch.stack(
                [
                    cosine_similarity(*means, dim=1),
                    (best * mine).sum(1) / mine.sum(1),
                    best.masked_fill(~mine, 2).amin(1),
                    whole.masked_fill(~given, -2).amax(1),
                ],
                1,
            )


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
