"""The graph convolutional network of Kipf and Welling 2017."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GCN(nn.Module):
    """Two graph convolutions: graphs of N nodes to outputs [B, N, K].

    A layer multiplies the states of all nodes with its weights, which have no bias, and takes for
    each node the sum over its neighbours and itself, each divided by the square roots of both
    degrees. Source: Kipf and Welling 2017, equation 9, https://arxiv.org/abs/1609.02907.

    Args:
        in_features: F features of a node.
        hidden: states of a node after the first layer.
        out_features: K outputs of a node.
        dropout: dropout probability of the input of each layer.
    """

    def __init__(
        self, in_features: int, hidden: int = 16, out_features: int = 7, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.first = nn.Linear(in_features, hidden, bias=False)
        self.second = nn.Linear(hidden, out_features, bias=False)
        self.dropout = nn.Dropout(dropout)
        for layer in (self.first, self.second):
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, features: Tensor, edges: Tensor) -> Tensor:
        """Return the outputs [B, N, K].

        Args:
            features: [B, N, F].
            edges: [B, 2, E], the places of two nodes for each direction of an edge.
        """
        batch, nodes, _ = features.shape
        first = torch.arange(batch, device=edges.device) * nodes  # node 0 of each graph
        own = torch.arange(batch * nodes, device=edges.device)
        source, target = (edges + first[:, None, None]).transpose(0, 1).flatten(1)
        source, target = torch.cat([source, own]), torch.cat([target, own])
        degree = torch.zeros(batch * nodes, device=edges.device).index_add_(
            0, target, torch.ones(len(target), device=edges.device)
        )
        weight = (degree[source] * degree[target]).rsqrt()[:, None]

        def spread(states: Tensor) -> Tensor:
            sums = torch.zeros_like(states)
            return sums.index_add_(0, target, states[source] * weight.to(states.dtype))

        hidden = F.relu(spread(self.first(self.dropout(features.flatten(0, 1)))))
        return spread(self.second(self.dropout(hidden))).view(batch, nodes, -1)
