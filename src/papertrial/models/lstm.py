"""An LSTM over token numbers whose output does not depend on the padding."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LSTMClassifier(nn.Module):
    """Embedding, LSTM, and a linear layer on the state after the last token of each text.

    The padded batch goes through torch.nn.LSTM unchanged. Packed sequences give the same result,
    but training with them is several times slower on a CPU. The states after the end of a text are
    not used, so the output for a text is the same, up to rounding, alone or in any batch. A text
    without tokens is treated as one padding token.

    Args:
        num_embeddings: number of rows of the embedding, including the two special tokens.
        embedding_dim: E, size of the embedding of a token.
        hidden_size: size of the state, per direction.
        out_features: K outputs.
        num_layers: number of stacked LSTM layers.
        dropout: dropout probability between the layers and for the last state.
        bidirectional: whether to read each text from its end to its start as well.
        padding_idx: the token number of the padding.
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
        # The second direction of torch.nn.LSTM is not used, because it would start in the padding.
        self.backwards = nn.ModuleList(
            nn.LSTM(size, hidden_size) for size in sizes[: num_layers * (directions - 1)]
        )
        self.dropout = nn.Dropout(dropout)
        self.linear = nn.Linear(hidden_size * directions, out_features)
        self.padding_idx = padding_idx

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for token numbers [B, T], padded at the end of each text."""
        x = x.t() if x.shape[1] else F.pad(x, (0, 1), value=self.padding_idx).t()
        place = torch.arange(len(x), device=x.device)[:, None]
        last = torch.where(x != self.padding_idx, place, 0).amax(0)
        mirrored = torch.where(
            place <= last, last - place, place
        )  # reverses each text within its length
        texts = torch.arange(x.shape[1], device=x.device)
        states = self.embedding(x)  # [T, B, E], the layout in which the LSTM computes
        for number, lstm in enumerate(self.lstm):
            states = self.dropout(states) if number else states
            outputs, ends = [lstm(states)[0]], [last]
            if self.backwards:
                reverse = self.backwards[number](states[mirrored, texts])[0]
                outputs.append(reverse[mirrored, texts])
                ends.append(torch.zeros_like(last))
            states = torch.cat(outputs, 2)
        # The last state of the forward direction is at the last token, of the other at the first.
        final = [output[end, texts] for output, end in zip(outputs, ends, strict=True)]
        answer: Tensor = self.linear(self.dropout(torch.cat(final, 1)))
        return answer
