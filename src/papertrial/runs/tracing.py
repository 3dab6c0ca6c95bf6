"""What a run's provenance says of the files that its training depended on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RecipeError, RunError
from papertrial.recipe.content import content_of
from papertrial.recipe.dependency import Dependency, changes
from papertrial.recipe.portable import Portable, portable
from papertrial.recipe.reads import MOST, Read
from papertrial.recipe.schema import Recipe
from papertrial.store.provenance import distributions
from papertrial.store.run_records import Provenance


@dataclass(frozen=True)
class Traced:
    """What a run keeps of the files that its training depends on."""

    dependencies: tuple[Dependency, ...]
    not_covered: tuple[str, ...]
    packages: dict[str, str]


def check_unchanged(recipe: Recipe, before: Sequence[Dependency], since: str) -> None:
    """Refuse a recipe whose files are not what they were.

    Raises:
        RunError: naming those that changed.
    """
    unlike = changes(before, portable(recipe).dependencies)
    if unlike:
        raise RunError(f"{'; '.join(unlike)} since {since}; run again, and leave it as it is")


def traced(
    copies: Portable,
    reads: Sequence[Read],
    aside: Iterable[Path],
    others: Sequence[Dependency] = (),
) -> Traced:
    """Return what provenance.json keeps of a recipe's files.

    Args:
        copies: the recipe with its files.
        reads: what was read while its objects were made.
        aside: folders and files whose content is kept in another way, as data are by fingerprints.
        others: further files that were read.
    """
    known = {Path(one.path) for one in copies.dependencies}
    apart = [path.resolve() for path in aside]
    found = [
        read
        for read in (*reads, *_named(copies.reads))
        if read.path not in known and not any(read.path.is_relative_to(path) for path in apart)
    ]
    unique = list({read.path: read for read in found}.values())
    notes = [*copies.not_covered, *map(_said, unique)]
    if len(reads) >= MOST:
        notes.append(f"more than {MOST} files were read at run time; the first {MOST} are kept")
    kept = [*copies.dependencies, *others, *map(_dependency, unique)]
    return Traced(tuple(kept), tuple(notes), distributions(copies.packages))


def check_there(provenance: Provenance, run: Path) -> None:
    """Refuse a run whose model needs a file that was too large to be copied and is gone.

    Raises:
        RunError: the file is not where it was, or is another one.
    """
    for one in provenance.dependencies:
        if one.copied or not one.hashed or one.kind not in ("file", "folder"):
            continue
        rule = (
            f"the run {run} needs the {one.kind} {one.path} ({one.name}, {one.bytes:,} bytes, "
            f"SHA-256 {one.sha256}), which was too large to be copied"
        )
        try:
            content = content_of(Path(one.path))
        except RecipeError as error:
            raise RunError(f"{rule}, and it is not there; put it back") from error
        if content.sha256 != one.sha256:
            raise RunError(f"{rule}, and another one is there now; put the first one back")


def _named(reads: Iterable[tuple[str, str]]) -> Iterator[Read]:
    """Yield the files that code names where it reads them, and that are there.

    Compiled code, as that of safetensors, opens files without Python's knowing.
    """
    for _, text in reads:
        path = Path(text)
        with contextlib.suppress(RecipeError, OSError, RuntimeError, ValueError):
            path = path.expanduser().absolute()
            if path.is_file():
                yield Read(path, text, content_of(path))


def _dependency(read: Read) -> Dependency:
    return Dependency(
        kind="read",
        name=read.given,
        path=str(read.path),
        bytes=read.content.bytes,
        sha256=read.content.sha256,
        copied=False,
        hashed=False,
    )


def _said(read: Read) -> str:
    told = (
        f"{read.path}: read at run time; not part of the training hash, not copied; an argument in "
        "the recipe can name it"
    )
    if Path(read.given).expanduser().is_absolute():
        return told
    return (
        f"{told}; its path {read.given!r} is relative to the current folder, so it is another file "
        "in another folder"
    )
