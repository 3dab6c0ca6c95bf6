"""Check the recorded seeds of a program: how it ran, and the scores in what was kept."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.auditing.check_failed_programs import failed_program_runs, unused_program_runs
from papertrial.auditing.finding import Finding, findings_of, noted
from papertrial.auditing.recorded import Recorded
from papertrial.errors import PapertrialError
from papertrial.numbers import plural
from papertrial.programs.kept_files import differing_files
from papertrial.programs.placeholders import fill
from papertrial.programs.program_run import ProgramRun
from papertrial.programs.run_program import read_program_run, reread
from papertrial.programs.seed_folder import RECORD
from papertrial.recipe.program_spec import to_program_spec
from papertrial.report.program_parts import NOT_SEEN
from papertrial.store.verification_folder import OUTCOMES, SEEDS
from papertrial.verification.program_seed import claimed_program_scores, read_program


@dataclass(frozen=True)
class ProgramSide:
    """A recorded run of a program: one side of a seed; side 0 is ours."""

    seed: int
    arm: int
    path: Path
    run: ProgramRun

    def __str__(self) -> str:
        return f"seed {self.seed}{f', versus {self.arm}' if self.arm else ''}"


def find_program_runs(recorded: Recorded) -> tuple[list[ProgramSide], list[str]]:
    """Return the readable runs of finished seeds, and messages on those that are missing."""
    sides, messages = list[ProgramSide](), list[str]()
    for seed, record in recorded.finished.items():
        if len(record.runs) != len(recorded.digests):
            messages.append(f"seed {seed}: {OUTCOMES} names the runs {list(record.runs)}")
            continue
        for arm, name in enumerate(record.runs):
            path = recorded.folder.path / name
            if path.resolve().parent != (recorded.folder.path / SEEDS).resolve():
                messages.append(f"seed {seed}: its run {name} is not in {SEEDS}")
                continue
            try:
                sides.append(ProgramSide(seed, arm, path, read_program_run(path)))
            except PapertrialError as error:
                messages.append(f"seed {seed}: {error}")
    return sides, messages


def check_program_runs(
    recorded: Recorded, sides: Sequence[ProgramSide], unlike: Sequence[str]
) -> Iterator[Finding]:
    """Check that each seed ran the registered command, and that failed seeds did fail.

    Args:
        recorded: the verification.
        sides: what `find_program_runs` found.
        unlike: what differs already.
    """
    messages = [*unlike, *failed_program_runs(recorded)]
    for side in sides:
        try:
            messages += (f"{side}: {text}" for text in _unlike_run(recorded, side))
        except PapertrialError as error:
            messages.append(f"{side}: {error}")
    agrees = f"{plural(len(sides), 'run')} of the registered command, each with its own seed"
    yield from findings_of("runs", messages, agrees)
    for name in unused_program_runs(recorded):
        yield noted("runs", f"{name} has scores too, of an attempt that was cut short; not used")
    for side in sides:
        for note in side.run.notes:
            yield noted("runs", f"{side}: {note}")


def check_program_scores(recorded: Recorded, sides: Sequence[ProgramSide]) -> Iterator[Finding]:
    """Read each score again from the kept output and files, and compare with the recorded ones."""
    messages, count = list[str](), 0
    for side in sides:
        try:
            program = read_program(recorded.homes()[side.arm]).program
            again = reread(to_program_spec(program), side.path)
        except PapertrialError as error:
            messages.append(f"{side}: its scores cannot be read again: {error}")
            continue
        count += len(again)
        messages += [
            f"{side}: {name} is {score.value} in what was kept, {kept.value} in {RECORD}"
            for name, score in again.items()
            if (kept := side.run.scores[name]).value != score.value or kept.curve != score.curve
        ]
        messages += (f"{side}: {text}" for text in _unlike_claimed(recorded, side))
    agrees = f"{plural(count, 'score')}, read again from what was kept, are those of {OUTCOMES}"
    yield from findings_of("scores", messages, agrees)
    yield noted("scores", f"not covered: {NOT_SEEN}")


def program_starts(folder: Path) -> Iterator[datetime.datetime]:
    """Yield when each run of a program started, finished or not."""
    for path in (folder / SEEDS).glob(f"*/{RECORD}"):
        try:
            started = datetime.datetime.fromisoformat(read_program_run(path.parent).started)
        except (PapertrialError, ValueError):
            continue  # `find_program_runs` reports that of a finished seed
        yield started.astimezone(datetime.UTC)


def _unlike_run(recorded: Recorded, side: ProgramSide) -> Iterator[str]:
    """Say how a recorded run differs from the registered program with this seed."""
    run, program = side.run, read_program(recorded.homes()[side.arm]).program
    if run.seed != side.seed:
        yield f"{side.path.name} ran with seed {run.seed}"
    if run.failure is not None:
        yield f"{side.path.name} failed: {run.error}"
    if not _is_command(program.command, run.command, {**program.parameters, "seed": str(run.seed)}):
        yield f"{side.path.name} ran another command: {' '.join(run.command)}"
    for file in differing_files(run, side.path):
        yield f"{side.path.name}/{file} is not there, or has changed"


def _is_command(words: Sequence[str], ran: Sequence[str], known: Mapping[str, str]) -> bool:
    """Return whether a command ran as registered; paths and devices depend on the machine."""
    if len(words) != len(ran):
        return False
    machine = ("out", "data", "device", "python", "threads")
    for word, given in zip(words, ran, strict=True):
        if any(f"{{{name}}}" in word for name in machine):
            continue
        if fill(word, known) != given:
            return False
    return True


def _unlike_claimed(recorded: Recorded, side: ProgramSide) -> Iterator[str]:
    """Say which scores of the claims are not those of the run."""
    scores = recorded.finished[side.seed].scores
    for wanted, row in zip(recorded.wanted, scores, strict=True):
        arm = 0 if wanted.arm is None else wanted.arm + 1
        if side.arm not in (0, arm):
            continue
        found = claimed_program_scores(side.run.scores[wanted.metric], wanted)
        mine = row if wanted.arm is None else (row[1:] if side.arm else row[:1])
        if tuple(found) != tuple(mine):
            yield f"{wanted.metric} is {list(mine)} in {OUTCOMES}, {list(found)} in {RECORD}"
