"""The LSTM equals torch's on packed texts; padding and other texts change no output."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from papertrial.models.lstm import LSTMClassifier

SHAPES = [(1, False), (2, False), (1, True), (2, True)]


def drawn(layers: int, both: bool) -> LSTMClassifier:
    torch.manual_seed(0)
    return LSTMClassifier(100, 12, 10, 3, num_layers=layers, bidirectional=both).eval()


def texts(lengths: list[int], longest: int) -> torch.Tensor:
    x = torch.zeros(len(lengths), longest, dtype=torch.int64)
    draws = torch.Generator().manual_seed(1)
    for row, length in enumerate(lengths):
        x[row, :length] = torch.randint(1, 100, (length,), generator=draws)
    return x


@pytest.mark.parametrize(("layers", "both"), SHAPES)
def test_padding_and_other_texts_change_no_output(layers: int, both: bool) -> None:
    model, lengths = drawn(layers, both), [1, 30, 7, 12]
    x = texts(lengths, 30)
    together = model(x)
    more = model(torch.cat([x, torch.zeros(4, 25, dtype=torch.int64)], 1))
    alone = torch.cat([model(x[i : i + 1, :length]) for i, length in enumerate(lengths)])
    others = model(x.flip(0)).flip(0)
    for same in (more, alone, others):
        assert torch.allclose(together, same, rtol=0, atol=1e-6)
    assert not torch.allclose(together[0], together[2], atol=1e-3)


@pytest.mark.parametrize(("layers", "both"), SHAPES)
def test_it_is_torchs_lstm_on_packed_texts(layers: int, both: bool) -> None:
    model, lengths = drawn(layers, both), [9, 30, 7, 12]
    x = texts(lengths, 30)
    packed = nn.LSTM(12, 10, layers, batch_first=True, bidirectional=both)
    with torch.no_grad():
        for stack, suffix in ((model.lstm, ""), (model.backwards, "_reverse")):
            for layer, one in enumerate(stack):
                for name, weight in one.named_parameters():
                    own = name.replace("l0", f"l{layer}") + suffix
                    packed.get_parameter(own).copy_(weight)
    sequence = pack_padded_sequence(
        model.embedding(x), torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    _, (final, _) = packed(sequence)
    last = torch.cat([final[-2], final[-1]], 1) if both else final[-1]
    assert torch.allclose(model(x), model.linear(last), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("layers", "both"), SHAPES)
def test_the_last_real_token_counts_and_every_parameter_learns(layers: int, both: bool) -> None:
    model = drawn(layers, both)
    x = texts([5, 9], 9)
    other = x.clone()
    other[0, 4] = other[0, 4] % 99 + 1
    assert not torch.allclose(model(x)[0], model(other)[0], atol=1e-5)
    model(x).sum().backward()
    assert all(p.grad is not None and bool(p.grad.any()) for p in model.parameters())
    assert not model.embedding.weight.grad[0].any()


def test_an_empty_text_is_one_token_of_padding() -> None:
    model = drawn(2, True)
    x = texts([4, 0], 4)
    empty = model(torch.zeros(1, 0, dtype=torch.int64))
    assert torch.allclose(model(x)[1], empty[0], rtol=0, atol=1e-6)
    assert bool(empty.isfinite().all())


def test_dropout_is_active_only_in_training() -> None:
    model = LSTMClassifier(100, 12, 10, 1, num_layers=2, dropout=0.5)
    x = texts([5, 9], 9)
    assert not torch.equal(model(x), model(x))
    model.eval()
    assert torch.equal(model(x), model(x))
