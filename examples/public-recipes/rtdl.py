"""The MLP of "Revisiting Deep Learning Models for Tabular Data" on standardised targets."""

import numpy as np
import torch
from sklearn.preprocessing import QuantileTransformer
from torch import nn

PARTS = {"train": "train", "val": "validation", "test": "test"}


def load(folder):
    """Return the arrays of the source, features mapped to normal distributions by quantiles."""
    x = {part: np.load(folder / f"N_{part}.npy") for part in PARTS}
    noise = 1e-3 / np.maximum(x["train"].std(0), 1e-3)
    noisy = x["train"] + noise * np.random.standard_normal(x["train"].shape)
    count = max(min(len(noisy) // 30, 1000), 10)
    maps = QuantileTransformer(
        output_distribution="normal", n_quantiles=count, subsample=10**9, random_state=0
    ).fit(noisy)
    return {
        name: (maps.transform(x[part]), np.load(folder / f"y_{part}.npy"))
        for part, name in PARTS.items()
    }


class Mlp(nn.Module):
    """An MLP whose last step undoes the standardisation of the targets in a file."""

    def __init__(self, targets, inputs, hidden, dropout):
        super().__init__()
        layers, width = [], inputs
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, 1))
        y = np.load(targets)
        self.register_buffer("mean", torch.tensor(float(y.mean())))
        self.register_buffer("std", torch.tensor(float(y.std())))

    def forward(self, x):
        return self.layers(x).squeeze(1) * self.std + self.mean


class StandardisedError(nn.Module):
    """The mean squared error in units of the SD of the targets in a file."""

    def __init__(self, targets):
        super().__init__()
        self.variance = float(np.load(targets).var())

    def forward(self, output, target):
        return (output - target).square().mean() / self.variance
