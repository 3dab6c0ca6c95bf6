"""The network of Kim 2014: windows of words, their maxima, and a last layer of limited norm."""

from __future__ import annotations

import torch
from torch import Tensor

from papertrial.models.text_cnn import TextCNN


def drawn() -> TextCNN:
    torch.manual_seed(0)
    model = TextCNN(9, embedding_dim=4, widths=(2, 3), maps=5, out_features=2)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_()
        model.embedding.weight[0] = 0
        model.linear.weight.mul_(2)
    return model.eval()


def by_hand(model: TextCNN, words: list[int]) -> Tensor:
    """The outputs [K] for the words of a text, one window after another."""
    padded = [0, 0, *words, 0, 0]
    maxima = []
    for width, one in zip((2, 3), model.convolutions, strict=True):
        windows = [padded[i : i + width] for i in range(len(padded) - width + 1)]
        states = torch.stack([model.embedding.weight[w].T for w in windows])  # [n, E, width]
        values = torch.einsum("new,mew->nm", states, one.weight) + one.bias
        maxima.append(values.relu().amax(0))
    weight = torch.stack([row * min(1.0, 3 / row.norm().item()) for row in model.linear.weight])
    return weight @ torch.cat(maxima) + model.linear.bias


def test_it_equals_windows_computed_one_by_one() -> None:
    model = drawn()
    batch = torch.tensor([[3, 8, 2, 5], [7, 1, 0, 0]])
    expected = torch.stack([by_hand(model, [3, 8, 2, 5]), by_hand(model, [7, 1])])
    assert model.linear.weight.norm(dim=1).min() > 3  # so the limit counts
    torch.testing.assert_close(model(batch), expected)
    assert model(torch.zeros(2, 0, dtype=torch.int64)).shape == (2, 2)  # texts without words


def test_a_training_scales_the_weights_themselves_and_an_evaluation_does_not() -> None:
    model = drawn()
    before = model.linear.weight.clone()
    model(torch.tensor([[3]]))
    assert torch.equal(model.linear.weight, before)
    model.train()(torch.tensor([[3]])).sum().backward()
    torch.testing.assert_close(model.linear.weight.norm(dim=1), torch.full((2,), 3.0))
    assert model.embedding.weight.grad is not None
    assert not model.embedding.weight.grad[0].any()  # the padding stays zero


def test_it_starts_as_the_code_of_the_paper_does() -> None:
    model = TextCNN(1000)
    assert model.embedding.weight.abs().max().item() <= 0.25
    assert model.embedding.weight[1:].std().item() > 0.14  # 0.25 / sqrt(3) = 0.144
    assert not model.embedding.weight[0].any()
    assert not model.linear.weight.any()
    assert all(one.weight.abs().max() <= 0.01 and not one.bias.any() for one in model.convolutions)
    assert sum(p.numel() for p in model.parameters()) == 1000 * 300 + 12 * 300 * 100 + 300 + 602
