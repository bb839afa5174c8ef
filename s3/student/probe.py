"""A frozen sentence encoder with a small probe: what some hundred rows do not make collapse.

A sentence encoder has learnt which texts mean the same, and fine-tuning all of it on a few hundred
rows mostly forgets that. So only a linear layer over a few measured features is trained
(`probing.py`); this file is the model around it, which transformers loads once `s3` is imported.

One text has its mean states in two layers as features. A text and those it is given with are
compared by late interaction (ColBERT's MaxSim, Khattab and Zaharia 2020; decomposable attention,
Parikh et al. 2016): each is encoded apart, and four cosines of their tokens are the features.
"""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.auto.configuration_auto import CONFIG_MAPPING, AutoConfig

from s3.student.pooling import last_of, late_interaction, mean_of
from s3.student.static import StaticEncoder

COSINES = 4  # features of a pair


class ProbeConfig(PreTrainedConfig):  # type: ignore[no-untyped-call]
    """An encoder's config; how texts become features.

    `layers` are those that one text's features are read from, 0 the embeddings; `last` says that
    they are its last token's, as of a decoder, else the mean of all tokens'. `pairs` says that two
    texts are compared instead. `separator` is the token that ends a text, of which `between` stand
    between two; `opens` says that a token such as [CLS] begins each.
    """

    model_type = "s3-probe"
    sub_configs = {"encoder": AutoConfig}  # noqa: RUF012 - transformers' own declaration

    def __init__(
        self,
        encoder: Any = None,
        layers: list[int] | None = None,
        pairs: bool = False,
        separator: int = 0,
        between: int = 1,
        opens: bool = True,
        last: bool = False,
        **others: Any,
    ) -> None:
        if isinstance(encoder, dict):
            encoder = CONFIG_MAPPING[encoder["model_type"]](**encoder)
        self.encoder = encoder
        self.layers, self.pairs, self.last = layers or [], pairs, last
        self.separator, self.between, self.opens = separator, between, opens
        super().__init__(**others)

    @property
    def width(self) -> int:
        """The number of features."""
        return COSINES if self.pairs else self.encoder.hidden_size * len(self.layers)


class ProbeForSequenceClassification(PreTrainedModel):  # type: ignore[no-untyped-call]
    """Logits from an encoder's features: standardised by the buffers, then linear."""

    config_class = ProbeConfig
    config: ProbeConfig
    base_model_prefix = "encoder"
    _supports_sdpa = True
    _supports_attention_backend = True

    centre: torch.Tensor
    scale: torch.Tensor

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder, trust_remote_code=False)  # type: ignore[no-untyped-call]
        self.register_buffer("centre", torch.zeros(config.width))
        self.register_buffer("scale", torch.ones(config.width))
        self.classifier = nn.Linear(config.width, int(config.num_labels or 0))
        self.post_init()  # type: ignore[no-untyped-call]

    @classmethod
    def over(
        cls,
        encoder: Any,
        tokenizer: Any,
        labels: tuple[str, ...],
        *,
        pairs: bool,
        static: bool = False,
    ) -> ProbeForSequenceClassification:
        """Return an untrained probe over a pretrained encoder (as `AutoModel` loads it).

        One text is read from the last layer and from that at two thirds of the depth: words' own
        meaning is still in the latter (over five data sets 0.4 to 2.4 points above the last alone).
        The tokenizer says how texts begin and end; it has a separator. `static` keeps the encoder's
        word embeddings alone.
        """
        if static:
            encoder = StaticEncoder.of(encoder)
        depth = encoder.config.num_hidden_layers
        config = ProbeConfig(
            encoder=encoder.config,
            layers=list(dict.fromkeys([depth, round(depth * 2 / 3)])),
            pairs=pairs,
            last=looks_back(encoder),
            id2label=dict(enumerate(labels)),
            label2id={name: number for number, name in enumerate(labels)},
            **_marks(tokenizer),
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
        pool = last_of if self.config.last else mean_of
        return torch.cat(
            [normalize(pool(states.hidden_states[i], mask), dim=1) for i in self.config.layers], 1
        )

    def _cosines(
        self, ids: torch.Tensor, real: torch.Tensor, types: torch.Tensor | None
    ) -> torch.Tensor:
        """Encode the first text, and the others, which are one text to the encoder, and compare."""
        texts = []
        for part in _parts(ids, real, types, self.config):
            mine, mask = _moved(ids, part)
            hidden = self.encoder(mine, attention_mask=mask.long()).last_hidden_state
            special = mine == self.config.separator
            if self.config.opens:
                special[:, 0] = True
            texts.append((hidden.float(), mask, mask & ~special))
        with torch.autocast(ids.device.type, enabled=False):
            return late_interaction(*texts)


def _marks(tokenizer: Any) -> dict[str, Any]:
    """Return the config's `separator`, `between` and `opens`, as the tokenizer has them."""
    separator = tokenizer.sep_token_id
    ids = tokenizer("a", "a")["input_ids"]
    between = takewhile(lambda token: token == separator, ids[ids.index(separator, 1) :])
    opens = tokenizer("a", return_special_tokens_mask=True)["special_tokens_mask"][0] == 1
    return {"separator": separator, "between": len(list(between)), "opens": opens}


def looks_back(encoder: Any) -> bool:
    """Say whether a token's state hangs on those before it only, as a decoder's does.

    Then the last token's is the one that has read the whole text. Without layers none has.
    """
    if encoder.config.num_hidden_layers == 0:
        return False
    ids = torch.tensor([[1, 2], [1, 3]])
    with torch.inference_mode():
        found = encoder(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[:, 0]
    return bool(torch.allclose(found[0], found[1], atol=1e-6))


def _parts(
    ids: torch.Tensor, real: torch.Tensor, types: torch.Tensor | None, config: ProbeConfig
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which tokens an encoder would read of each of two texts alone, [rows, length] each.

    From [CLS] a [SEP] b [SEP] those of [CLS] a [SEP] and of [CLS] b [SEP]. Without token types the
    first separator ends the first text.
    """
    ends = (ids == config.separator) & real
    if types is None:
        ended = ends.int().cumsum(1) - ends.int()
        later = real & (ended >= config.between)
        first = real & (ended == 0)
    else:
        later = real & types.bool()
        first = real & ~later
    opening = real & (real.int().cumsum(1) == 1)
    return first, later | opening if config.opens else later


def _moved(ids: torch.Tensor, part: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the tokens under a mask, moved to the start of rows just long enough; and their mask.

    A row has two tokens at least, so that no encoder is asked to read nothing.
    """
    length = part.sum(1, keepdim=True)
    enough: Any = length.max().clamp(min=2).item()
    torch._check(enough >= 2)  # type: ignore[no-untyped-call]  # an export must know it
    # Tokens that are not under the mask go into a column of their own, which is cut off.
    places = torch.where(part, part.long().cumsum(1) - 1, enough)
    moved = ids.new_zeros(ids.shape[0], enough + 1).scatter(1, places, ids)[:, :-1]
    numbers = torch.arange(enough, device=ids.device)
    return moved, (numbers < length) | (numbers == 0)


AutoConfig.register(ProbeConfig.model_type, ProbeConfig)
AutoModelForSequenceClassification.register(ProbeConfig, ProbeForSequenceClassification)
