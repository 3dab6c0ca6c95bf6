"""program.json: how one seed of a program ran, and the scores that were read."""

from __future__ import annotations

from typing import Literal

from papertrial.programs.spec import Unit
from papertrial.record import Part, Record

Failure = Literal[
    "start", "timeout", "signal", "exit-code", "memory", "output", "score", "diverged"
]  # fmt: skip


class Place(Part):
    """Where a score was found: a file in the seed's folder, a line, and what is written there."""

    file: str
    line: int | None
    text: str


class ReadScore(Part):
    """A score, and the curve that it belongs to.

    Attributes:
        value: a percentage is converted to a fraction.
        curve: pairs (step, value), in order; the step is None if the source has none.
        points: the number of values that were found; a curve has at most 10,000, and then is
            thinned evenly.
        source: the file, or TensorBoard's folder, relative to the seed's folder.
        place: where the value is; for a mean, its last value.
    """

    value: float
    unit: Unit
    curve: tuple[tuple[int | None, float], ...]
    points: int
    source: str
    place: Place

    @property
    def is_thinned(self) -> bool:
        """Whether the curve lacks some of the values."""
        return len(self.curve) < self.points


class ProducedFile(Part):
    """A file that the program wrote: "out/log.txt", "work/model.pt".

    Attributes:
        path: where it was written, relative to the seed's folder.
        bytes: its size.
        kept: where it is kept, relative to the seed's folder; None if it was deleted.
        sha256: of a kept file.
    """

    path: str
    bytes: int
    kept: str | None = None
    sha256: str | None = None


class SourceChanges(Part):
    """What the program did to its own source files while it ran.

    Attributes:
        changed, deleted: source files.
        new: further files that a later run would have as source files. In a copy there are none:
            they are produced files.
        ignored: files that are no source files, because Git ignores them or a tool is known to
            write them, and that were written in the folder meanwhile; with `in_place` only.
    """

    changed: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    new: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.files)

    @property
    def files(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.changed, *self.deleted, *self.new, *self.ignored)


class ProgramRun(Record):
    """program.json: how one seed of a program ran. Times are in ISO 8601, UTC.

    Attributes:
        command: as it ran, without placeholders.
        folder: the folder that it ran in.
        source: the folder of the registered code.
        environment: the variables that were set for it; it also had those of papertrial's own
            process.
        exit_code: None if the program did not start or was ended by a signal.
        seconds: of wall-clock time.
        cpu_seconds: of all its processes.
        peak_memory: bytes of the largest of its processes (maximum resident set size).
        leftovers: commands of processes that were still there after its end, and were killed.
        needed_sigkill: whether a process did not end on SIGTERM.
        removed_before: score files that were in the source, and were removed from the copy.
        produced: the files that it wrote, at most 1000 of those that were not kept.
        produced_count, produced_bytes: of all files that it wrote.
        notes: what a reader of the scores should know.
        failure, error: why it has no scores; None if it has. "output" means that it deleted what
            it had printed.
    """

    command: tuple[str, ...]
    folder: str
    source: str
    in_place: bool
    environment: dict[str, str]
    seed: int
    started: str
    ended: str
    exit_code: int | None
    signal: int | None
    timed_out: bool
    seconds: float
    cpu_seconds: float
    peak_memory: int
    leftovers: tuple[str, ...]
    needed_sigkill: bool
    scores: dict[str, ReadScore]
    source_changes: SourceChanges
    removed_before: tuple[str, ...]
    produced: tuple[ProducedFile, ...]
    produced_count: int
    produced_bytes: int
    stdout_sha256: str
    stderr_sha256: str
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    error: str | None = None

    @property
    def kept(self) -> tuple[ProducedFile, ...]:
        """The files that were kept."""
        return tuple(file for file in self.produced if file.kept is not None)
