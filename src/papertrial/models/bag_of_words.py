"""A bag of words and a linear layer: which words are there, in no order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BagOfWords(nn.Module):
    """A weight a word and output, added up over a text's words, and a bias.

    This is a linear layer on a vector with a place for every word, without that vector being made.

    Args:
        num_embeddings: words, the two special numbers counted.
        out_features: K outputs.
        counts: a word counts as often as it stands in the text; otherwise once.
        padding_idx: the number of the padding, which counts for nothing.
    """

    def __init__(
        self,
        num_embeddings: int,
        out_features: int = 1,
        *,
        counts: bool = False,
        padding_idx: int = 0,
    ) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(
            num_embeddings, out_features, mode="sum", padding_idx=padding_idx
        )
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.counts = counts
        self.padding_idx = padding_idx
        # As in any linear model: no word says anything before it has been learnt from.
        nn.init.zeros_(self.words.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T], padded anywhere."""
        if not x.shape[1]:  # which EmbeddingBag does not take
            x = F.pad(x, (0, 1), value=self.padding_idx)
        if not self.counts:
            x = x.sort(1).values
            again = torch.zeros_like(x, dtype=torch.bool)
            again[:, 1:] = x[:, 1:] == x[:, :-1]
            x = x.masked_fill(again, self.padding_idx)
        total: Tensor = self.words(x)
        return total + self.bias
