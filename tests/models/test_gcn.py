"""The graph convolutions equal the matrices of Kipf and Welling 2017."""

from __future__ import annotations

import torch

from papertrial.models.gcn import GCN


def test_it_equals_products_with_the_normalised_adjacency() -> None:
    torch.manual_seed(0)
    model = GCN(in_features=5, hidden=4, out_features=3).eval()
    graphs = [[(0, 1), (1, 2), (2, 3)], [(0, 3), (1, 3), (0, 1)]]
    features = torch.rand(2, 4, 5)
    expected, edges = [], []
    for x, pairs in zip(features, graphs, strict=True):
        adjacent = torch.eye(4)
        for one, other in pairs:
            adjacent[one, other] = adjacent[other, one] = 1
        scale = torch.diag(adjacent.sum(1) ** -0.5)
        mixed = scale @ adjacent @ scale
        hidden = (mixed @ x @ model.first.weight.T).relu()
        expected.append(mixed @ hidden @ model.second.weight.T)
        edges.append(torch.tensor([*pairs, *((b, a) for a, b in pairs)]).T)
    torch.testing.assert_close(model(features, torch.stack(edges)), torch.stack(expected))
    torch.testing.assert_close(model(features[1:], edges[1][None]), expected[1][None])


def test_dropout_is_for_training_and_weights_have_no_bias() -> None:
    torch.manual_seed(0)
    model = GCN(in_features=5)
    x, edges = torch.ones(1, 3, 5), torch.tensor([[[0, 1], [1, 0]]])
    assert not torch.equal(model(x, edges), model(x, edges))
    assert [tuple(p.shape) for p in model.parameters()] == [(16, 5), (7, 16)]
    assert model.first.weight.abs().max().item() <= (6 / 21) ** 0.5  # Glorot and Bengio 2010
