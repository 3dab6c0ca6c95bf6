"""Commit a registration to git, and check that git stores its bytes."""

from __future__ import annotations

import hashlib

from papertrial.errors import RunError
from papertrial.store.git_commit import commit_files, committed_file, path_in_repository
from papertrial.store.registration_files import CommittedRegistration
from papertrial.store.run_folder import RunFolder


def commit_registration(folder: RunFolder, name: str, message: str) -> CommittedRegistration:
    """Commit all files of a folder, and return what proves that its registration is among them.

    Args:
        folder: of the registration.
        name: of the file whose SHA-256 identifies it.
        message: of the commit; the SHA-256 is added.

    Raises:
        RunError: git cannot commit it, or stores other bytes than the folder has.
    """
    sha256, path = _sha256(folder, name), folder.path / name
    files = [file for file in sorted(folder.path.rglob("*")) if file.is_file()]
    names = [file.relative_to(folder.path).as_posix() for file in files]
    commit = commit_files(folder.path, names, f"{message}: sha256 {sha256}")
    file = path_in_repository(path)
    found = committed_file(folder.path, commit, file)
    if found is None or found.sha256 != sha256 or _sha256(folder, name) != sha256:
        raise RunError(
            f"git commit {commit} has other bytes than {path} had: a hook or an attribute of the "
            "repository changes the file; exclude it from that, and register with --again"
        )
    return CommittedRegistration(
        preregistration=sha256, commit=commit, file=file, committed=found.committed
    )


def _sha256(folder: RunFolder, name: str) -> str:
    return hashlib.sha256(folder.read(name)).hexdigest()
