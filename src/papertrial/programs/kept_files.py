"""Whether the files that were kept of a run are as they were."""

from __future__ import annotations

from pathlib import Path

from papertrial.programs.program_run import ProgramRun
from papertrial.programs.seed_folder import STDERR, STDOUT, sha256_of


def differing_files(run: ProgramRun, home: Path) -> tuple[str, ...]:
    """Return the files of a seed, relative to its folder, that are missing or have changed.

    Args:
        run: its record, with the SHA-256 of each file.
        home: its folder.
    """
    recorded = {STDOUT: run.stdout_sha256, STDERR: run.stderr_sha256}
    recorded |= {file.kept: file.sha256 for file in run.kept if file.kept and file.sha256}
    return tuple(
        name
        for name, digest in sorted(recorded.items())
        if not (home / name).is_file() or sha256_of(home / name) != digest
    )
