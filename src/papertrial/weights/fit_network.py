"""Fit a network and its weights to the channels of images and to the number of outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from papertrial.errors import ModelError


@dataclass(frozen=True)
class FittedWeights:
    """Weights of a network, fitted to a model of it.

    Attributes:
        tensors: by name.
        head: names of those that belong to other classes, and are not loaded.
        changed: names of those that were changed to fit the channels.
    """

    tensors: dict[str, Tensor]
    head: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def fit_channels(model: nn.Module, channels: int) -> None:
    """Replace the first convolution of a model if it takes another number of channels.

    The new one has the same form, and torch's usual initial weights.

    Raises:
        ModelError: the model has no first convolution that can be replaced.
    """
    found = ((n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d))
    path, first = next(found, ("", None))
    if first is None or first.groups != 1:
        raise ModelError(
            f"model: {type(model).__name__} does not begin with a convolution that can be replaced "
            f"to take {channels} channels; set data.image.mode: RGB, or use another network"
        )
    if first.in_channels == channels:
        return
    owner, _, name = path.rpartition(".")
    replaced = nn.Conv2d(
        channels,
        first.out_channels,
        kernel_size=first.kernel_size,  # type: ignore[arg-type]
        stride=first.stride,  # type: ignore[arg-type]
        padding=first.padding,  # type: ignore[arg-type]
        dilation=first.dilation,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    setattr(model.get_submodule(owner), name, replaced)


def fit_weights(model: nn.Module, tensors: Mapping[str, Tensor], outputs: int) -> FittedWeights:
    """Fit pretrained weights to a model of the same network with other channels or outputs.

    Args:
        model: the model.
        tensors: the weights by name.
        outputs: the number of outputs of the model. Tensors that have as many rows, and another
            number in the file, are those of its head.
    """
    wanted, fitted, head, changed = model.state_dict(), dict(tensors), list[str](), list[str]()
    for name, tensor in tensors.items():
        shape = wanted[name].shape if name in wanted else tensor.shape
        if shape == tensor.shape or not shape or not tensor.shape:
            continue
        if shape[1:] == tensor.shape[1:] and shape[0] == outputs:
            head.append(name)
        elif tensor.ndim == 4 and (shape[0], *shape[2:]) == (tensor.shape[0], *tensor.shape[2:]):
            fitted[name] = on_channels(tensor, shape[1])
            changed.append(name)
    return FittedWeights(fitted, tuple(head), tuple(changed))


def on_channels(weight: Tensor, channels: int) -> Tensor:
    """Return the weight of a convolution [O, I, H, W] for images of other channels, [O, C, H, W].

    For one channel it is the sum over the channels, so that a grey image gives what the same image
    in color gave. For more, channels are repeated and scaled by I / C. Source: timm,
    `timm.models.adapt_input_conv`.
    """
    had = weight.shape[1]
    if channels == 1:
        return weight.sum(1, keepdim=True)
    repeated = torch.cat([weight] * -(-channels // had), 1)[:, :channels]
    return repeated * (had / channels)
