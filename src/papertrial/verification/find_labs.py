"""Find the common registration of laboratories, labs.json, by its SHA-256."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from papertrial.errors import RunError
from papertrial.store.laboratory_folders import LABS, LabsFolder
from papertrial.verification.laboratory import Laboratory

_UPWARDS = 6  # folders above a verification: recipe, runs, laboratory, registration, ..


def find_labs(
    labs: Sequence[Laboratory], root: Path, given: Path | None = None
) -> LabsFolder | None:
    """Return the folder with the labs.json that laboratories name; None if they name none.

    It is looked for in the folders above each laboratory, and among the runs.

    Args:
        labs: the laboratories.
        root: the folder of runs.
        given: labs.json, or its folder; None to look for it.

    Raises:
        RunError: it is not found or not the one that is named, or laboratories name different ones.
    """
    named = {lab.path: None if lab.part is None else lab.part.registration for lab in labs}
    digests = set(named.values())
    if len(digests) > 1:
        listed = "; ".join(
            f"{path}: {'none' if digest is None else digest[:12]}" for path, digest in named.items()
        )
        raise RunError(
            f"the laboratories are not parts of one common registration ({listed}); combine those "
            "of one labs.json"
        )
    (digest,) = digests
    if digest is None:
        if given is not None:
            raise RunError(f"{given} is not the registration of these laboratories: they name none")
        return None
    if given is not None:
        file = given / LABS if given.is_dir() else given
        if file.name != LABS or not file.is_file():
            raise RunError(f"there is no file {file}; give {LABS}, or its folder")
        folder = LabsFolder(file.parent)
        if folder.sha256 != digest:
            raise RunError(
                f"{folder.path / LABS} has the SHA-256 {folder.sha256[:12]}, but the laboratories "
                f"name {digest[:12]}: it was edited, or it is another registration"
            )
        return folder
    edited = list[Path]()
    for path in dict.fromkeys(_candidates(labs, root)):
        folder = LabsFolder(path)
        if folder.sha256 == digest:
            return folder
        if f"-{digest[:8]}-labs" in path.name:
            edited.append(path / LABS)
    if edited:
        raise RunError(f"{edited[0]} was edited after it was registered; restore it")
    raise RunError(
        f"the common registration of these laboratories, {LABS} with the SHA-256 {digest[:12]}, "
        "was not found; give it with --registration"
    )


def _candidates(labs: Sequence[Laboratory], root: Path) -> Iterator[Path]:
    for lab in labs:
        for above in lab.path.resolve().parents[:_UPWARDS]:
            if (above / LABS).is_file():
                yield above
    for file in sorted(root.glob(f"*/*/{LABS}")):
        yield file.parent
