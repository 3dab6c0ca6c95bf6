"""DLinear equals its definition, value by value."""

from __future__ import annotations

import torch

from papertrial.models.dlinear import DLinear


def test_it_forecasts_trend_and_remainder_of_each_channel() -> None:
    torch.manual_seed(0)
    model = DLinear(length=7, horizon=2, kernel=3)
    x = torch.randn(4, 7, 3)
    before = [max(0, t - 1) for t in range(7)]
    after = [min(6, t + 1) for t in range(7)]
    trend = (x[:, before] + x + x[:, after]) / 3
    expected = torch.stack(
        [model.trend(trend[..., c]) + model.remainder((x - trend)[..., c]) for c in range(3)], 2
    )
    torch.testing.assert_close(model(x), expected)
    assert model(x).shape == (4, 2, 3)


def test_the_one_of_the_paper_has_two_layers_for_all_channels() -> None:
    assert sum(p.numel() for p in DLinear(336, 96).parameters()) == 2 * (336 * 96 + 96)
