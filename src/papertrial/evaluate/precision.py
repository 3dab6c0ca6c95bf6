"""The precision of forward passes."""

from __future__ import annotations

import contextlib

import torch

from papertrial.errors import DeviceError

_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


def autocast(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context of a forward pass: autocast for "bf16" and "fp16", none for "fp32"."""
    if precision in _DTYPES:
        return torch.autocast(device.type, _DTYPES[precision])
    return contextlib.nullcontext()


def check_trainable(device: torch.device, precision: str) -> None:
    """Raise DeviceError if a device cannot train in a precision: fp16 needs CUDA."""
    if precision == "fp16" and device.type != "cuda":
        raise DeviceError(
            f"precision: fp16 trains on CUDA alone, but the device is {device}; use precision: "
            "bf16, which needs no loss scaling, or fp32"
        )
