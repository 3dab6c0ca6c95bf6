"""A multilayer perceptron for tables with columns of codes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class TableEmbeddings(nn.Module):
    """Embed the codes of some columns, then linear layers with ReLU: [B, F] to [B, K].

    The embeddings of the coded columns, followed by the other columns, are the input of the linear
    layers. As in "Entity Embeddings of Categorical Variables" (Guo and Berkhahn, 2016), the
    embeddings are learned with the network. Code 0, for no known category, is a vector of zeros.

    Args:
        in_features: F, the numbers of a row.
        columns: the places of the coded columns among them, counted from 0.
        rows: the number of codes of each, which is one more than its categories.
        size: the length of the embeddings.
        hidden: the width of each hidden layer.
        out_features: K outputs.
    """

    def __init__(
        self,
        in_features: int,
        columns: Sequence[int],
        rows: Sequence[int],
        size: int,
        hidden: Sequence[int],
        out_features: int,
    ) -> None:
        super().__init__()
        if len(columns) != len(rows):
            raise ValueError(f"columns and rows must match, got {len(columns)} and {len(rows)}")
        if any(not 0 <= at < in_features for at in columns):
            raise ValueError(f"columns must be from 0 to {in_features - 1}, got {list(columns)}")
        self.columns = list(columns)
        self.others = [at for at in range(in_features) if at not in self.columns]
        self.embeddings = nn.ModuleList(nn.Embedding(n, size, padding_idx=0) for n in rows)
        layers: list[nn.Module] = []
        width = size * len(rows) + len(self.others)
        for one in hidden:
            layers += [nn.Linear(width, one), nn.ReLU()]
            width = one
        self.layers = nn.Sequential(*layers, nn.Linear(width, out_features))

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs [B, K] for rows [B, F]."""
        codes = x[:, self.columns].long()
        embedded = [table(codes[:, i]) for i, table in enumerate(self.embeddings)]
        outputs: Tensor = self.layers(torch.cat([*embedded, x[:, self.others]], dim=1))
        return outputs
