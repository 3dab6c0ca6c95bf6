"""Check that the registration is older than the first seed, and what proves its age."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from papertrial.auditing.check_programs import program_starts
from papertrial.auditing.finding import Finding, noted
from papertrial.auditing.recorded import Recorded
from papertrial.errors import RunError
from papertrial.store.git_commit import committed_file
from papertrial.store.run_folder import PROVENANCE, RunFolder
from papertrial.store.verification_folder import PREREGISTRATION, PROOF, SEEDS

# An .ots file begins with these bytes, its version and the tag of SHA-256; the digest follows.
_OTS_MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
_OTS_SHA256 = _OTS_MAGIC + b"\x01\x08"
_OTS = f"{PREREGISTRATION}.ots"
# Signatures, and the commands that check them.
_SIGNATURES = {
    f"{PREREGISTRATION}.asc": "gpg --verify",
    f"{PREREGISTRATION}.sig": "gpg --verify, or ssh-keygen -Y verify",
    f"{PREREGISTRATION}.minisig": "minisign -V",
}


def check_order(recorded: Recorded) -> Iterator[Finding]:
    """Compare the time of the registration, and of its git commit, with that of the first seed.

    The times of the registration and the seeds are those of the machine that ran them.
    """
    registered, first = recorded.registered.registered, _first_start(recorded)
    if first is None:
        yield Finding("order", True, f"registered at {_shown(registered)}; no seed has started")
    else:
        yield _compared("registered", registered, first)
    yield from _check_commit(recorded, first)


def _compared(what: str, then: datetime.datetime, first: datetime.datetime) -> Finding:
    """Return the finding on whether the first seed started after something."""
    is_before = then <= first
    word = "after it" if is_before else "before it"
    message = f"{what} at {_shown(then)}; the first seed started at {_shown(first)}, {word}"
    return Finding("order", is_before, message)


def _check_commit(recorded: Recorded, first: datetime.datetime | None) -> Iterator[Finding]:
    """Check the git commit of the registration, if it has one.

    Raises:
        RunError: registration_proof.json is damaged.
    """
    proof, sha256 = recorded.folder.proof, recorded.folder.sha256
    if proof is None:
        return
    commit = f"git commit {proof.commit[:12]}"
    try:
        found = committed_file(recorded.folder.path, proof.commit, proof.file)
    except RunError:  # git is not installed
        found = None
    if found is None:
        at = _shown(proof.committed)
        yield noted("order", f"{commit}, recorded at {at}, is not here, so it was not checked")
        return
    if found.sha256 != sha256:
        held = f"{commit} holds another {PREREGISTRATION}, SHA-256 {found.sha256[:12]}"
        yield Finding("order", False, held)
    if found.committed != proof.committed:
        real, kept = _shown(found.committed), _shown(proof.committed)
        yield Finding("order", False, f"{commit} was made at {real}, but {PROOF} has {kept}")
    if first is not None:
        yield _compared(f"{commit} made", found.committed, first)
    elif found.sha256 == sha256:
        yield Finding("order", True, f"{commit} made at {_shown(found.committed)} holds it")


def check_proofs(recorded: Recorded) -> Iterator[Finding]:
    """Name the time stamp and the signatures beside preregistration.json.

    Of a time stamp only the digest is compared: its time needs a network or a Bitcoin node.
    """
    folder, sha256 = recorded.folder, recorded.folder.sha256
    if (folder.path / _OTS).is_file():
        stamp = folder.read(_OTS)
        rest = stamp.removeprefix(_OTS_SHA256)
        digest = rest[:32].hex()
        if len(rest) == len(stamp) or len(rest) <= 32:
            rule = "is not an OpenTimestamps proof of a SHA-256"
            yield Finding("order", False, f"{_OTS} {rule}")
        elif digest != sha256:
            rule = f"is for the SHA-256 {digest[:12]}, {PREREGISTRATION} has {sha256[:12]}"
            yield Finding("order", False, f"{_OTS} {rule}")
        else:
            rule = f"is for this SHA-256; `ots verify {_OTS}` says since when it exists"
            yield noted("order", f"{_OTS} {rule}")
    for name, command in _SIGNATURES.items():
        if (folder.path / name).is_file():
            yield noted("order", f"{name} is not checked here; check it with {command}")


def _first_start(recorded: Recorded) -> datetime.datetime | None:
    """Return when the first run of a seed started, finished or not; None if there is none."""
    found = []
    for path in (recorded.folder.path / SEEDS).glob(f"*/{PROVENANCE}"):
        try:
            started = datetime.datetime.fromisoformat(RunFolder(path.parent).provenance.started)
            found.append(started.astimezone(datetime.UTC))
        except (RunError, ValueError):
            continue  # `find_runs` reports the run of a finished seed
    return min([*found, *program_starts(recorded.folder.path)], default=None)


def _shown(time: datetime.datetime) -> str:
    utc = time.astimezone(datetime.UTC)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond else "seconds")
