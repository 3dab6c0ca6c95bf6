"""Check that every seed had the registered code and files, and the same parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.check_runs import SeedRun
from papertrial.auditing.finding import Finding, differing, noted, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.errors import PapertrialError, RunError
from papertrial.recipe.content import content_of
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.load import load_recipe
from papertrial.store.run_folder import RECIPE, WEIGHTS
from papertrial.verification.registration import fixed_of

_HEADER = 8  # bytes at the start of a safetensors file: how long the JSON after them is


def check_files(recorded: Recorded, sides: list[SeedRun]) -> Iterator[Finding]:
    """Hash the copies in the folder and in each run, and compare with what was registered.

    Files that code reads at run time are not registered; they are compared between seeds.
    """
    messages = [
        *_home(recorded),
        *(f"{side}: {text}" for side in sides for text in _run(recorded, side)),
    ]
    messages += _between(sides)
    registered = {name for files in recorded.registered.files for name in files}
    count = f"{len(registered)} files" if len(registered) != 1 else "1 file"
    agrees = f"{count} of code and arguments, in the folder and in {len(sides)} runs, as registered"
    if not registered:
        agrees = "the recipe has no code or files of its own"
    yield from differing("files", messages, agrees)
    notes = (note for side in sides for note in side.provenance.not_covered)
    for note in dict.fromkeys(notes):
        yield noted("files", f"not covered: {note}")


def check_parameters(sides: list[SeedRun]) -> Iterator[Finding]:
    """Compare names, shapes and types of the stored weights across the seeds of each side."""
    if not sides:
        return
    messages, firsts = list[str](), dict[int, tuple[SeedRun, dict[str, str]]]()
    for side in sides:
        try:
            has = _shapes(side.run.path / WEIGHTS)
        except RunError as error:
            messages.append(f"{side}: {error}")
            continue
        first, had = firsts.setdefault(side.arm, (side, has))
        messages += (
            f"{side}: {name} is {has.get(name, 'absent')}, {had.get(name, 'absent')} in {first}"
            for name in dict.fromkeys((*had, *has))
            if had.get(name) != has.get(name)
        )
    counts = ", ".join(str(len(had)) for _, had in firsts.values())
    agrees = f"{counts} tensors, of the same names and shapes in all {len(sides)} runs"
    yield from differing("parameters", messages, agrees)


def _home(recorded: Recorded) -> Iterator[str]:
    """Say which files in the verification's folder are not those that were registered."""
    for home, fixed in zip(recorded.homes(), fixed_of(recorded.registered), strict=True):
        try:
            yield from fixed.unlike(load_recipe(home / RECIPE, check=False))
        except PapertrialError as error:
            yield str(error)


def _run(recorded: Recorded, side: SeedRun) -> Iterator[str]:
    """Say which files of a run are not those that were registered, or that it recorded."""
    registered = recorded.registered.files[side.arm]
    try:
        kept = [one for one in side.provenance.dependencies if one.hashed]
    except RunError as error:
        yield str(error)
        return
    for one in kept:
        if registered.get(one.name) != one.sha256:
            had = str(registered.get(one.name, "nothing"))[:12]
            yield f"{one.name} is recorded as {one.sha256[:12]}, but registered as {had}"
        if one.copied:
            yield from _copy(side.run.path, one)
    for name in registered.keys() - {one.name for one in kept}:
        yield f"{name} was registered, but the run has no record of it"


def _copy(run: Path, one: Dependency) -> Iterator[str]:
    try:
        digest = content_of(run / one.name).sha256
    except PapertrialError as error:
        yield str(error)
        return
    if digest != one.sha256:
        yield f"{one.name} has the SHA-256 {digest[:12]}, {one.sha256[:12]} is recorded"


def _between(sides: list[SeedRun]) -> Iterator[str]:
    """Say which files read at run time, and which packages, differ between two seeds."""
    firsts: dict[tuple[int, str], tuple[SeedRun, str]] = {}
    for side in sides:
        try:
            reads = {one.path: one.sha256 for one in side.provenance.dependencies
                     if not one.hashed}  # fmt: skip
        except RunError:
            continue  # `_run` reports it
        packages = side.provenance.packages
        for name, value in (*reads.items(), *packages.items()):
            first, had = firsts.setdefault((side.arm, name), (side, value))
            if had != value:
                yield f"{side}: {name} is {value[:12]}, {had[:12]} in {first}"


def _shapes(path: Path) -> dict[str, str]:
    """Return the type and shape of each tensor in a safetensors file, from its header alone.

    Raises:
        RunError: it is absent or damaged.
    """
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(_HEADER), "little")
            header: dict[str, dict[str, object]] = json.loads(
                file.read(min(length, path.stat().st_size))
            )
        return {
            name: f"{about['dtype']} {about['shape']}"
            for name, about in header.items()
            if name != "__metadata__"
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise RunError(f"{path.name} is damaged: {shortened(str(error))}") from error
