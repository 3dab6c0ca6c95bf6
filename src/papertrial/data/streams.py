"""Named random streams, all derived from the seed of the recipe.

A stream is a path such as ("shuffle", epoch) or ("model", epoch, step). Different paths have
independent numbers, and a new stream never changes another: no generator is shared.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch


def derive(seed: int, *path: str | int) -> int:
    """Derive the 63-bit seed of a random stream: the first bytes of a BLAKE2b hash of its path."""
    text = "/".join(map(str, (seed, *path)))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def generator(seed: int, *path: str | int) -> torch.Generator:
    """Return a CPU generator at the start of the random stream `path` of `seed`."""
    return torch.Generator().manual_seed(derive(seed, *path))


def generators(device: torch.device) -> list[torch.Generator]:
    """Return the random generators that layers such as dropout draw from, on CPU and device.

    Seeding these is a hundred times as fast as torch.manual_seed, which visits every backend.
    """
    if device.type == "cuda":
        torch.cuda.init()  # type: ignore[no-untyped-call]
        index = torch.cuda.current_device() if device.index is None else device.index
        return [torch.default_generator, torch.cuda.default_generators[index]]
    if device.type == "mps":
        return [torch.default_generator, torch.mps._get_default_mps_generator()]
    return [torch.default_generator]


def seed_all(device: torch.device, seed: int) -> None:
    """Seed the random generators of torch, Python and numpy, which models may draw from."""
    for generator in generators(device):
        generator.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)


def generator_states(device: torch.device) -> dict[str, object]:
    """Return the state of every random generator that `seed_all` seeds, by library."""
    with torch._C.DisableTorchFunction():  # these calls are not the model's
        torchs = [generator.get_state().numpy().tobytes() for generator in generators(device)]
    numpys: Any = np.random.get_state()
    return {
        "torch": torchs,
        "numpy": (numpys[1].tobytes(), *numpys[2:]),
        "Python": random.getstate(),
    }


@contextlib.contextmanager
def drawing_from(device: torch.device, seed: int) -> Iterator[None]:
    """Draw random numbers in the block from a separate stream; restore the generators on exit."""
    with generators_kept(device):
        seed_all(device, seed)
        yield


@contextlib.contextmanager
def generators_kept(device: torch.device) -> Iterator[None]:
    """Restore all random generators that `seed_all` seeds on exit, also after an error."""
    python, numpy = random.getstate(), np.random.get_state()
    devices = [device] if device.type in ("cuda", "mps") else []
    try:
        with torch.random.fork_rng(devices, device_type=device.type if devices else "cuda"):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
