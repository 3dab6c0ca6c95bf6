"""What runs a program: the executable, a Python's version and packages, a container image."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field

from papertrial.errors import PapertrialError, nearest
from papertrial.record import Part

_PYTHON = re.compile(r"python[0-9.]*")
_TIMEOUT = 60  # seconds
# The folder of the program comes first in sys.path, and may hide modules of the standard library.
_ASK = """
import sys
sys.path[:] = [entry for entry in sys.path if entry]
import importlib.metadata, json, platform
packages, editable = {}, {}
for one in importlib.metadata.distributions():
    # Parsing whole files, with their long descriptions, would double the time.
    text = one.read_text("METADATA") or one.read_text("PKG-INFO") or one.read_text("") or ""
    lines = text.partition("\\n\\n")[0].split("\\n")
    about = dict(line.partition(": ")[::2] for line in reversed(lines))
    name = about.get("Name")
    if name:
        name = name.lower().replace("_", "-").replace(".", "-")
        packages.setdefault(name, about.get("Version"))
        url = json.loads(one.read_text("direct_url.json") or "{}")
        if url.get("dir_info", {}).get("editable"):
            editable[name] = url["url"]
print(json.dumps([platform.python_version(), packages, editable]))
"""


class Interpreter(Part):
    """What runs a program.

    Attributes:
        path: the executable that the first word of the command names.
        kind: "python", or "other" for any other executable.
        version: of Python.
        packages: versions of the packages that this Python can import, by normalized name.
        editable: the URLs of the folders of packages that are installed with `pip install -e`. The
            program imports them from there, also if this is the folder of which it is a copy.
        sha256: of an executable that is not a Python.
    """

    path: str
    kind: Literal["python", "other"]
    version: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)
    editable: dict[str, str] = Field(default_factory=dict)
    sha256: str | None = None


def resolve_command(name: str, folder: Path, environment: Mapping[str, str]) -> Path:
    """Return the executable that the first word of a command names.

    Args:
        name: a name that is looked up in PATH or, with a slash, a path from the program's folder.
        folder: the program's folder.
        environment: all variables of the program; of these, PATH counts.

    Raises:
        PapertrialError: it is not found, or not executable.
    """
    path = environment.get("PATH", os.defpath)
    if "/" not in name:
        if found := shutil.which(name, path=path):
            return Path(found)
        raise PapertrialError(f'command not found: "{name}"{_suggestion(name, folder, path)}')
    file = folder / name
    if file.is_file() and os.access(file, os.X_OK):
        return file
    if file.is_file():
        raise PapertrialError(
            f'the command "{name}" is not executable: run `chmod +x {name}`, or start the command '
            "with its interpreter"
        )
    raise PapertrialError(f'command not found: "{name}" is not a file in {folder}')


def describe_interpreter(name: str, folder: Path, environment: Mapping[str, str]) -> Interpreter:
    """Return what runs a command: a Python with its packages, or another executable's SHA-256.

    Arguments and errors are those of `resolve_command`.
    """
    path = resolve_command(name, folder, environment)
    python = path if _PYTHON.fullmatch(path.name) else _python_of_script(path, environment)
    if python is not None:
        version, packages, editable = _ask(python, folder, environment)
        return Interpreter(
            path=str(path), kind="python", version=version, packages=packages, editable=editable
        )
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Interpreter(path=str(path), kind="other", sha256=digest)


def image_digest(runner: str, image: str) -> str:
    """Return the digest of a container image: its id, or the SHA-256 of a .sif file.

    Args:
        runner: "docker", "podman", or the path of either; not used for a file.
        image: the name of an image, or the path of a .sif file.

    Raises:
        PapertrialError: the runner or the image is not there.
    """
    file = Path(image)
    if file.suffix == ".sif":
        if not file.is_file():
            raise PapertrialError(f'the container image "{image}" is not a file')
        with file.open("rb") as content:
            return "sha256:" + hashlib.file_digest(content, "sha256").hexdigest()
    command = [runner, "image", "inspect", "--format", "{{.Id}}", image]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=_TIMEOUT
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PapertrialError(
            f'the container image "{image}" cannot be inspected: {_reason(error)}; '
            f"try `{runner} pull {image}`"
        ) from error
    return done.stdout.decode().strip()


def _suggestion(name: str, folder: Path, path: str) -> str:
    if _PYTHON.fullmatch(name):
        other = "python3" if name != "python3" and shutil.which("python3", path=path) else ""
        return f'; write "{other or "{python}"}"' + (
            ', or "{python}" for the Python that runs papertrial' if other else ""
        )
    if (folder / name).is_file():
        return f'; write "./{name}" for the file in the program\'s folder'
    executables = {
        entry.name
        for each in path.split(os.pathsep)
        if each and Path(each).is_dir()
        for entry in os.scandir(each)
    }
    return nearest(name, executables) or "; give its path, or add its folder to PATH"


def _python_of_script(path: Path, environment: Mapping[str, str]) -> Path | None:
    """Return the Python in the first line of a script; None if it has none."""
    with path.open("rb") as file:
        first = file.read(256).partition(b"\n")[0].decode(errors="replace")
    words = first.removeprefix("#!").split() if first.startswith("#!") else []
    if words and Path(words[0]).name == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if not words or not _PYTHON.fullmatch(Path(words[0]).name):
        return None
    found = shutil.which(words[0], path=environment.get("PATH", os.defpath))
    return None if found is None else Path(found)


def _ask(
    python: Path, folder: Path, environment: Mapping[str, str]
) -> tuple[str, dict[str, str], dict[str, str]]:
    """Return a Python's version, the packages that it can import, and the editable ones."""
    try:
        done = subprocess.run(
            [str(python), "-c", _ASK],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT,
        )
        version, packages, editable = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise PapertrialError(
            f"{python} cannot list its packages: {_reason(error)}; Python 3.8 or newer is needed"
        ) from error
    return str(version), dict(sorted(packages.items())), dict(sorted(editable.items()))


def _reason(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"exit code {error.returncode}"
    return str(error)
