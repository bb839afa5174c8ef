"""From the states of a text's tokens to its features."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity, normalize

Text = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # states, which are its tokens, its words


def late_interaction(first: Text, second: Text) -> torch.Tensor:
    """Return four cosines of two texts from their tokens' states [rows, length, size]; [rows, 4].

    That of the texts' means; the mean and the least, over the first text's words, of the best
    cosine with a word of the second; the best of the first text's mean with a word of the second.
    The masks [rows, length] say what is no padding, and what is no special token either; a text
    without any word has its special tokens for words.
    """
    (hidden, mine, words), (others, theirs, given) = first, second
    words = words | mine & ~words.any(1, keepdim=True)
    given = given | theirs & ~given.any(1, keepdim=True)
    mean, unit = mean_of(hidden, mine), normalize(others, dim=2)
    best = normalize(hidden, dim=2) @ unit.transpose(1, 2)
    best = best.masked_fill(~given[:, None], -2).amax(2)
    whole = (unit @ normalize(mean, dim=1)[:, :, None])[:, :, 0]
    found = [
        cosine_similarity(mean, mean_of(others, theirs), dim=1),
        (best * words).sum(1) / words.sum(1),
        best.masked_fill(~words, 2).amin(1),
        whole.masked_fill(~given, -2).amax(1),
    ]
    return torch.stack(found, 1)


def mean_of(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the mean of the tokens under the mask, [rows, size], float32."""
    weights = mask[:, :, None].float()
    return (hidden.float() * weights).sum(1) / weights.sum(1).clamp(min=1)


def last_of(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return the last token under the mask, [rows, size], float32."""
    places = (mask.long() * torch.arange(mask.shape[1], device=mask.device)).argmax(1)
    return hidden[torch.arange(hidden.shape[0], device=mask.device), places].float()
