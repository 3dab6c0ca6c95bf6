"""What lies beside preregistration.json: files.json and registration_proof.json."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from papertrial.recipe.dependency import Dependency
from papertrial.record import Record


class KeptFiles(Record):
    """files.json: what a verification copied, from where, and what was too large to be copied.

    Attributes:
        files: a record of each.
        commit: the commit of a program's folder; None outside a Git repository.
        changed: the files that differed from that commit.
    """

    files: tuple[Dependency, ...]
    commit: str | None = None
    changed: tuple[str, ...] = ()


class CommittedRegistration(Record):
    """registration_proof.json: the git commit that holds preregistration.json.

    Attributes:
        preregistration: the SHA-256 of preregistration.json.
        commit: the hash of the commit.
        file: preregistration.json in that commit, as a path from the root of the repository.
        committed: the time of the commit, as git stores it, to the second.
    """

    preregistration: str
    commit: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    file: str
    committed: AwareDatetime
