"""A small GPT: a transformer that predicts each next token of a sequence."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class GPT(nn.Module):
    """A decoder-only transformer as GPT-2, without biases: tokens [B, T] to logits [B, T, K].

    Norms come before attention and MLP, positions are learned, and the output layer shares the
    weights of the token embedding (Radford et al. 2019). Weights are initially normal with standard
    deviation 0.02; those of layers that write to the residual stream are smaller by the square root
    of their number.

    Args:
        vocabulary: K tokens.
        length: largest T.
        layers: number of blocks.
        heads: attention heads in a block.
        width: size of the embedding of a token, a multiple of `heads`.
        dropout: probability after the embedding, of attention weights, and after each layer that
            writes to the residual stream.
    """

    def __init__(
        self,
        vocabulary: int,
        length: int,
        layers: int = 6,
        heads: int = 6,
        width: int = 384,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(_Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                residual = name.endswith((".join.weight", ".narrow.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * layers) if residual else 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the token after each place, [B, T, K], for tokens [B, T]."""
        place = torch.arange(x.shape[1], device=x.device)
        hidden = self.dropout(self.tokens(x) + self.places(place))
        for block in self.blocks:
            hidden = block(hidden)
        return nn.functional.linear(self.norm(hidden), self.tokens.weight)


class _Block(nn.Module):
    """Causal self-attention and an MLP, each added to its input: [B, T, W] to [B, T, W]."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.attend = nn.Linear(width, 3 * width, bias=False)
        self.join = nn.Linear(width, width, bias=False)
        self.norm = nn.LayerNorm(width, bias=False)
        self.widen = nn.Linear(width, 4 * width, bias=False)
        self.narrow = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the states [B, T, W] after the block."""
        x = x + self.dropout(self.join(self._attention(self.attention_norm(x))))
        wide = nn.functional.gelu(self.widen(self.norm(x)))
        added: Tensor = self.dropout(self.narrow(wide))
        return x + added

    def _attention(self, x: Tensor) -> Tensor:
        # Not scaled_dot_product_attention, whose gradients differ between two runs on CUDA.
        batch, steps, width = x.shape
        query, key, value = (
            part.view(batch, steps, self.heads, -1).transpose(1, 2)
            for part in self.attend(x).split(width, 2)
        )
        scores = query @ key.transpose(2, 3) / math.sqrt(width // self.heads)
        future = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
        weights = self.dropout(scores.masked_fill(future, -math.inf).softmax(3))
        joined: Tensor = (weights @ value).transpose(1, 2).reshape(batch, steps, width)
        return joined
