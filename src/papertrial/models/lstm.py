"""An LSTM over token numbers, whose answer does not depend on padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LSTMClassifier(nn.Module):
    """Embedding, LSTM, and a linear layer on the state after each text's last real token.

    The padded batch goes through torch.nn.LSTM as it is: packed sequences give the same numbers,
    but train several times slower on a CPU. What is computed after a text's end is never looked at,
    so a text's output is the same, up to rounding, alone or in any batch. A text of padding alone
    counts as one padding token.

    Args:
        num_embeddings: rows of the embedding, the vocabulary and its two special numbers.
        embedding_dim: E, numbers a token.
        hidden_size: numbers of the state, of each direction.
        out_features: K outputs.
        num_layers: LSTMs on top of each other.
        dropout: share that is dropped between layers and of the last state.
        bidirectional: also read each text from its last token to its first.
        padding_idx: the number of the padding.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int = 100,
        hidden_size: int = 100,
        out_features: int = 1,
        num_layers: int = 1,
        dropout: float = 0.0,
        bidirectional: bool = False,
        padding_idx: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(num_embeddings, embedding_dim, padding_idx=padding_idx)
        directions = 2 if bidirectional else 1
        sizes = [embedding_dim, *[hidden_size * directions] * (num_layers - 1)]
        self.lstm = nn.ModuleList(nn.LSTM(size, hidden_size) for size in sizes)
        # Not torch's own second direction, which would start in the padding.
        self.backwards = nn.ModuleList(
            nn.LSTM(size, hidden_size) for size in sizes[: num_layers * (directions - 1)]
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size * directions, out_features)
        self.padding_idx = padding_idx

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T], padded after each text's end."""
        x = x.t() if x.shape[1] else F.pad(x, (0, 1), value=self.padding_idx).t()
        place = torch.arange(len(x), device=x.device)[:, None]
        last = torch.where(x != self.padding_idx, place, 0).amax(0)
        mirrored = torch.where(place <= last, last - place, place)  # each text within its length
        texts = torch.arange(x.shape[1], device=x.device)
        states = self.embedding(x)  # [T, B, E]: time first is what the LSTM computes in
        for number, lstm in enumerate(self.lstm):
            states = self.dropout(states) if number else states
            outputs, ends = [lstm(states)[0]], [last]
            if self.backwards:
                reverse = self.backwards[number](states[mirrored, texts])[0]
                outputs.append(reverse[mirrored, texts])
                ends.append(torch.zeros_like(last))
            states = torch.cat(outputs, 2)
        # Forwards a text ends at its last token, backwards at its first.
        final = [output[end, texts] for output, end in zip(outputs, ends, strict=True)]
        answer: Tensor = self.linear(self.dropout(torch.cat(final, 1)))
        return answer
