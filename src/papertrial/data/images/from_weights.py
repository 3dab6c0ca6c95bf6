"""Prepare images as those were that a network was trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor

from papertrial.data.nested import first_of
from papertrial.data.per_sample import Samples, of_one_size
from papertrial.errors import DataError
from papertrial.weights.networks import network_of, pretrained_source


class FromWeights:
    """Resize, crop and normalize images as for the pretrained weights of a network.

    Size, interpolation, mean and standard deviation are those of the configuration that the library
    has of the weights; the file of weights is not needed. Images of one channel are normalized with
    the means of mean and standard deviation over the channels.

    Args:
        network: the network, `torchvision.models.NAME` or `timm:NAME`. In a recipe, the one that
            `model` names if omitted.
        weights: the name of weights of torchvision, such as IMAGENET1K_V2; "" for the default ones.
        resize: whether to resize and crop; otherwise images keep their sizes.
    """

    kind = "image"
    takes_all_sizes = True

    def __init__(self, network: str = "", weights: str = "", resize: bool = True) -> None:
        self.network = network
        self.weights = weights
        self.resize = resize

    def fit(self, batches: Iterable[Samples]) -> dict[str, Any]:
        """Return the form of the images; of the training images only the channels count.

        Raises:
            DataError: the library does not know the network.
        """
        network = network_of(self.network)
        if network is None:
            raise DataError(
                f"data.transform: FromWeights needs a network of torchvision.models or timm as "
                f"model.use or as its argument network, got {self.network!r}"
            )
        form = pretrained_source(network, self.weights).form
        if form.mode not in ("center", "squash") and self.resize:
            raise DataError(
                f"data.transform: FromWeights cannot crop images as {self.network} wants it "
                f"({form.mode}); set resize: false, and resize them with another transform"
            )
        channels = first_of(next(iter(batches))).shape[-3]
        mean, std = (
            list(one) if len(one) == channels else [sum(one) / len(one)] * channels
            for one in (form.mean, form.std)
        )
        return {
            "mean": mean,
            "std": std,
            "resize": form.resize if self.resize else None,
            "crop": list(form.crop),
            "interpolation": form.interpolation,
            "squash": form.mode == "squash",
        }

    def apply(self, x: Samples, state: Mapping[str, Any]) -> Tensor:
        """Return the prepared images [B, C, H, W] of images of one size or of several."""
        if state["resize"] is not None:
            resized = [self._resized(one, state) for one in x] if isinstance(x, list) else None
            x = self._resized(x, state) if resized is None else torch.stack(resized)
        whole: Tensor = of_one_size(x, "FromWeights with resize: false")
        mean, std = (
            torch.as_tensor(state[name], dtype=whole.dtype, device=whole.device).view(-1, 1, 1)
            for name in ("mean", "std")
        )
        return (whole - mean) / std

    @staticmethod
    def _resized(x: Any, state: Mapping[str, Any]) -> Tensor:
        # Every training imports this module, and torchvision takes a second of CPU time.
        from torchvision.transforms import InterpolationMode  # noqa: PLC0415
        from torchvision.transforms.v2 import functional as F  # noqa: PLC0415

        side = state["resize"]
        size = [side, side] if state["squash"] else [side]
        mode = InterpolationMode(state["interpolation"])
        resized = F.resize(x, size, interpolation=mode, antialias=True)
        cropped: Tensor = F.center_crop(resized, state["crop"])
        return cropped
