"""The network of airbench94 (Jordan 2024, arXiv 2404.00498), and its whitening layer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter


class PatchWhitening(nn.LazyConv2d):
    """A frozen convolution that whitens patches, made from the first batch that it gets.

    Its filters are the eigenvectors of the second moments of all patches of the batch, divided by
    the root of their eigenvalues, and the same filters with the opposite sign. So the first half of
    its channels, without the bias, is uncorrelated with variances near 1. Like other lazy layers it
    becomes a plain `torch.nn.Conv2d`, whose weights are stored with the model. Only the bias is
    trained.

    Source: arXiv:2404.00498, section 3.2.

    Args:
        in_channels: C of the images.
        kernel_size: height and width of a patch, in pixels.
        eps: added to the eigenvalues.
    """

    def __init__(self, in_channels: int, kernel_size: int = 2, eps: float = 5e-4) -> None:
        super().__init__(2 * in_channels * kernel_size**2, kernel_size)
        self.expected, self.eps = in_channels, eps
        self.weight = UninitializedParameter(requires_grad=False)

    def initialize_parameters(self, input: Tensor) -> None:  # noqa: A002  (torch's name)
        """Compute the filters from images [B, C, H, W].

        Raises:
            ValueError: the images have another number of channels.
        """
        if not self.has_uninitialized_params():
            return
        if input.shape[1] != self.expected:
            raise ValueError(f"expected images with {self.expected} channels, got {input.shape[1]}")
        super().initialize_parameters(input)
        patches = nn.functional.unfold(input.detach().double(), self.kernel_size)
        patches = patches.transpose(1, 2).flatten(0, 1)
        values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
        filters = vectors.T / (values[:, None] + self.eps).sqrt()
        with torch.no_grad():
            self.weight.copy_(torch.cat([filters, -filters]).view_as(self.weight))


class _Convolution(nn.Conv2d):
    """A 3x3 convolution whose first filters initially copy the channels of its input."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1, bias=False)
        nn.init.dirac_(self.weight.data[:in_channels])


class _BatchNorm(nn.BatchNorm2d):
    """Batch norm with a bias and without a scale; its statistics follow the last batches."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-12, momentum=0.4)
        self.weight.requires_grad_(False)


class _Block(nn.Sequential):
    """Two convolutions, and max pooling after the first one: [B, C, H, W] to [B, C', H/2, W/2]."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(
            _Convolution(in_channels, out_channels),
            nn.MaxPool2d(2),
            _BatchNorm(out_channels),
            nn.GELU(),
            _Convolution(out_channels, out_channels),
            _BatchNorm(out_channels),
            nn.GELU(),
        )


class AirbenchNet(nn.Module):
    """The network of airbench94 for images of 32 x 32 pixels: [B, C, 32, 32] to logits [B, K].

    A `PatchWhitening` layer, three blocks, max pooling over the remaining 3 x 3 pixels, and a
    linear layer without a bias, whose weights initially have an SD of 1 and whose outputs are
    divided by the number of its inputs.

    Args:
        in_channels: C of the images.
        out_features: K logits.
        widths: channels of the three blocks.
    """

    def __init__(
        self,
        in_channels: int = 3,
        out_features: int = 10,
        widths: Sequence[int] = (64, 256, 256),
    ) -> None:
        super().__init__()
        self.whiten = PatchWhitening(in_channels)
        channels = [self.whiten.out_channels, *widths]
        self.blocks = nn.Sequential(
            nn.GELU(),
            *(_Block(*pair) for pair in pairwise(channels)),
            nn.MaxPool2d(3),
            nn.Flatten(),
        )
        self.head = nn.Linear(channels[-1], out_features, bias=False)
        with torch.no_grad():
            self.head.weight /= self.head.weight.std()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        logits: Tensor = self.head(self.blocks(self.whiten(x))) / self.head.in_features
        return logits
