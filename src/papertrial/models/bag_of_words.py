"""A linear model on the words of a text, without their order."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class BagOfWords(nn.Module):
    """The sum of the weights of a text's words, plus a bias: [B, T] to outputs [B, K].

    This equals a linear layer on a vector with one element per word of the vocabulary, but the
    vector is never created. All weights are initially zero.

    Args:
        num_embeddings: number of words in the vocabulary, including the two special tokens.
        out_features: K outputs.
        counts: whether a word counts as often as it occurs in the text; otherwise it counts once.
        padding_idx: the token number of the padding, which is ignored.
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
        # As in any linear model, a word has no influence before the model has learnt from it.
        nn.init.zeros_(self.words.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T] with padding in any place."""
        if not x.shape[1]:  # EmbeddingBag does not accept an empty row
            x = F.pad(x, (0, 1), value=self.padding_idx)
        if not self.counts:
            x = x.sort(1).values
            again = torch.zeros_like(x, dtype=torch.bool)
            again[:, 1:] = x[:, 1:] == x[:, :-1]
            x = x.masked_fill(again, self.padding_idx)
        total: Tensor = self.words(x)
        return total + self.bias
