"""Register a verification without training: its folder, its hash, and evidence of its time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import RunError
from papertrial.progress import Steps, finish
from papertrial.recipe.schema import AnyRecipe
from papertrial.store.answers import RegisterAnswer
from papertrial.store.git_commit import check_repository
from papertrial.store.verification_folder import (
    DIGEST,
    PREREGISTRATION,
    PROOF,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.verification.commit_registration import commit_registration
from papertrial.verification.earlier_looks import find_earlier_looks
from papertrial.verification.looks_in_words import notes_on_looks
from papertrial.verification.register_options import Registered, RegisterOptions
from papertrial.verification.registered_folder import (
    check_registered,
    find_registered,
    only_verification,
    write_registered,
)
from papertrial.verification.registration import Registration


@dataclass(frozen=True)
class RegisteredVerification(Registered):
    """A verification that is registered and has not started.

    Attributes:
        preregistration: the SHA-256 of preregistration.json.
    """

    preregistration: str

    def to_json(self) -> dict[str, object]:
        """Return the values that `papertrial register --json` prints."""
        return RegisterAnswer(
            recipe=self.recipe,
            verification=str(self.path),
            preregistration=self.preregistration,
            registered=self.registered,
            new=self.is_new,
            commit=self.commit,
            digest=None if self.digest is None else str(self.digest),
        ).to_plain()


def preregister(
    recipe: AnyRecipe,
    *,
    runs: str | Path = "runs",
    data: str | Path | None = None,
    device: str = "auto",
    threads: int = 1,
    again: bool = False,
    git: bool = False,
    ots: bool = False,
) -> RegisteredVerification:
    """Register how a recipe's claims will be decided, without training; `verify` then uses it.

    A registration that has not started is found again, if nothing has changed.

    Args:
        recipe: a recipe with claims; its section `verify` has the numbers of the rule.
        runs: folder for run folders.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N"; the kind of device is registered.
        threads: CPU threads per seed.
        again: write a new registration, even if there is one.
        git: commit the registration to the git repository around `runs`.
        ots: write the SHA-256 to a file, for `sha256sum -c` and time stamps.

    Raises:
        PapertrialError: an error that the user can fix.
    """
    options = RegisterOptions(Path(runs), data, device, threads, again, git, ots)
    return finish(preregistering(recipe, options))


def preregistering(recipe: AnyRecipe, options: RegisterOptions) -> Steps[RegisteredVerification]:
    """Do what `preregister` does, and yield progress."""
    asked, root, data = options.register(recipe), options.runs, options.data
    if options.git:  # before the data are loaded
        check_repository(root / recipe.name / "verification", [PREREGISTRATION])
    with only_verification(root, recipe.name):
        found = None if options.again else find_registered(root, recipe.name, asked)
        if found is None:
            folder = yield from write_registered(root, recipe, asked, data)
        else:
            folder = found
            _check_not_started(folder)
            yield from check_registered(folder, recipe, asked, data)
        if options.ots:
            folder.write(DIGEST, f"{folder.sha256}  {PREREGISTRATION}\n")
        if options.git and folder.proof is None:
            message = f"Register verification of {recipe.name}"
            folder.write_record(PROOF, commit_registration(folder, PREREGISTRATION, message))
        return _result(folder, asked.on_data(folder.registered), is_new=found is None)


def _check_not_started(folder: VerificationFolder) -> None:
    """Refuse to register what has started: evidence of its time would come too late.

    Raises:
        RunError: the verification has started.
    """
    state = folder.state
    if state is not None:
        raise RunError(
            f"{folder.path} was registered and has started at {state.started} ({VERIFICATION} says "
            f"{state.state}); `papertrial verify` resumes it, --again registers a new one"
        )


def _result(
    folder: VerificationFolder, asked: Registration, *, is_new: bool
) -> RegisteredVerification:
    registered, proof, digest = folder.registered, folder.proof, folder.path / DIGEST
    earlier = find_earlier_looks(folder.path.parent.parent, asked.terms, folder)
    return RegisteredVerification(
        path=folder.path,
        recipe=registered.recipe,
        preregistration=folder.sha256,
        registered=registered.registered.isoformat(timespec="milliseconds"),
        is_new=is_new,
        lines=(*notes_on_looks(earlier, asked.rule.alpha), *asked.lines, *asked.warnings),
        commit=None if proof is None else proof.commit,
        digest=digest if digest.is_file() else None,
    )
