"""The convolutional network for sentences of Kim 2014."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TextCNN(nn.Module):
    """Convolutions over the words of a text, each with its maximum: [B, T] to outputs [B, K].

    Source: Kim 2014, "Convolutional Neural Networks for Sentence Classification", and its code
    yoonkim/CNN_sentence, whose initial weights these are: uniform from -0.25 to 0.25 for words,
    from -0.01 to 0.01 for convolutions, and zeros for the last layer.

    Args:
        num_embeddings: number of rows of the embedding, including the two special tokens.
        embedding_dim: E, size of the embedding of a token.
        widths: words in a window of each convolution.
        maps: feature maps of each width.
        out_features: K outputs.
        dropout: dropout probability of the maxima.
        max_norm: largest norm of the weights of an output of the last layer; larger ones are scaled
            down to it before the next step. None for no limit.
        padding_idx: the token number of the padding.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int = 300,
        widths: Sequence[int] = (3, 4, 5),
        maps: int = 100,
        out_features: int = 2,
        dropout: float = 0.5,
        max_norm: float | None = 3.0,
        padding_idx: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings, embedding_dim, padding_idx=padding_idx)
        convolutions = [nn.Conv1d(embedding_dim, maps, width) for width in widths]
        self.convolutions = nn.ModuleList(convolutions)
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(maps * len(widths), out_features)
        self.margin = max(widths) - 1
        self.max_norm = max_norm
        self.padding_idx = padding_idx
        nn.init.uniform_(self.embedding.weight, -0.25, 0.25)
        with torch.no_grad():
            self.embedding.weight[padding_idx] = 0
        for convolution in convolutions:
            nn.init.uniform_(convolution.weight, -0.01, 0.01)
            assert convolution.bias is not None, "convolutions have a bias unless told otherwise"
            nn.init.zeros_(convolution.bias)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T], padded at the end of each text."""
        x = F.pad(x, (self.margin, self.margin), value=self.padding_idx)
        states = self.embedding(x).transpose(1, 2)  # [B, E, T]
        found = [F.relu(one(states)).amax(2) for one in self.convolutions]
        return F.linear(self.dropout(torch.cat(found, 1)), self._limited(), self.linear.bias)

    def _limited(self) -> Tensor:
        """Return the weights of the last layer; after a step in training, scale them in place."""
        weight = self.linear.weight
        if self.max_norm is None:
            return weight
        with torch.no_grad():
            scale = (self.max_norm / weight.norm(dim=1, keepdim=True).clamp(min=1e-7)).clamp(max=1)
            if self.training:
                weight.mul_(scale)
        return weight if self.training else weight * scale
