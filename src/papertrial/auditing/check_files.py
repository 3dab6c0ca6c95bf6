"""Check that the files of code and arguments are the registered ones, for every seed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.finding import Finding, findings_of, noted
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.seed_run import SeedRun
from papertrial.errors import PapertrialError, RunError
from papertrial.recipe.content import content_of
from papertrial.recipe.dependency import Dependency
from papertrial.recipe.load import load_recipe
from papertrial.store.run_folder import RECIPE
from papertrial.verification.registration import fixed_of


def check_files(recorded: Recorded, sides: list[SeedRun]) -> Iterator[Finding]:
    """Hash the copied files in the folder and in each run, and compare with the registered hashes.

    Files that code reads at run time are not registered; they are compared between seeds, and with
    what their paths hold now.
    """
    messages = [
        *_files_of_folder(recorded),
        *(f"{side}: {text}" for side in sides for text in _files_of_run(recorded, side)),
    ]
    messages += _files_between_seeds(sides)
    messages += _files_since(sides)
    registered = {name for files in recorded.registered.files for name in files}
    count = f"{len(registered)} files" if len(registered) != 1 else "1 file"
    runs = "" if recorded.registered.is_program else f" and in {len(sides)} runs"
    agrees = f"{count} of code and arguments, in the folder{runs}, as registered"
    if not registered:
        agrees = "the recipe has no code or files of its own"
    yield from findings_of("files", messages, agrees)
    notes = (note for side in sides for note in side.provenance.not_covered)
    for note in dict.fromkeys(notes):
        yield noted("files", f"not covered: {note}")


def _files_of_folder(recorded: Recorded) -> Iterator[str]:
    """Say which files in the verification's folder are not those that were registered."""
    for home, fixed in zip(recorded.homes(), fixed_of(recorded.registered), strict=True):
        try:
            yield from fixed.unlike(load_recipe(home / RECIPE, check=False))
        except PapertrialError as error:
            yield str(error)


def _files_of_run(recorded: Recorded, side: SeedRun) -> Iterator[str]:
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
            yield from _copied_file(side.run.path, one)
    for name in registered.keys() - {one.name for one in kept}:
        yield f"{name} was registered, but the run has no record of it"


def _copied_file(run: Path, one: Dependency) -> Iterator[str]:
    try:
        digest = content_of(run / one.name).sha256
    except PapertrialError as error:
        yield str(error)
        return
    if digest != one.sha256:
        yield f"{one.name} has the SHA-256 {digest[:12]}, {one.sha256[:12]} is recorded"


def _files_between_seeds(sides: list[SeedRun]) -> Iterator[str]:
    """Say which files read at run time, and which packages, are not the same for two seeds."""
    firsts: dict[tuple[int, str], tuple[SeedRun, str]] = {}
    for side in sides:
        try:
            reads = {one.path: one.sha256 for one in side.provenance.dependencies
                     if not one.hashed}  # fmt: skip
        except RunError:
            continue  # `_files_of_run` reports it
        packages = side.provenance.packages
        for name, value in (*reads.items(), *packages.items()):
            first, had = firsts.setdefault((side.arm, name), (side, value))
            if had != value:
                yield f"{side}: {name} is {value[:12]}, {had[:12]} in {first}"


def _files_since(sides: list[SeedRun]) -> Iterator[str]:
    """Say which files read at run time have changed since, so that code now reads others."""
    for one in dict.fromkeys(one for side in sides for one in _read_by(side)):
        try:
            now = content_of(Path(one.path)).sha256
        except PapertrialError:
            continue  # gone, as on another machine; a seed that is trained again says so
        if now != one.sha256:
            yield (
                f"{one.path}, which the code reads at run time, has changed: SHA-256 "
                f"{one.sha256[:12]} is recorded, {now[:12]} now; restore it to repeat a seed"
            )


def _read_by(side: SeedRun) -> list[Dependency]:
    """Return the files that the code of a run read at run time."""
    try:
        return [one for one in side.provenance.dependencies if one.kind == "read"]
    except RunError:
        return []  # `_files_of_run` reports it
