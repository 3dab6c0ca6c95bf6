"""Check the seeds of a program that are recorded as failed: that they did, and for this reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from papertrial.auditing.recorded import Recorded
from papertrial.errors import PapertrialError
from papertrial.programs.kept_files import differing_files
from papertrial.programs.placeholders import fill
from papertrial.programs.program_run import ProgramRun
from papertrial.programs.read_scores import read_score
from papertrial.programs.run_program import read_program_run
from papertrial.programs.seed_folder import KEPT, OUT, RECORD, score_files_path
from papertrial.recipe.program_spec import to_program_spec
from papertrial.store.verification_folder import OUTCOMES, SEEDS
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.program_seed import read_program

_FOLDER = re.compile(r"s(?P<seed>\d+)(?:-versus(?P<arm>\d+))?(?:-\d+)?")


@dataclass(frozen=True)
class _Attempt:
    """A run of one side of a seed that came to its end; side 0 is ours."""

    seed: int
    arm: int
    path: Path
    run: ProgramRun


def failed_program_runs(recorded: Recorded) -> Iterator[str]:
    """Say which seeds are recorded as failed although their runs do not show it.

    A seed has failed if one of its sides has. Of a seed whose worker died twice, not every side has
    a run.
    """
    attempts = list(_attempts(recorded))
    for record in recorded.records:
        if record.state != "finished":
            ended = [one for one in attempts if one.seed == record.seed]
            yield from (f"seed {record.seed}: {text}" for text in _unlike(recorded, record, ended))


def unused_program_runs(recorded: Recorded) -> Iterator[str]:
    """Yield the folders of runs with scores of seeds whose recorded scores are of other runs."""
    named = {name for record in recorded.finished.values() for name in record.runs}
    for one in _attempts(recorded):
        name = f"{SEEDS}/{one.path.name}"
        if one.run.failure is None and one.seed in recorded.finished and name not in named:
            yield name


def _unlike(recorded: Recorded, record: SeedRecord, ended: list[_Attempt]) -> Iterator[str]:
    """Say how the runs of a seed differ from its record as failed."""
    failed = [one for one in ended if one.run.failure is not None]
    if not failed:
        finished = {one.arm for one in ended}
        if record.attempts == 1 or len(finished) == len(recorded.digests):
            has = "its runs have scores" if finished else f"no run in {SEEDS} failed"
            yield f"{has}, but it is recorded as {record.state}"
        return
    same = [one for one in failed if one.run.error == record.error]
    if not same and record.attempts == 1:
        yield f"it failed for another reason in {failed[-1].path.name} than in {OUTCOMES}"
    for one in same:
        name, run = one.path.name, one.run
        yield from (f"{name}/{file} has changed" for file in differing_files(run, one.path))
        if run.failure in ("score", "diverged") and _has_scores(recorded, one):
            yield f"its scores can be read in {name}, but it is recorded as {record.state}"
        if run.failure == "exit-code" and not run.exit_code:
            yield f"{name} ended with exit code {run.exit_code}, but is recorded as failed by it"


def _has_scores(recorded: Recorded, attempt: _Attempt) -> bool:
    """Return whether all scores of a run can be read from its output and the files it wrote."""
    program = read_program(recorded.homes()[attempt.arm]).program
    home = attempt.path.resolve()
    values = {**program.parameters, "seed": str(attempt.seed), "out": str(home / OUT)}
    try:
        for source in to_program_spec(program).scores.values():
            written = score_files_path(source)
            # Where it is kept: {out} makes a path absolute, others are relative to the program.
            place = None if written is None else home / KEPT / fill(written, values)
            if place is not None and not place.exists():
                return False
            read_score(source, home, place)
    except PapertrialError:
        return False
    return True


def _attempts(recorded: Recorded) -> Iterator[_Attempt]:
    """Yield the readable runs of all seeds, whether they are recorded or not."""
    for path in sorted((recorded.folder.path / SEEDS).glob(f"*/{RECORD}")):
        found = _FOLDER.fullmatch(path.parent.name)
        try:
            run = read_program_run(path.parent)
        except PapertrialError:
            continue
        if found is not None and int(found["arm"] or 0) < len(recorded.digests):
            yield _Attempt(int(found["seed"]), int(found["arm"] or 0), path.parent, run)
