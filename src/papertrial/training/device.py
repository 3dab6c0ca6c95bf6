"""Choose a device, and set what makes a training on it reproducible."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, TypedDict

import torch

from papertrial.data.streams import generators_kept
from papertrial.errors import DeviceError, PapertrialError


def pick_device(name: str = "auto") -> torch.device:
    """Return the named device, or for "auto" the first available of CUDA, MPS and the CPU.

    Raises:
        DeviceError: this machine does not have the device, or the name is not valid.
    """
    present = _present()
    if name == "auto":
        return torch.device(present[0])
    try:
        device = torch.device(name)
    except RuntimeError as error:
        rule = f"a device is auto, cpu, mps, cuda or cuda:N, got {name!r}"
        raise DeviceError(rule) from error
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    if device.type not in present or (device.index or 0) >= count:
        raise DeviceError(f"this machine has no device {name!r}; it has {', '.join(present)}")
    return device


def _present() -> list[str]:
    """List the types of device that this machine has, the preferred one first."""
    cuda = ["cuda"] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return [*cuda, *mps, "cpu"]


def kind_of(name: str) -> str:
    """Return "cpu", "mps" or "cuda" for the name of a device.

    Raises:
        DeviceError: this machine does not have the device.
    """
    return pick_device(name).type


def places_of(name: str, workers: int | None, cores: int) -> list[str]:
    """Return a device for each of several trainings that run at the same time.

    Args:
        name: with "auto" or "cuda" the trainings take turns on the GPUs; otherwise all of them use
            this device.
        workers: number of trainings; None for one per GPU, one on MPS, and `cores` on the CPU.
        cores: number of trainings that the CPU has cores for.
    """
    device = pick_device(name)
    if device.type == "cuda" and device.index is None:
        gpus = torch.cuda.device_count()
        return [f"cuda:{i % gpus}" for i in range(workers or gpus)]
    return [str(device)] * (workers or (cores if device.type == "cpu" else 1))


def has_room(device: torch.device, nbytes: int) -> bool:
    """Return whether to keep data on the device: only on CUDA, in a quarter of its free memory."""
    return device.type == "cuda" and nbytes < torch.cuda.mem_get_info(device)[0] / 4


@contextlib.contextmanager
def numerics(device: torch.device, threads: int | None = None) -> Iterator[None]:
    """Set up the device for reproducible results and fast runs; restore the settings afterwards.

    - Deterministic algorithms; torch warns about operations that have none.
    - No autotuning by cuDNN.
    - `threads` intra-op threads; None keeps the number that torch chose.
    - Denormal numbers are flushed to zero on the CPU, because vanishing gradients otherwise make a
      step several times slower.
    - The default dtype is float32.
    - The random generators are restored afterwards.

    These settings belong to the process, so only one training can run in a process at a time.
    Flushing is set per thread. The worker threads of torch inherit it when they start, so it
    reaches all of them if nothing has been computed in parallel before, as on the command line.
    """
    deterministic: Any = torch.utils.deterministic  # its attribute is not in the type stubs
    workspace = os.environ.get("CUBLAS_WORKSPACE_CONFIG")
    if device.type == "cuda":  # read when cuBLAS starts; otherwise matrix products may differ
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = workspace or ":4096:8"
    before = (
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        deterministic.fill_uninitialized_memory,
        torch.backends.cudnn.benchmark,
        _flushes_denormals(),
    )
    dtype = torch.get_default_dtype()
    with generators_kept(device):
        if threads is not None:
            torch.set_num_threads(threads)
        torch.set_default_dtype(torch.float32)
        torch.set_flush_denormal(True)
        torch.use_deterministic_algorithms(True, warn_only=True)
        deterministic.fill_uninitialized_memory = False  # only a debugging aid, and slow
        torch.backends.cudnn.benchmark = False
        try:
            yield
        finally:
            torch.set_num_threads(before[0])
            torch.use_deterministic_algorithms(before[1], warn_only=before[2])
            deterministic.fill_uninitialized_memory = before[3]
            torch.backends.cudnn.benchmark = before[4]
            torch.set_flush_denormal(before[5])
            torch.set_default_dtype(dtype)
            if device.type == "cuda" and workspace is None:
                os.environ.pop("CUBLAS_WORKSPACE_CONFIG", None)


@contextlib.contextmanager
def on_device(name: str, threads: int | None) -> Iterator[torch.device]:
    """Choose a device, and apply `numerics` to it within the block.

    Raises:
        DeviceError: this machine does not have the device.
        PapertrialError: threads is less than 1.
    """
    if threads is not None and threads < 1:
        raise PapertrialError(f"threads >= 1 must hold, got {threads}")
    device = pick_device(name)
    with numerics(device, threads):
        yield device


class Machine(TypedDict):
    """The hardware of a run. Another CPU instruction set can give other bits."""

    device_name: str | None
    cpu_capability: str
    threads: int


def machine(device: torch.device) -> Machine:
    """Return the training device's name, the CPU's instruction set, and the number of threads."""
    return {
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else None,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }


def _flushes_denormals() -> bool:
    """Return whether the CPU device flushes denormals to zero; torch has no getter for it."""
    tiny = torch.tensor(1e-308, dtype=torch.float64)
    return bool(tiny / 4 == 0)
