"""A variational auto-encoder for images, with its bound, its objective and its metrics."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class VAE(nn.Module):
    """Linear encoder and decoder with one hidden layer each: [B, ...] to [B, P + 2Z].

    An output has the reconstruction, P pixels from 0 to 1, and then the mean and the log-variance
    of the code, Z numbers each. The code is drawn, in training and in evaluation.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (2014), arXiv:1312.6114, with ReLU
    as in the VAE of pytorch/examples.

    Args:
        pixels: P, the size of a flattened image.
        hidden: width of the hidden layers.
        code: Z, the size of the code.
    """

    def __init__(self, pixels: int = 784, hidden: int = 400, code: int = 20) -> None:
        super().__init__()
        self.code = code
        self.encoder = nn.Linear(pixels, hidden)
        self.mean = nn.Linear(hidden, code)
        self.log_variance = nn.Linear(hidden, code)
        self.decoder = nn.Sequential(
            nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, pixels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return reconstruction, mean and log-variance for images of values from 0 to 1."""
        hidden = F.relu(self.encoder(x.flatten(1)))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        code = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        return torch.cat([self.decoder(code), mean, log_variance], 1)


def bound_terms(output: Tensor, target: Tensor) -> Tensor:
    """Return for each image the two terms of its negative bound, [B, 2], in nats.

    The first is the binary cross-entropy of the reconstruction, summed over the pixels. The second
    is the Kullback-Leibler divergence of the code from a standard normal one (appendix B).

    Args:
        output: what the VAE returned, [B, P + 2Z].
        target: the images, [B, ...] with P pixels each.
    """
    pixels = target.flatten(1)
    reconstruction, code = output[:, : pixels.shape[1]], output[:, pixels.shape[1] :]
    mean, log_variance = code.chunk(2, 1)
    entropy = F.binary_cross_entropy(reconstruction, pixels, reduction="none").sum(1)
    divergence = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
    return torch.stack([entropy, divergence], 1)


def negative_bound(output: Tensor, target: Tensor) -> Tensor:
    """Return the negative evidence lower bound of an image, as a mean over the images."""
    return bound_terms(output, target).sum(1).mean()


def summed_bound(
    model: nn.Module, x: Tensor, y: Tensor, loss: Callable[[Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """Train on the sum over a batch of the loss, where evaluations report its mean: an objective.

    With Adam this differs from the mean only in the weight of `eps`.
    """
    output = model(x)
    return loss(output, y) * len(x), output


def reconstruction(kept: Tensor, target: Tensor) -> Tensor:
    """Return the mean of the first of the `bound_terms` that a run keeps: a metric."""
    return kept[:, 0].double().mean()


def divergence(kept: Tensor, target: Tensor) -> Tensor:
    """Return the mean of the second of the `bound_terms` that a run keeps: a metric."""
    return kept[:, 1].double().mean()
