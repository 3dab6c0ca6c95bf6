"""Register several laboratories together: disjoint seeds, and a recipe for each laboratory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.claims.laboratories import LEAST_LABS
from papertrial.claims.rule import Combine, Rule
from papertrial.errors import ClaimError, RunError
from papertrial.numbers import sequence
from papertrial.progress import Steps, finish
from papertrial.recipe.laboratories import LabPart, Labs
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.store.answers import LabOfRegistration, RegisterLabsAnswer
from papertrial.store.git_commit import check_repository
from papertrial.store.laboratory_folders import LABS, LABS_DIGEST, LabsFolder, labs_folders
from papertrial.store.laboratory_records import LabsRegistration
from papertrial.store.run_folder import RECIPE
from papertrial.verification.commit_registration import commit_registration
from papertrial.verification.conditions import Conditions
from papertrial.verification.register_options import Registered, RegisterOptions
from papertrial.verification.registered_folder import (
    only_verification,
    preregistration_of,
    write_copies,
)
from papertrial.verification.registration import Fixed, Registration


@dataclass(frozen=True)
class RegisteredLabs(Registered):
    """A common registration of several laboratories.

    Attributes:
        registration: the SHA-256 of labs.json.
        laboratories: for each its recipe and its seeds.
    """

    registration: str
    laboratories: tuple[tuple[Path, tuple[int, ...]], ...]

    def to_json(self) -> dict[str, object]:
        """Return the values that `papertrial register --labs N --json` prints."""
        return RegisterLabsAnswer(
            recipe=self.recipe,
            folder=str(self.path),
            registration=self.registration,
            registered=self.registered,
            new=self.is_new,
            laboratories=tuple(
                LabOfRegistration(recipe=str(path), seeds=seeds)
                for path, seeds in self.laboratories
            ),
            commit=self.commit,
            digest=None if self.digest is None else str(self.digest),
        ).to_plain()


def register_labs(
    recipe: AnyRecipe,
    labs: int,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int = 1,
    again: bool = False,
    git: bool = False,
    ots: bool = False,
) -> RegisteredLabs:
    """Register several laboratories together, and write a recipe for each; train nothing.

    The seeds of the recipe are handed out in blocks of nearly equal size.

    Args:
        recipe: a recipe with claims; its section `verify` has the numbers of the rule.
        labs: number of laboratories.
        runs: folder for run folders.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: the kind of device that is registered here; laboratories may have another.
        threads: CPU threads per seed; laboratories may use another number.
        again: write a new registration, even if there is one.
        git: commit the registration to the git repository around `runs`.
        ots: write the SHA-256 to a file, for `sha256sum -c` and time stamps.

    Raises:
        PapertrialError: an error that the user can fix.
    """
    options = RegisterOptions(Path(runs), data, device, threads, again, git, ots)
    return finish(registering_labs(recipe, labs, options))


def registering_labs(
    recipe: AnyRecipe, labs: int, options: RegisterOptions
) -> Steps[RegisteredLabs]:
    """Do what `register_labs` does, and yield progress."""
    if recipe.verify.labs is not None and recipe.verify.labs.part is not None:
        raise ClaimError(
            f"{recipe.name} is the recipe of one laboratory (verify.labs.part); register the "
            "laboratories with the recipe that it was written from"
        )
    combine = "same-setup" if recipe.verify.labs is None else recipe.verify.labs.combine
    asked, root = options.register(recipe), options.runs
    blocks = hand_out(asked.rule, labs, combine)
    if options.git:  # before the data are loaded
        check_repository(root / recipe.name / "labs", [LABS])
    with only_verification(root, recipe.name):
        registered = yield from preregistration_of(recipe, asked, options.data)
        made = LabsRegistration(registered=registered, combine=combine, laboratories=blocks)
        found = None if options.again else _find(root, made)
        folder = _write(root, recipe, asked, made) if found is None else found
        if options.ots:
            folder.write(LABS_DIGEST, f"{folder.sha256}  {LABS}\n")
        message = f"Register {labs} laboratories for {recipe.name}"
        proof = commit_registration(folder, LABS, message) if options.git else None
        digest, kept = folder.path / LABS_DIGEST, folder.registration
        return RegisteredLabs(
            path=folder.path,
            recipe=recipe.name,
            registration=folder.sha256,
            registered=kept.registered.registered.isoformat(timespec="milliseconds"),
            is_new=found is None,
            laboratories=tuple(
                (folder.path / f"lab-{number}" / RECIPE, seeds)
                for number, seeds in enumerate(kept.laboratories, 1)
            ),
            lines=_lines(asked.on_data(kept.registered), kept),
            commit=None if proof is None else proof.commit,
            digest=digest if digest.is_file() else None,
        )


def hand_out(rule: Rule, labs: int, combine: Combine) -> tuple[tuple[int, ...], ...]:
    """Return the seeds of each laboratory: blocks of the rule's seeds, of nearly equal size.

    Raises:
        ClaimError: no claim needs seeds, or there are too few laboratories, or too few seeds for
            each to be verified alone.
    """
    if not rule.claims:
        raise ClaimError(
            "all claims are counted without training, so there are no seeds to hand out; "
            "`papertrial verify` decides them"
        )
    if labs < 2:
        raise ClaimError(f"--labs must be at least 2, got {labs}; one laboratory needs no --labs")
    if combine == "lab-means" and labs < LEAST_LABS:
        raise ClaimError(
            f"verify.labs.combine: lab-means needs at least {LEAST_LABS} laboratories, got {labs}"
        )
    size, more = divmod(len(rule.seeds), labs)
    if size < rule.first_look:
        needed = labs * rule.first_look
        raise ClaimError(
            f"{labs} laboratories with at least {rule.first_look} seeds each need {needed} seeds, "
            f"got {len(rule.seeds)}; use --max-seeds {needed}"
        )
    blocks, begin = [], 0
    for number in range(labs):
        end = begin + size + (number < more)
        blocks.append(rule.seeds[begin:end])
        begin = end
    return tuple(blocks)


def _find(root: Path, made: LabsRegistration) -> LabsFolder | None:
    """Return the newest common registration that fixed the same; None if there is none."""
    for folder in reversed(list(labs_folders(root, made.registered.recipe))):
        try:
            kept = folder.registration
        except RunError:
            continue
        same = kept.registered.terms.to_bytes() == made.registered.terms.to_bytes()
        if not same or kept.laboratories != made.laboratories:
            continue
        if not folder.path.name.split("-", 1)[-1].startswith(folder.sha256[:8]):
            raise RunError(
                f"{folder.path / LABS} was edited after it was registered; restore it, or register "
                "with --again"
            )
        had, has = (Conditions.of(one.registered) for one in (kept, made))
        if not had.differences(has):
            return folder
    return None


def _write(
    root: Path, recipe: AnyRecipe, asked: Registration, made: LabsRegistration
) -> LabsFolder:
    """Write the folder of a common registration, with the recipe of each laboratory.

    Raises:
        PapertrialError: it cannot be written, or a file changed meanwhile.
    """
    text = made.to_json() + "\n"
    folder = LabsFolder.new(root, recipe.name, _sha256(text))
    fixed = Fixed(asked.terms.training_hash, asked.terms.files[0])
    for number, seeds in enumerate(made.laboratories, 1):
        ours = _recipe_of(recipe, made, number, seeds, _sha256(text))
        write_copies(folder, f"lab-{number}/", ours, asked)
        path = folder.path / f"lab-{number}" / RECIPE
        fixed.check(path, load_recipe(path, check=False))  # a file may have changed meanwhile
    folder.write(LABS, text)
    return folder


def _recipe_of(
    recipe: AnyRecipe, made: LabsRegistration, number: int, seeds: Sequence[int], sha256: str
) -> AnyRecipe:
    """Return the recipe of one laboratory: its seeds, and the conditions that it must have."""
    registered = made.registered
    part = LabPart(
        number=number,
        of=len(made.laboratories),
        registration=sha256,
        data=registered.data,
        versions=registered.versions,
        packages=registered.packages,
    )
    changed = {
        "seeds": tuple(seeds),
        "max_seeds": len(seeds),
        "labs": Labs(combine=made.combine, part=part),
    }
    return recipe.model_copy(update={"verify": recipe.verify.model_copy(update=changed)})


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _lines(asked: Registration, made: LabsRegistration) -> tuple[str, ...]:
    """Describe a common registration in lines."""
    labs = [
        f"laboratory {number}: seeds {sequence(seeds)}"
        for number, seeds in enumerate(made.laboratories, 1)
    ]
    how = f"combined in this order as {made.combine}"
    return (*asked.lines, *labs, how, *asked.warnings)
