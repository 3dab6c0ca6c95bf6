"""Where a result came from: code, versions, machine, command, time."""

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
from typing import Any

import papertrial

_TOP = re.compile(r"^([A-Za-z_]\w*)(?=[/.\s])", re.MULTILINE)  # in a list of files
SOURCE = "papertrial source"  # what stands beside the version: an editable install has no other
_PACKAGES = ("papertrial", "torch", "torchvision", "torchmetrics", "numpy", "scikit-learn")


def utc_now() -> str:
    """Return the time in ISO 8601, UTC, to the millisecond."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def git(folder: Path) -> dict[str, Any] | None:
    """Return {"commit", "dirty"} of the repository that a folder lies in, None where there is none.

    `dirty` counts changes to tracked files and files that git does not know.
    """

    def ask(*words: str) -> str:
        command = ["git", "-C", str(folder), *words]
        done = subprocess.run(command, capture_output=True, check=True, timeout=10)
        return done.stdout.decode(errors="replace").strip()

    try:
        return {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def command_line() -> str:
    """Return the command of this process as a shell takes it."""
    return shlex.join(sys.argv)


def environment() -> dict[str, Any]:
    """Return versions, machine, command line and number of this process."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "machine": platform.machine(),
        "host": platform.node(),
        "pid": os.getpid(),
        "cpus": os.cpu_count(),
        "command": command_line(),
        "folder": str(Path.cwd()),
        "git": git(Path.cwd()),
    }


def _versions() -> dict[str, str | None]:
    versions: dict[str, str | None] = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {**versions, SOURCE: source_digest()}


def distributions(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed distributions that top-level modules belong to."""
    wanted = set(modules)
    found = [one for one, owned in _installed() if owned & wanted]
    return dict(sorted((str(one.metadata["Name"]), one.version) for one in found))


@functools.cache
def _installed() -> list[tuple[importlib.metadata.Distribution, set[str]]]:
    """List each installed distribution with its top-level modules.

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
    """Return the SHA-256 of papertrial's own Python files, as they are when it is first asked."""
    digest, package = hashlib.sha256(), Path(papertrial.__file__).parent
    for path in sorted(package.rglob("*.py")):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(package).as_posix()} {content}\n".encode())
    return digest.hexdigest()
