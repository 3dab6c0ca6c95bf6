"""The provenance of a result: code, versions, machine, command and time."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import papertrial
from papertrial.errors import PapertrialError
from papertrial.programs.git import run_git
from papertrial.store.run_records import Environment, GitState
from papertrial.version import __version__

_TOP = re.compile(r"^([A-Za-z_]\w*)(?=[/.\s])", re.MULTILINE)  # in a list of files
SOURCE = "papertrial source"  # what stands beside the version: an editable install has no other
_GIT_SECONDS = 10
_HEAD = b"# branch.oid "
_PACKAGES = ("torch", "torchvision", "torchmetrics", "numpy", "scikit-learn")


def utc_now() -> str:
    """Return the current time for the provenance of a result: ISO 8601, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def git(folder: Path) -> GitState | None:
    """Return the Git state of a folder for the provenance of a run; None outside a repository.

    `dirty` means changed tracked files or untracked files.
    """

    try:
        words = ("status", "--porcelain=v2", "--branch")
        lines = run_git(*words, folder=folder, timeout=_GIT_SECONDS).splitlines()
        heads = [line.removeprefix(_HEAD) for line in lines if line.startswith(_HEAD)]
        if heads == [b"(initial)"]:  # a repository without a commit
            return None
        return GitState(
            commit=heads[0].decode(), dirty=any(not line.startswith(b"# ") for line in lines)
        )
    except (PapertrialError, OSError, subprocess.SubprocessError):
        return None


def command_line() -> str:
    """Return this process's command line for the provenance of a result, quoted for a shell."""
    return shlex.join(sys.argv)


def environment(
    device: str, *, device_name: str | None, cpu_capability: str | None, threads: int
) -> Environment:
    """Return for a run's provenance what it depends on apart from its recipe and data.

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
        versions={"python": platform.python_version(), **library_versions()},
        platform=platform.platform(),
        machine=platform.machine(),
        host=platform.node(),
        pid=os.getpid(),
        cpus=os.cpu_count(),
        command=command_line(),
        folder=str(Path.cwd()),
        git=git(Path.cwd()),
    )


def library_versions() -> dict[str, str | None]:
    """Return the versions of papertrial, of its source and of the libraries for a provenance."""
    # Ours is known also if the package is not installed but only on the path.
    versions: dict[str, str | None] = {"papertrial": __version__}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {**versions, SOURCE: source_digest()}


def package_versions(modules: Iterable[str]) -> dict[str, str]:
    """Return for a run's provenance the versions of the packages that modules belong to."""
    wanted = set(modules)
    found = [one for one, owned in _installed() if owned & wanted]
    return dict(sorted((str(one.metadata["Name"]), one.version) for one in found))


@functools.cache
def _installed() -> list[tuple[importlib.metadata.Distribution, set[str]]]:
    """List each installed package with its top-level modules, to record versions in a provenance.

    importlib.metadata.packages_distributions() makes a path of every installed file, which takes
    ten times as long.
    """
    found = []
    for one in importlib.metadata.distributions():
        files = one.read_text("RECORD") or one.read_text("top_level.txt") or ""
        found.append((one, set(_TOP.findall(files))))
    return found


@functools.cache
def source_digest() -> str:
    """Return the SHA-256 of papertrial's own source for the provenance of a run.

    It covers the Python files as they are when it is first asked for.
    """
    digest, package = hashlib.sha256(), Path(papertrial.__file__).parent
    for path in sorted(package.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()
