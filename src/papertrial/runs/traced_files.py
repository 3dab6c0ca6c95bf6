"""Trace the files that a training depends on, as provenance.json stores them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.data.texts.locate_vectors import find_vectors
from papertrial.errors import RecipeError, RunError
from papertrial.hub import hub_caches, is_on_hub, kept_snapshot, read_reference
from papertrial.recipe.content import content_of, content_of_files
from papertrial.recipe.dependency import Dependency, changes
from papertrial.recipe.portable import Portable, portable
from papertrial.recipe.reads import MOST, Read
from papertrial.recipe.schema import Recipe
from papertrial.store.provenance import package_versions
from papertrial.store.run_records import Provenance


@dataclass(frozen=True)
class TracedFiles:
    """The files that a training depends on, as provenance.json stores them."""

    dependencies: tuple[Dependency, ...]
    not_covered: tuple[str, ...]
    packages: dict[str, str]


def check_unchanged(recipe: Recipe, before: Sequence[Dependency], since: str) -> None:
    """Check that the files that a recipe depends on have not changed since they were traced.

    Args:
        recipe: the recipe.
        before: its files as they were.
        since: when `before` was recorded, for the message.

    Raises:
        RunError: a file has changed; the message names it.
    """
    changed = changes(before, portable(recipe).dependencies)
    if changed:
        raise RunError(f"{'; '.join(changed)} since {since}; run again without changing files")


def trace_files(
    copies: Portable,
    reads: Sequence[Read],
    aside: Iterable[Path],
    others: Sequence[Dependency] = (),
) -> TracedFiles:
    """Trace the files that a training depends on: the recipe's own, and those that were read.

    Args:
        copies: the recipe with its files.
        reads: the files that were read while its objects were built.
        aside: folders and files whose content is recorded elsewhere, such as data by fingerprints.
        others: further files that were read.
    """
    known = {Path(one.path) for one in copies.dependencies}
    inside = (one for one in copies.dependencies if one.kind in ("folder", "tokenizer"))
    apart = [*(path.resolve() for path in aside), *(Path(one.path) for one in inside)]
    found = [
        read
        for read in (*reads, *_trace_named(copies.reads))
        if read.path not in known and not any(read.path.is_relative_to(path) for path in apart)
    ]
    unique = list({read.path: read for read in found}.values())
    notes = [*copies.not_covered, *map(_note_on_read, unique)]
    if len(reads) >= MOST:
        notes.append(f"more than {MOST} files were read at run time; the first {MOST} are stored")
    kept = [*copies.dependencies, *others, *map(_dependency, unique)]
    return TracedFiles(tuple(kept), tuple(notes), package_versions(copies.packages))


def trace_hub(recipe: Recipe) -> list[Dependency]:
    """Trace the files of the hub that the recipe names, whose content its commits fix."""
    named = {text for text in hub_names(recipe) if text != recipe.data.source_name}
    traced = []
    for text in sorted(named):
        found = kept_snapshot(read_reference(text))
        if found is None:
            continue
        folder, files = found
        content = content_of_files(folder, files)
        traced.append(
            Dependency(
                kind="hub",
                name=text,
                path=str(folder),
                bytes=content.bytes,
                sha256=content.sha256,
                copied=False,
                hashed=False,
            )
        )
    return traced


def hub_names(recipe: Recipe) -> list[str]:
    """Return the repositories of the hub that a recipe names."""
    text, found = recipe.data.text, list[str]()
    if is_on_hub(recipe.data.source_name):
        found.append(recipe.data.source_name)
    if text is not None and text.tokenizer is not None and is_on_hub(text.tokenizer):
        found.append(text.tokenizer)
    arguments = recipe.model.kwargs.values()
    return [*found, *(one for one in arguments if isinstance(one, str) and is_on_hub(one))]


def trace_vectors(recipe: Recipe, home: Path) -> list[Dependency]:
    """Trace the file in the data folder of the word vectors that the recipe names."""
    wanted = recipe.data.text.vectors if recipe.data.text else None
    found = None if wanted is None or Path(wanted).is_absolute() else find_vectors(wanted, home)
    if wanted is None or found is None:
        return []
    content = content_of(found[0])
    return [
        Dependency(
            kind="vectors",
            name=wanted,
            path=str(found[0]),
            bytes=content.bytes,
            sha256=content.sha256,
            copied=False,
            hashed=False,
        )
    ]


def stored_elsewhere(recipe: Recipe, home: Path) -> list[Path]:
    """Return the paths not to trace: data and start run, whose content is recorded elsewhere."""
    data, images = recipe.data, recipe.data.image
    folder = images.folder if images else None
    named = [*data.paths, folder, recipe.start.weights if recipe.start else None]
    if data.source == "image-table":  # its images lie beside it, unless a folder is named
        named += [str(Path(path).parent) for path in data.paths]
    caches = hub_caches() if hub_names(recipe) else []
    return [home, *caches, *(Path(path) for path in named if path is not None)]


def check_uncopied(provenance: Provenance, run: Path, apart: Collection[str] = ()) -> None:
    """Check that the traced files of a run that were too large to be copied are still there.

    Args:
        provenance: of the run.
        run: its folder.
        apart: keys of the recipe whose files are not needed.

    Raises:
        RunError: a file is absent or has changed.
    """
    for one in provenance.dependencies:
        if one.copied or not one.hashed or one.kind not in ("file", "folder") or one.name in apart:
            continue
        rule = (
            f"the run {run} needs the {one.kind} {one.path} ({one.name}, {one.bytes:,} bytes, "
            f"SHA-256 {one.sha256}), which was too large to be copied"
        )
        try:
            content = content_of(Path(one.path))
        except RecipeError as error:
            raise RunError(f"{rule}, but it is absent; put it back") from error
        if content.sha256 != one.sha256:
            raise RunError(f"{rule}, but its content has changed; put the original back")


def _trace_named(reads: Iterable[tuple[str, str]]) -> Iterator[Read]:
    """Trace the existing files that a recipe's code names in calls that read them.

    Python does not see which files compiled code opens, such as that of safetensors.
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


def _note_on_read(read: Read) -> str:
    note = (
        f"the code reads {read.path} without an argument in the recipe that names it, so the file "
        "is neither part of the training hash nor copied"
    )
    if Path(read.given).expanduser().is_absolute():
        return note
    return (
        f"{note}; its path {read.given!r} is relative to the current folder, so it is another file "
        "in another folder"
    )
