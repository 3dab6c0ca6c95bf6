"""Folders of verifications: created before the first seed starts, and resumed after a stop.

runs/<recipe>/<UTC time>-<hash8>-verify/
    preregistration.json  what is fixed in advance; its SHA-256 is that of these bytes
    preregistration.json.sha256  that hash, for `sha256sum -c`; by `papertrial register --ots`
    registration_proof.json      the git commit that holds it; by `papertrial register --git`
    recipe.yaml, code/    the recipe that every seed trains, and its files
    files.json            which of its files were copied, from where, and which were too large
    versus/<i>/           the recipe of the other side of a difference
    verification.json     state, times, command, verdicts
    outcomes.jsonl        a record for each seed that has ended, in that order
    seeds/s<seed>/        the run of each seed
    workers.log           the output of the workers
    report.html, report.md, report.json
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from papertrial.errors import RunError
from papertrial.record import Record
from papertrial.store.registration_files import CommittedRegistration
from papertrial.store.run_folder import PROVENANCE, RunFolder, new_path
from papertrial.store.verification_records import Preregistration, SeedRecord, VerificationState

PREREGISTRATION, VERIFICATION, OUTCOMES = (
    "preregistration.json", "verification.json", "outcomes.jsonl",
)  # fmt: skip
DIGEST, PROOF = f"{PREREGISTRATION}.sha256", "registration_proof.json"
FOLDER_NAME = "the name of the folder"  # which has the first 8 digits of the SHA-256
FILES = "files.json"
SEEDS, VERSUS, LOG = "seeds", "versus", "workers.log"
REPORT_JSON, REPORT_MD, REPORT_HTML = "report.json", "report.md", "report.html"


_NAMED = re.compile(r"\d{8}T\d{6}Z-([0-9a-f]{8})-verify(-\d+)?")  # as new_path does


class VerificationFolder(RunFolder):
    """The folder of one verification."""

    @classmethod
    def new(cls, root: Path, recipe: str, digest: str) -> VerificationFolder:
        """Create the folder of a new verification.

        Raises:
            RunError: the folder cannot be created.
        """
        return cls(cls.at(new_path(root, recipe, digest, "verify")).path)

    @classmethod
    def load(cls, path: Path) -> VerificationFolder:
        """Open the folder of a verification, finished or not.

        Raises:
            RunError: it is not the folder of a verification.
        """
        if not (path / PREREGISTRATION).is_file():
            but = "; it is the folder of a run" if (path / PROVENANCE).is_file() else ""
            rule = f"{path} is not the folder of a verification: {PREREGISTRATION} is missing{but}"
            raise RunError(f"{rule}; `papertrial runs --kind verification` lists the folders")
        return cls(path)

    @property
    def state(self) -> VerificationState | None:
        """The content of verification.json; None if it does not exist yet.

        Raises:
            RunError: the file is damaged or has another format.
        """
        if not (self.path / VERIFICATION).is_file():
            return None
        return self.read_record(VERIFICATION, VerificationState)

    @property
    def is_finished(self) -> bool:
        """Whether verification.json says that the verification finished; RunError as above."""
        state = self.state
        return state is not None and state.state == "finished"

    def homes(self, sides: int) -> list[Path]:
        """Return the folders with the recipes of our side and of so many other sides."""
        return [self.path, *(self.path / VERSUS / str(i) for i in range(sides))]

    @property
    def registered(self) -> Preregistration:
        """The content of preregistration.json.

        Raises:
            RunError: the file is absent or damaged, or has another format.
        """
        return self.read_record(PREREGISTRATION, Preregistration)

    @property
    def sha256(self) -> str:
        """The SHA-256 of preregistration.json as it is now."""
        return hashlib.sha256(self.read(PREREGISTRATION)).hexdigest()

    @property
    def proof(self) -> CommittedRegistration | None:
        """The content of registration_proof.json; None if the registration was not committed.

        Raises:
            RunError: the file is damaged or has another format.
        """
        if not (self.path / PROOF).is_file():
            return None
        return self.read_record(PROOF, CommittedRegistration)

    def recorded_digests(self) -> dict[str, str]:
        """Return what the folder records of the SHA-256 of preregistration.json, by place.

        The name of the folder has only its first 8 digits.

        Raises:
            RunError: a file is damaged or has another format.
        """
        name = self.path.resolve().name
        named, state, proof = _NAMED.fullmatch(name), self.state, self.proof
        found = {} if named is None else {FOLDER_NAME: named[1]}
        if (self.path / DIGEST).is_file():
            words = self.read(DIGEST).decode(errors="replace").split()
            found[DIGEST] = words[0] if words else ""
        if proof is not None:
            found[PROOF] = proof.preregistration
        if state is not None:
            found[VERIFICATION] = state.preregistration
        return found

    def outcomes(self) -> list[SeedRecord]:
        """Return the records of the seeds that ended; skip a last line that a crash cut short.

        Raises:
            RunError: a line is damaged or has another format.
        """
        if not (self.path / OUTCOMES).is_file():
            return []
        return [SeedRecord.from_json(text, where) for where, text in self.read_lines(OUTCOMES)]

    def runs_of_seeds(self) -> dict[int, tuple[Path, ...]]:
        """Return for each seed that ended the folders of its runs: ours, then each other side.

        Raises:
            RunError: a record is damaged.
        """
        return {
            record.seed: tuple(self.path / run for run in record.runs) for record in self.outcomes()
        }

    def repair(self) -> None:
        """Remove a last record that a crash cut short, so that the next one starts a new line."""
        path = self.path / OUTCOMES
        text = path.read_bytes() if path.is_file() else b""
        if text and not text.endswith(b"\n"):
            whole = text[: text.rfind(b"\n") + 1]
            last = text[len(whole) :]
            self.write(OUTCOMES, text + b"\n" if Record.is_json(last) else whole)


def verification_folders(root: Path, recipe: str) -> Iterator[VerificationFolder]:
    """Yield the folder of each verification of a recipe below the folder of runs, oldest first."""
    for path in sorted((root / recipe).glob(f"*/{PREREGISTRATION}"), key=_age):
        yield VerificationFolder(path.parent)


def all_verification_folders(root: Path) -> Iterator[VerificationFolder]:
    """Yield the folders of the verifications of all recipes, oldest first."""
    for path in sorted(root.glob(f"*/*/{PREREGISTRATION}"), key=_age):
        yield VerificationFolder(path.parent)


def _age(registered: Path) -> tuple[str, int, str]:
    """Return the key that sorts registrations by age; within a second by the time of the file."""
    name = registered.parent.name
    return name.partition("-")[0], registered.stat().st_mtime_ns, name
