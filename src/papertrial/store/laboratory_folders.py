"""Folders of several laboratories: their common registration, and their combined verdict.

runs/<recipe>/<UTC time>-<hash8>-labs/
    labs.json             the registration of all laboratories; its SHA-256 is that of these bytes
    labs.json.sha256      that hash, for `sha256sum -c`; by `papertrial register --labs N --ots`
    lab-<i>/              what laboratory i needs: recipe.yaml, code/, files.json, versus/

runs/<recipe>/<UTC time>-<hash8>-combined/
    combination.json      laboratories and verdicts
    labs.json             the common registration, if there is one
    laboratories/<i>/     copies of what each laboratory's verification records, without its runs
    report.html, report.md, report.json
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from papertrial.store.laboratory_records import CombinationState, LabsRegistration
from papertrial.store.run_folder import RECIPE, RunFolder, new_path
from papertrial.store.verification_folder import OUTCOMES, PREREGISTRATION, PROOF, VERIFICATION

LABS, COMBINATION, LABORATORIES = "labs.json", "combination.json", "laboratories"
LABS_DIGEST = f"{LABS}.sha256"
# What a verdict needs of a verification.
SENT = (PREREGISTRATION, OUTCOMES, VERIFICATION, RECIPE, PROOF)


class LabsFolder(RunFolder):
    """The folder of a common registration."""

    @classmethod
    def new(cls, root: Path, recipe: str, digest: str) -> LabsFolder:
        """Create a new folder; RunError if it cannot be created."""
        return cls(cls.at(new_path(root, recipe, digest, "labs")).path)

    @property
    def registration(self) -> LabsRegistration:
        """The content of labs.json; RunError if it is absent, damaged or of another format."""
        return self.read_record(LABS, LabsRegistration)

    @property
    def sha256(self) -> str:
        """The SHA-256 of labs.json as it is now."""
        return hashlib.sha256(self.read(LABS)).hexdigest()


class CombinationFolder(RunFolder):
    """The folder of a combined verdict."""

    @classmethod
    def new(cls, root: Path, recipe: str, digest: str) -> CombinationFolder:
        """Create a new folder; RunError if it cannot be created."""
        return cls(cls.at(new_path(root, recipe, digest, "combined")).path)

    @property
    def state(self) -> CombinationState:
        """The content of combination.json; RunError if it is absent or damaged."""
        return self.read_record(COMBINATION, CombinationState)


def labs_folders(root: Path, recipe: str) -> Iterator[LabsFolder]:
    """Yield the common registrations of a recipe below the folder of runs, oldest first."""
    for path in sorted((root / recipe).glob(f"*/{LABS}")):
        if not (path.parent / COMBINATION).is_file():  # which has a copy
            yield LabsFolder(path.parent)


def combination_folders(root: Path, recipe: str) -> Iterator[CombinationFolder]:
    """Yield the combined verdicts of a recipe below the folder of runs, oldest first."""
    for path in sorted((root / recipe).glob(f"*/{COMBINATION}")):
        yield CombinationFolder(path.parent)
