"""Named random streams, all derived from the one recipe seed.

A stream is a path such as ("shuffle", epoch) or ("model", epoch, step). Two paths give unrelated
numbers, and adding a stream never moves another: nothing is drawn from a shared generator.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator

import numpy as np
import torch


def derive(seed: int, *path: str | int) -> int:
    """Return a 63-bit seed for the stream `path` of `seed`: the first bytes of a BLAKE2b hash."""
    text = "/".join(map(str, (seed, *path)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Return a CPU generator at the start of the stream `path` of `seed`."""
    return torch.Generator().manual_seed(derive(seed, *path))


def generators(device: torch.device) -> list[torch.Generator]:
    """Return what a model draws from by itself, as dropout does: the CPU's and the device's.

    To seed these is not to call torch.manual_seed, which visits every backend and takes a hundred
    times as long.
    """
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


def seed_all(device: torch.device, seed: int) -> None:
    """Seed torch, and Python's and numpy's generators, which models may draw weights from."""
    for generator in generators(device):
        generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


@contextlib.contextmanager
def drawing_from(device: torch.device, seed: int) -> Iterator[None]:
    """Let what is inside draw from a stream of its own; then put all the generators back."""
    with generators_kept(device):
        seed_all(device, seed)
        yield


@contextlib.contextmanager
def generators_kept(device: torch.device) -> Iterator[None]:
    """Put back afterwards, also after an error, all the generators that `seed_all` seeds."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = [device] if device.type in ("cuda", "mps") else []
    try:
        with torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
