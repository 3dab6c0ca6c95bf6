"""Where a result came from: code, versions, machine, command, time."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path

from papertrial.store.run_records import Environment, GitState

_PACKAGES = ("papertrial", "torch", "torchvision", "torchmetrics", "numpy", "scikit-learn")


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def git(folder: Path) -> GitState | None:
    """Return the state of the repository that a folder lies in; None if it lies in none.

    `dirty` counts changes to tracked files and files that git does not know.
    """

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(command, capture_output=True, check=True, timeout=10)
        return done.stdout.decode(errors="replace").strip()

    try:
        return GitState(commit=ask("rev-parse", "HEAD"), dirty=bool(ask("status", "--porcelain")))
    except (OSError, subprocess.SubprocessError):
        return None


def command_line() -> str:
    """Return the command of this process as a shell takes it."""
    return shlex.join(sys.argv)


def environment(
    device: str, *, device_name: str | None, cpu_capability: str | None, threads: int
) -> Environment:
    """Return what a run depends on beside its recipe and data.

    Args:
        device: the device that it computes on, such as "cuda:0".
        device_name: the GPU's name; None for a CPU.
        cpu_capability: the CPU's instruction set that torch uses, such as "AVX2".
        threads: intra-op threads.
    """
    return Environment(
        device=device,
        device_name=device_name,
        cpu_capability=cpu_capability,
        threads=threads,
        versions={"python": platform.python_version(), **_versions()},
        platform=platform.platform(),
        machine=platform.machine(),
        host=platform.node(),
        pid=os.getpid(),
        cpus=os.cpu_count(),
        command=command_line(),
        folder=str(Path.cwd()),
        git=git(Path.cwd()),
    )


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions
