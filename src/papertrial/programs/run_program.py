"""Run one seed of a program in isolation, and read its scores."""

from __future__ import annotations

import datetime
import os
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import DivergedError, PapertrialError, ProgramFailedError, RunError
from papertrial.numbers import plural
from papertrial.programs.code_files import (
    FileHashes,
    copy_files,
    file_hashes,
    in_unicode,
    list_files,
    original_folder,
    outside_runs,
)
from papertrial.programs.failures import failure_of, with_last_lines
from papertrial.programs.interpreter import resolve_command
from papertrial.programs.new_files import moment, new_files
from papertrial.programs.placeholders import fill
from papertrial.programs.program_run import (
    Failure,
    ProgramRun,
    ReadScore,
    SourceChanges,
)
from papertrial.programs.read_scores import check_source, read_scores
from papertrial.programs.seed_folder import (
    RECORD,
    ScorePaths,
    SeedFolder,
    Stamp,
    score_files_path,
    sha256_of,
)
from papertrial.programs.spec import ProgramSpec
from papertrial.programs.supervise import end_marked
from papertrial.programs.supervised import (
    GRACE,
    ProgramEnd,
    ProgramProgress,
    require_posix,
    supervised,
)

_NAMED = 5  # files in a message


@dataclass(frozen=True)
class _Start:
    """What is known before a program starts."""

    command: tuple[str, ...]
    variables: dict[str, str]  # those that are set for it
    environment: dict[str, str]  # all of them
    hashes: FileHashes  # of its source files as they are then
    paths: ScorePaths
    removed: tuple[str, ...]
    before: set[Stamp]  # files that match `keep`
    since: int  # the moment of the start, as `moment` returns it


def run_program(
    spec: ProgramSpec,
    values: Mapping[str, str],
    *,
    home: Path,
    source: Path,
    hashes: FileHashes,
    token: str,
    grace: float = GRACE,
) -> Generator[ProgramProgress, None, ProgramRun]:
    """Run one seed of a program, yield its progress, and return the record of its run.

    The record is also in `home`, as program.json, with the program's output; see `seed_folder`. A
    generator that is closed ends the program, and writes no record.

    Args:
        spec: the program.
        values: seed, device, data, python and threads, as text.
        home: a folder for this seed: new, empty, or of a run that was interrupted.
        source: the folder with the program's code.
        hashes: what `file_hashes` returned for it when it was registered.
        token: marks the processes of this seed. Processes of an earlier run that have the same
            token are ended first.
        grace: seconds between SIGTERM and SIGKILL.

    Raises:
        RunError: the code differs from the registered one; `home` has a finished run or other
            files; a score file was there before the start and cannot be removed.
        PapertrialError: the command, a placeholder, a pattern or a path is wrong.
        ProgramFailedError: the program ended without a usable score. Its record says why.
        DivergedError: a score is infinite or NaN.
    """
    require_posix()
    end_marked(token, grace)  # what an earlier run of this seed may have left behind
    folder = SeedFolder(home, source if spec.in_place else None)
    try:
        start = _prepare(spec, values, folder, source, hashes)
    except PapertrialError:
        folder.discard()
        raise
    started = _now()
    end = yield from supervised(
        start.command,
        folder=folder.work,
        environment=start.environment,
        stdout=folder.stdout,
        stderr=folder.stderr,
        timeout=spec.timeout,
        token=token,
        grace=grace,
    )
    scores, failure = _scores(spec, folder, start.paths, end)
    changes = _changes(folder, start)  # without the score files, which have been moved
    folder.keep(spec.keep, start.before)
    produced, count, size = folder.tidy(set(start.hashes) - set(changes.changed))
    run = ProgramRun(
        command=start.command,
        folder=str(folder.work),
        source=str(source.absolute()),
        in_place=spec.in_place,
        environment=start.variables,
        seed=int(values["seed"]),
        started=started,
        ended=_now(),
        exit_code=end.exit_code,
        signal=end.signal,
        timed_out=end.reason == "timeout",
        seconds=end.seconds,
        cpu_seconds=end.cpu_seconds,
        peak_memory=end.peak_memory,
        leftovers=tuple(end.leftovers),
        needed_sigkill=end.needed_sigkill,
        scores=scores,
        source_changes=changes,
        removed_before=start.removed,
        produced=produced,
        produced_count=count,
        produced_bytes=size,
        stdout_sha256=sha256_of(folder.stdout),
        stderr_sha256=sha256_of(folder.stderr),
        notes=_notes(changes, end, scores, in_place=spec.in_place),
        failure=None if failure is None else failure[0],
        error=None if failure is None else failure[1],
    )
    _write(run, home)
    if failure is not None:
        raise (DivergedError if failure[0] == "diverged" else ProgramFailedError)(failure[1])
    return run


def read_program_run(home: Path) -> ProgramRun:
    """Read the record of a seed.

    Raises:
        RunError: it is missing or damaged.
    """
    path = home / RECORD
    try:
        return ProgramRun.from_json(path.read_bytes(), path)
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from error


def reread(spec: ProgramSpec, home: Path) -> dict[str, ReadScore]:
    """Read the scores of a finished seed again, from the files that were kept.

    Raises:
        RunError: the record is missing or damaged.
        ProgramFailedError: a score cannot be read, or is not usable.
        DivergedError: a score is infinite or NaN.
    """
    run = read_program_run(home)
    places = {name: home / score.source for name, score in run.scores.items()}
    missing = ", ".join(name for name in spec.scores if name not in places)
    if missing:
        raise ProgramFailedError(f"{home / RECORD} has no score of {missing}")
    return read_scores(spec.scores, home, places, {})


def compare(source: Path, found: Mapping[str, str], registered: Mapping[str, str]) -> None:
    """Compare the files of a program with those that were registered.

    Raises:
        RunError: they differ.
    """
    found = {in_unicode(name): digest for name, digest in found.items()}
    registered = {in_unicode(name): digest for name, digest in registered.items()}
    changed = sorted(n for n in found.keys() & registered.keys() if found[n] != registered[n])
    problems = [
        f"{_listed(names)} {'has' if len(names) == 1 else 'have'} {what} since it was registered"
        for names, what in (
            (changed, "changed"),
            (sorted(registered.keys() - found.keys()), "been deleted"),
            (sorted(found.keys() - registered.keys()), "been added"),
        )
        if names
    ]
    if problems:
        raise RunError(
            f"the program in {source} is not the registered one: {'; '.join(problems)}. Restore "
            "it, or start a new verification"
        )


def _prepare(
    spec: ProgramSpec,
    values: Mapping[str, str],
    folder: SeedFolder,
    source: Path,
    hashes: FileHashes,
) -> _Start:
    """Check and prepare everything that a program needs to start."""
    for score in spec.scores.values():
        check_source(score)
    at_start = _registered_files(folder, source, hashes)
    filled = {**spec.parameters, **values, "out": str(folder.out)}
    command = tuple(fill(word, filled) for word in spec.command)
    variables = {key: fill(text, filled) for key, text in spec.environment.items()}
    environment = _environment(variables, source, folder.work)
    resolve_command(command[0], folder.work, environment)
    paths = _score_paths(spec, filled, folder)
    removed = folder.remove_old_scores(paths)
    before = folder.stamps(spec.keep)
    since = moment(folder.home)
    return _Start(command, variables, environment, at_start, paths, removed, before, since)


def _registered_files(folder: SeedFolder, source: Path, hashes: FileHashes) -> FileHashes:
    """Compare the program with the registered one, and return the hashes of what will run."""
    if folder.in_place:  # earlier seeds may have added files
        found = _hashes_in_place(folder)
        known = set(map(in_unicode, hashes))
        compare(source, {name: found[name] for name in found if in_unicode(name) in known}, hashes)
        return found
    copied = copy_files(source, list_files(source), folder.work)
    compare(source, copied, hashes)
    return copied


def _hashes_in_place(folder: SeedFolder) -> FileHashes:
    hashes = file_hashes(folder.work)
    return {n: hashes[n] for n in hashes if not (folder.work / n).is_relative_to(folder.home)}


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {plural(more, 'more file')}" if more > 0 else "")


