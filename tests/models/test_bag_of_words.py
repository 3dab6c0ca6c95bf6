"""The bag of words is a linear layer on the words of a text, in any order and with any padding."""

from __future__ import annotations

import torch

from papertrial.models.bag_of_words import BagOfWords


def drawn(**arguments: bool) -> BagOfWords:
    torch.manual_seed(0)
    model = BagOfWords(50, 3, **arguments)
    with torch.no_grad():
        model.words.weight.normal_()
        model.bias.normal_()
    return model


def test_it_is_a_linear_layer_on_the_words_of_the_text() -> None:
    model = drawn()
    x = torch.tensor([[7, 3, 7, 9, 0], [3, 3, 3, 3, 3]])
    there = torch.zeros(2, 50)
    there[0, [3, 7, 9]] = 1
    there[1, 3] = 1
    assert torch.allclose(model(x), there @ model.words.weight + model.bias)


def test_counts_count() -> None:
    model = drawn(counts=True)
    expected = 2 * model.words.weight[7] + model.words.weight[3] + model.bias
    assert torch.allclose(model(torch.tensor([[7, 3, 7, 0]]))[0], expected)


def test_padding_and_order_change_nothing() -> None:
    model = drawn()
    alone = model(torch.tensor([[5, 6, 5]]))
    assert torch.allclose(alone, model(torch.tensor([[0, 6, 5, 0, 5, 0, 0]])))


def test_an_empty_text_gives_the_bias() -> None:
    model = drawn()
    assert torch.equal(model(torch.zeros(2, 4, dtype=torch.int64))[1], model.bias)
    assert torch.equal(model(torch.zeros(2, 0, dtype=torch.int64))[1], model.bias)


def test_it_starts_at_zero_and_learns() -> None:
    model = BagOfWords(50)
    x, y = torch.tensor([[2, 4], [3, 4]]), torch.tensor([[1.0], [0.0]])
    assert model(x).tolist() == [[0.0], [0.0]]
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(20):
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(model(x), y).backward()
        optimizer.step()
    assert model(x)[0] > 1 > -1 > model(x)[1]
    assert not model.words.weight[0].any()
