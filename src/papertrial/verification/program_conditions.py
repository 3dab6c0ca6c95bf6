"""What a program's verdict rests on beside its files: its interpreter, packages and image."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from papertrial.errors import PapertrialError
from papertrial.programs.code_files import (
    content_hash,
    file_hashes,
    list_files,
    original_folder,
)
from papertrial.programs.interpreter import describe_interpreter, image_digest
from papertrial.programs.placeholders import fill
from papertrial.recipe.program import Program
from papertrial.store.provenance import SOURCE, library_versions

ON_PATH = "code in PYTHONPATH"  # followed by a folder
OURS = ("papertrial", SOURCE)  # these versions read the scores
_CODE = (".py", ".so", ".pyd", ".dylib")  # files that Python imports
Versions = dict[str, str | None]
V = TypeVar("V")


def versions_of_side(found: Mapping[str, V], number: int) -> dict[str, V]:
    """Name versions by the side that has them; ours, number 0, have plain names."""
    mark = f" (versus {number})" if number else ""
    return {f"{name}{mark}": version for name, version in found.items()}


def program_versions(
    program: Program, folder: Path, values: Mapping[str, str]
) -> tuple[Versions, dict[str, str]]:
    """Return the versions that a program depends on, and those of its interpreter's packages.

    Args:
        program: the program.
        folder: the folder with its files.
        values: of the placeholders.

    Raises:
        PapertrialError: the command is not found, or the image is not there.
    """
    filled = {**program.parameters, **values, "out": str(folder)}
    variables = {name: fill(text, filled) for name, text in program.environment.items()}
    first = fill(program.command[0], filled)
    found = describe_interpreter(first, folder, {**os.environ, **variables})
    known = library_versions()
    versions: Versions = {name: known[name] for name in OURS}
    if found.kind == "python":
        versions["python"] = found.version
    else:
        versions[f"executable {first}"] = found.sha256
    if program.image is not None:
        versions[f"image {program.image}"] = image_digest(first, program.image)
    for name, url in found.editable.items():
        if name not in versions:  # its files can change without a new version
            versions[f"editable package {name}"] = _hash_of_code(Path(unquote(urlsplit(url).path)))
    if found.kind == "python":
        entries = {**os.environ, **variables}.get("PYTHONPATH", "").split(os.pathsep)
        roots = (folder.resolve(), original_folder(folder))
        for path in (Path(folder, entry).resolve() for entry in entries if entry):
            if not any(path.is_relative_to(root) for root in roots):  # in which each file is hashed
                versions[f"{ON_PATH} {path}"] = _hash_of_code(path)
    return versions, dict(found.packages)


def _hash_of_code(folder: Path) -> str | None:
    """Return the SHA-256 of the code in a folder from which Python imports."""
    try:
        code = [name for name in list_files(folder) if Path(name).suffix in _CODE]
        return content_hash(file_hashes(folder, code))
    except PapertrialError:
        return None  # a folder that is not there cannot be imported from
