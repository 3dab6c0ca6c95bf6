"""Folders of verifications: made before the first seed starts, and gone on with after a stop.

runs/<recipe>/<UTC time>-<hash8>-verify/
    preregistration.json  what was fixed beforehand: the bytes that the SHA-256 is of
    recipe.yaml, code/    what every seed trains, as it was
    files.json            what of it was copied, from where, and what was too large
    versus/<i>/           the recipe of the other side of a difference
    verification.json     state, times, command, verdicts
    outcomes.jsonl        a record per ended seed, in the order in which they ended
    seeds/s<seed>/        the run of a seed
    workers.log           what the workers printed
    report.html, report.md, report.json
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from papertrial.errors import RunError
from papertrial.store.run_folder import RunFolder

PREREGISTRATION, VERIFICATION, OUTCOMES = (
    "preregistration.json", "verification.json", "outcomes.jsonl",
)  # fmt: skip
FILES = "files.json"
SEEDS, VERSUS, LOG = "seeds", "versus", "workers.log"
REPORT_JSON, REPORT_MD, REPORT_HTML = "report.json", "report.md", "report.html"


class VerificationFolder(RunFolder):
    """One verification's folder."""

    @classmethod
    def new(cls, root: Path, recipe: str, digest: str) -> VerificationFolder:
        """Make the folder of a new verification.

        Raises:
            RunError: it cannot be made.
        """
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        for attempt in range(1, 1000):
            number = "" if attempt == 1 else f"-{attempt}"
            path = root / recipe / f"{now}-{digest[:8]}-verify{number}"
            if not path.exists():
                return cls(cls.at(path).path)
        raise RunError(f"cannot make a new folder for a verification in {root / recipe}")

    @classmethod
    def load(cls, path: Path) -> VerificationFolder:
        """Open the folder of a verification, finished or not.

        Raises:
            RunError: it is none.
        """
        if not (path / PREREGISTRATION).is_file():
            what = "a run, not a verification" if (path / "provenance.json").is_file() else "none"
            rule = f"{path} is no folder of a verification: it has no {PREREGISTRATION}"
            raise RunError(f"{rule} (it is {what}); `papertrial runs` lists those there are")
        return cls(path)

    @property
    def state(self) -> dict[str, Any]:
        """What verification.json says; empty where it is not there yet."""
        if not (self.path / VERIFICATION).is_file():
            return {}
        state = self.read_json(VERIFICATION)
        if not isinstance(state, dict):
            raise RunError(f"{self.path / VERIFICATION} is damaged: it is no JSON object")
        return state

    @property
    def registered(self) -> dict[str, Any]:
        """What was registered, as plain values."""
        registered = self.read_json(PREREGISTRATION)
        if not isinstance(registered, dict):
            raise RunError(f"{self.path / PREREGISTRATION} is damaged: it is no JSON object")
        return registered

    @property
    def sha256(self) -> str:
        """The SHA-256 of the registered bytes as they lie there now."""
        return hashlib.sha256(self.read(PREREGISTRATION)).hexdigest()

    def outcomes(self) -> list[dict[str, Any]]:
        """Return the records of the seeds that ended; a torn last line, of a crash, left out."""
        return list(self.records(OUTCOMES)) if (self.path / OUTCOMES).is_file() else []

    def mend(self) -> None:
        """Cut off a record that a crash left half written, so that the next one is whole."""
        path = self.path / OUTCOMES
        text = path.read_bytes() if path.is_file() else b""
        if text and not text.endswith(b"\n"):
            whole = text[: text.rfind(b"\n") + 1]
            last = text[len(whole) :]
            try:
                json.loads(last)
            except ValueError:
                self.write(OUTCOMES, whole)
            else:
                self.write(OUTCOMES, text + b"\n")


def verifications(root: Path, recipe: str) -> Iterator[VerificationFolder]:
    """Yield the verifications of a recipe that a folder of runs knows of, oldest first."""
    for path in sorted((root / recipe).glob(f"*/{PREREGISTRATION}")):
        yield VerificationFolder(path.parent)
