"""Switch torch's deterministic algorithms on and off."""

from __future__ import annotations

import sys

import torch


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do what `torch.use_deterministic_algorithms` does, without importing torch's compiler.

    torch imports the compiler to set its flag too, which takes 2 s of CPU time, and few models are
    compiled. Here the flag is set if the compiler is imported; $TORCHINDUCTOR_DETERMINISTIC sets it
    when it is imported later.
    """
    torch.set_deterministic_debug_mode((1 if warn_only else 2) if mode else 0)
    if (compiler := sys.modules.get("torch._inductor.config")) is not None:
        compiler.deterministic = mode  # type: ignore[attr-defined]
