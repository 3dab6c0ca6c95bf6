"""The linear forecaster DLinear of Zeng et al. 2023."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class DLinear(nn.Module):
    """Forecasts trend and remainder of each channel by a linear layer: [B, T, C] to [B, H, C].

    The trend is the moving average of the input, whose first and last values are repeated outside
    of it. All channels share the two layers. Source: Zeng et al. 2023, "Are Transformers Effective
    for Time Series Forecasting?", https://arxiv.org/abs/2205.13504.

    Args:
        length: T steps of an input.
        horizon: H steps of a forecast.
        kernel: steps of the moving average, an odd number.
    """

    def __init__(self, length: int, horizon: int, kernel: int = 25) -> None:
        super().__init__()
        self.trend = nn.Linear(length, horizon)
        self.remainder = nn.Linear(length, horizon)
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        """Return the forecasts [B, H, C] for series [B, T, C]."""
        x = x.transpose(1, 2)
        beside = (self.kernel - 1) // 2
        trend = F.avg_pool1d(F.pad(x, (beside, beside), mode="replicate"), self.kernel, stride=1)
        forecast: Tensor = self.trend(trend) + self.remainder(x - trend)
        return forecast.transpose(1, 2)
