"""The description of a set in the format Croissant 1.0 of MLCommons, and its checksums.

Source: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from papertrial.data.cards.card import FileCheck
from papertrial.errors import DataError
from papertrial.progress import Step, Steps

_FILES = ("croissant.json", "metadata.json")
_CONFORMS = "mlcommons.org/croissant"


class Croissant(NamedTuple):
    """What a description says of a set: texts, "" if it does not, splits, and its files."""

    file: str
    licence: str
    homepage: str
    citation: str
    splits: tuple[str, ...]
    checks: tuple[FileCheck, ...]


def read_croissant(folder: Path) -> Steps[Croissant | None]:
    """Read the description of a set in its folder and verify the files; None if it has none.

    Only files inside the folder are opened: by the path in `contentUrl`, or, for an address, by the
    last part of it. Files without a SHA-256, and those inside an archive, are not verified.

    Raises:
        DataError: the description is not JSON.
    """
    for name in _FILES:
        path = folder / name
        if path.is_file():
            try:
                document = json.loads(path.read_bytes())
            except ValueError as error:
                if name != _FILES[0]:  # any other program's file
                    continue
                raise DataError(f"{path} is not JSON: {error}; repair or delete it") from error
            if isinstance(document, dict) and _CONFORMS in json.dumps(document.get("conformsTo")):
                return (yield from _read(folder, name, document))
    return None


def _read(folder: Path, name: str, document: dict[str, Any]) -> Steps[Croissant]:
    checks = list[FileCheck]()
    for one in _listed(document.get("distribution")):
        digest = one.get("sha256")
        if isinstance(digest, str) and not one.get("containedIn"):
            place = str(one.get("contentUrl") or one.get("@id") or one.get("name") or "")
            yield Step(f"verifying {place}", len(checks), None, "files")
            checks.append(_check(folder, place, digest.lower()))
    return Croissant(
        file=name,
        licence=_text(document.get("license")),
        homepage=_text(document.get("url")),
        citation=_text(document.get("citeAs") or document.get("citation")),
        splits=tuple(dict.fromkeys(_splits(document))),
        checks=tuple(checks),
    )


def _check(folder: Path, place: str, digest: str) -> FileCheck:
    is_address = "://" in place
    path = folder / (place.rpartition("/")[2] if is_address else place)
    state: Literal["verified", "wrong checksum", "not there"] = "not there"
    if path.resolve().is_relative_to(folder.resolve()) and path.is_file():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        state = "verified" if found == digest else "wrong checksum"
    return FileCheck(file=place, sha256=digest, state=state)


def _splits(document: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the splits: the data of the record sets whose type is a split."""
    for records in _listed(document.get("recordSet")):
        if "Split" in json.dumps(records.get("dataType")):
            for row in _listed(records.get("data")):
                yield from (value for key, value in row.items() if key.endswith("name"))


def _listed(value: object) -> list[dict[str, Any]]:
    """Return objects of a document that may be one or several."""
    items = value if isinstance(value, list) else [value]
    return [one for one in items if isinstance(one, dict)]


def _text(value: object) -> str:
    """Return what a key says as text: of an object its name or address, of a list all."""
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        return _text(value.get("name") or value.get("url") or value.get("@id"))
    return value if isinstance(value, str) else ""
