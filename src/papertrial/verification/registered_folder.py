"""The folder of a registered verification: written before the first seed, found again later."""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Iterator
from pathlib import Path

import filelock

from papertrial.errors import RunError
from papertrial.programs.code_files import copy_code
from papertrial.programs.git import git_state
from papertrial.progress import Steps
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import Portable, portable
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import CODE, code_folder
from papertrial.recipe.schema import AnyRecipe
from papertrial.store import run_folder
from papertrial.store.provenance import utc_now
from papertrial.store.registration_files import KeptFiles
from papertrial.store.run_folder import RunFolder
from papertrial.store.verification_folder import (
    FILES,
    PREREGISTRATION,
    VERSUS,
    VerificationFolder,
    verification_folders,
)
from papertrial.store.verification_records import Preregistration, Terms
from papertrial.verification.conditions import (
    check_common_conditions,
    check_same_conditions,
    conditions_now,
)
from papertrial.verification.differing_terms import edits
from papertrial.verification.registration import Registration, fixed_of
from papertrial.verification.sample_results import check_same_samples


@contextlib.contextmanager
def only_verification(root: Path, recipe: str) -> Iterator[None]:
    """Keep every other verification of a recipe out of a folder of runs.

    Raises:
        RunError: another one is running, or the folder cannot be written to.
    """
    run_folder.check_writable(root / recipe)
    lock = filelock.FileLock(root / f".{recipe}.verify.lock")
    try:
        held = lock.acquire(timeout=0)
    except filelock.Timeout:
        rule = f"another verification of {recipe} is running in {root}"
        raise RunError(f"{rule}; wait for it, or choose another folder with --runs") from None
    with held:
        yield


def find_registered(root: Path, recipe: str, asked: Registration) -> VerificationFolder | None:
    """Return the newest verification that registered the same terms; None if there is none.

    Raises:
        RunError: its preregistration.json was edited; the message says what has changed.
    """
    for folder in reversed(list(verification_folders(root, recipe))):
        try:
            registered, digests = folder.registered, folder.recorded_digests()
        except RunError:  # the list of attempts in the report says that it is damaged
            continue
        unlike = [
            f"{place} has {digest[:12]}"
            for place, digest in digests.items()
            if not folder.sha256.startswith(digest or "-")
        ]
        same = registered.terms.to_bytes() == asked.terms.to_bytes()
        if unlike and (same or registered.recipe_hash == asked.terms.recipe_hash):
            raise RunError(
                f"{folder.path / PREREGISTRATION} was edited after it was registered: "
                f"{edits(registered, asked.terms)}; its SHA-256 is {folder.sha256[:12]}, "
                f"{'; '.join(unlike)}; restore it, or start a new verification with --again"
            )
        if same:
            return folder
    return None


def write_registered(
    root: Path, recipe: AnyRecipe, asked: Registration, data: str | Path | None
) -> Steps[VerificationFolder]:
    """Write the folder of a new verification: its registration, and copies of its recipes.

    Raises:
        PapertrialError: the data cannot be loaded or do not fit a claim, or the folder cannot be
            written.
    """
    registered = yield from preregistration_of(recipe, asked, data)
    folder = VerificationFolder.new(root, recipe.name, registered.sha256)
    write_copies(folder, "", recipe, asked)
    check_copies(folder, asked)  # a file may have changed since its hash was taken
    folder.write(PREREGISTRATION, registered.to_bytes())
    return folder


def preregistration_of(
    recipe: AnyRecipe, asked: Registration, data: str | Path | None
) -> Steps[Preregistration]:
    """Return what is registered now: the terms, the data, the versions and the time.

    Raises:
        PapertrialError: the data cannot be loaded or do not fit a claim, or they or the versions
            are not those of the common registration that the recipe is a part of.
    """
    now = yield from conditions_now(recipe, asked, data)
    check_same_samples(asked.terms, now.data)
    if recipe.verify.labs is not None and recipe.verify.labs.part is not None:
        check_common_conditions(recipe.verify.labs.part, now)
    return Preregistration(
        **{name: getattr(asked.terms, name) for name in Terms.model_fields},
        registered=datetime.datetime.fromisoformat(utc_now()),
        data=now.data,
        rows=now.rows,
        versions=now.versions,
        packages=now.packages,
    )


def write_copies(folder: RunFolder, home: str, recipe: AnyRecipe, asked: Registration) -> None:
    """Write copies of a recipe, of its other sides and of their files.

    Args:
        folder: where to write.
        home: the place in it, "" or one that ends with "/".
        recipe: what is registered.
        asked: its registration.

    Raises:
        RunError: the folder cannot be written.
        RecipeError: a file no longer exists.
    """
    places = {
        recipe.claims.index(claim): f"./{VERSUS}/{arm}/{run_folder.RECIPE}"
        for claim, arm in zip(asked.stated, asked.arms, strict=True)
        if arm is not None
    }
    ours = portable(recipe, run_folder.CODE, places)
    sides = [portable(other, run_folder.CODE) for other in asked.versus]
    homes = [f"{home}{VERSUS}/{i}/" for i in range(len(sides))]
    everything = (*zip(homes, sides, asked.versus, strict=True), (home, ours, recipe))
    for place, copies, side in everything:
        for name, content in copies.files.items():
            folder.write(f"{place}{name}", content)
        folder.write_record(f"{place}{FILES}", _kept_files(side, copies))
        folder.write(f"{place}{run_folder.RECIPE}", copies.text)
        if isinstance(side, ProgramRecipe) and not side.program.in_place:
            copy_code(code_folder(side.program), folder.path / place / CODE)


def _kept_files(side: AnyRecipe, copies: Portable) -> KeptFiles:
    """Return the record of a side's files; of a program also the commit that they are from."""
    if not isinstance(side, ProgramRecipe):
        return KeptFiles(files=copies.dependencies)
    state = git_state(code_folder(side.program))
    if state is None:
        return KeptFiles(files=copies.dependencies)
    return KeptFiles(files=copies.dependencies, commit=state.commit, changed=state.changed)


def check_registered(
    folder: VerificationFolder, recipe: AnyRecipe, asked: Registration, data: str | Path | None
) -> Steps[None]:
    """Check, before seeds are trained, that all is still as it was registered.

    Raises:
        RunError: a recipe or a file in the folder, the data or a version has changed.
    """
    check_copies(folder, asked)
    now = yield from conditions_now(recipe, asked, data)
    check_same_conditions(folder.registered, now, "here")


def check_copies(folder: VerificationFolder, asked: Registration) -> None:
    """Check that the folder's recipes and their files are still the registered ones.

    Raises:
        RunError: one has changed; the message names it.
    """
    homes = folder.homes(len(asked.versus))
    for home, fixed in zip(homes, fixed_of(asked.terms), strict=True):
        fixed.check(home / run_folder.RECIPE, load_recipe(home / run_folder.RECIPE, check=False))