def _environment(variables: Mapping[str, str], source: Path, work: Path) -> dict[str, str]:
    """Return all variables of a program that runs in a copy of its source."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PWD": str(work)}
    environment.pop("OLDPWD", None)
    # The program must import its modules from the copy, not from where they were copied from.
    if "PYTHONPATH" in environment:
        roots = (source.resolve(), original_folder(source))
        entries = environment["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(
            str(_in_copy(Path(entry).resolve(), roots, work)) for entry in entries if entry
        )
    return {**environment, **variables}


def _in_copy(path: Path, roots: Iterable[Path], work: Path) -> Path:
    """Return where a path is in the copy; the path itself if it is in none of the roots."""
    inside = (path.relative_to(root) for root in roots if path.is_relative_to(root))
    return next((work / name for name in inside), path)


def _score_paths(spec: ProgramSpec, values: Mapping[str, str], folder: SeedFolder) -> ScorePaths:
    written = {name: (source, score_files_path(source)) for name, source in spec.scores.items()}
    return {
        name: (source, folder.score_path(fill(path, values)))
        for name, (source, path) in written.items()
        if path is not None
    }


def _changes(folder: SeedFolder, start: _Start) -> SourceChanges:
    """Return what the program did to its source files."""
    listed = None if folder.in_place else start.hashes
    after = _hashes_in_place(folder) if listed is None else file_hashes(folder.work, listed)
    before = {name: start.hashes[name] for name in start.hashes.keys() - set(start.removed)}
    return SourceChanges(
        changed=_names(n for n in before if after.get(n, before[n]) != before[n]),
        deleted=_names(before.keys() - after.keys()),
        new=_names(after.keys() - start.hashes.keys()),
        ignored=_names(_ignored(folder, start, after)) if folder.in_place else (),
    )


def _ignored(folder: SeedFolder, start: _Start, listed: Collection[str]) -> Iterator[str]:
    """Yield the files that a run in place has written and that are no source files."""
    written = new_files(folder.work, start.since, [folder.home])
    unlisted = [name for name in written.files if name not in listed]
    yield from outside_runs(folder.work, unlisted)


def _names(files: Iterable[str]) -> tuple[str, ...]:
    """Return file names, sorted, as a record holds them: what is not Unicode becomes "?"."""
    return tuple(sorted(name.encode(errors="replace").decode() for name in files))


def _scores(
    spec: ProgramSpec, folder: SeedFolder, paths: ScorePaths, end: ProgramEnd
) -> tuple[dict[str, ReadScore], tuple[Failure, str] | None]:
    """Return the scores, or none and why the program failed."""
    is_lost = folder.has_lost_output()
    places, problems = folder.collect_scores(paths)
    kind, reason = failure_of(end, spec.timeout, folder.stdout, folder.stderr) or (None, "")
    if kind is None and is_lost:
        kind = "output"
        reason = (
            f"the program deleted what it had printed, {folder.stdout.name} or "
            f"{folder.stderr.name} in the folder of its own run"
        )
    if kind is None:
        try:
            return read_scores(spec.scores, folder.home, places, problems), None
        except PapertrialError as error:
            kind, reason = "diverged" if isinstance(error, DivergedError) else "score", str(error)
    return {}, (kind, with_last_lines(reason, folder.stdout, folder.stderr))


def _notes(
    changes: SourceChanges, end: ProgramEnd, scores: Mapping[str, ReadScore], *, in_place: bool
) -> tuple[str, ...]:
    """Return what a reader of the scores should know."""
    notes = []
    touched = list(changes.files)
    if touched and in_place:
        notes.append(
            f"the program changed its own folder, in which later seeds run: {_listed(touched)}"
        )
    elif touched:
        notes.append(f"the program changed its own source files, in its copy: {_listed(touched)}")
    if end.leftovers:
        notes.append(f"it left processes running, which were ended: {'; '.join(end.leftovers)}")
    notes += [
        f"{name}: {score.points:,} values were found, and {len(score.curve):,} of them are kept"
        for name, score in scores.items()
        if score.is_thinned
    ]
    return tuple(notes)


def _write(run: ProgramRun, home: Path) -> None:
    """Write the record in one step."""
    partial = home / f"{RECORD}.partial"
    partial.write_text(run.to_json(), encoding="utf-8")
    partial.replace(home / RECORD)


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
