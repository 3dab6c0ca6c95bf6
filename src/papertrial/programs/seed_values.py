"""What differs between two seeds, or two devices, that run one program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def placeholder_values(seed: int, device: str, threads: int, data: Path) -> dict[str, str]:
    """Return the values of the placeholders of a program, except for its output folder."""
    return {
        "seed": str(seed),
        "device": "cuda" if device.startswith("cuda") else device,
        "threads": str(threads),
        "data": str(data.absolute()),  # the program runs in another folder
        "python": sys.executable,
    }


def device_variables(device: str) -> dict[str, str]:
    """Return the environment variables that keep a program on its device.

    A program on "cuda:1" sees this GPU alone, as its first one, and one on the CPU sees none.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda":
        if not index:
            return {}
        # Numbers count the GPUs that papertrial itself sees.
        seen = [one.strip() for one in os.environ.get(_VISIBLE, "").split(",") if one.strip()]
        return {_VISIBLE: seen[int(index)] if int(index) < len(seen) else index}
    return {_VISIBLE: ""} if kind == "cpu" else {}
