"""What `papertrial check` learns of a program."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class InterpreterFacts:
    """What runs a program.

    Attributes:
        path: the executable.
        kind: "python" or "other".
        version: of Python; None for another executable.
        packages: the number of packages that this Python can import.
        image: the digest of the container image; None without one.
    """

    path: str
    kind: str
    version: str | None
    packages: int
    image: str | None = None


@dataclass(frozen=True)
class CodeFacts:
    """The code of a program.

    Attributes:
        folder: where it is.
        files: the number of files that each seed gets a copy of.
        commit: of the folder; None outside a Git repository.
        changed: files that differ from the commit, or are not in it.
    """

    folder: str
    files: int
    commit: str | None
    changed: tuple[str, ...]


@dataclass(frozen=True)
class ScoreFacts:
    """Where the first run had a score.

    Attributes:
        value: as it is used: percentages are converted to fractions.
        unit: how the program prints it.
        file: relative to the seed's folder: "stdout.txt", "out/result.json".
        line: 1-based; None where there are no lines.
        text: what is written there.
        matches: the number of values that were found.
        which: which of them is the score.
    """

    value: float
    unit: str
    file: str
    line: int | None
    text: str
    matches: int
    which: str


@dataclass(frozen=True)
class SeedFacts:
    """What the tries showed of the seed.

    Attributes:
        tried: the seeds that ran, in order; the first one may be there twice.
        scores: of each run, by name.
        deterministic: whether the same seed gave the same scores; None if that was not seen.
        differ: whether another seed gave other scores; None if that was not seen.
        taken: whether the program takes a seed; the two runs of another one are of no seed.
    """

    tried: tuple[int, ...]
    scores: tuple[dict[str, float], ...]
    deterministic: bool | None
    differ: bool | None
    taken: bool = True


@dataclass(frozen=True)
class RunFacts:
    """What the first run took and left.

    Attributes:
        seconds: of wall-clock time.
        peak_memory: bytes of the largest of its processes.
        stopped: whether it was stopped at the time limit.
        quick: overrides of the runs of the check.
        produced_files, produced_bytes: what it wrote; a verification keeps only the files with
            scores, and those of `keep`.
        least_seconds, most_seconds: estimated time of a verification with one worker; None if the
            run was stopped, or with quick overrides.
        seeds: the least and the most seeds of that estimate.
    """

    seconds: float
    peak_memory: int
    stopped: bool
    quick: tuple[str, ...]
    produced_files: int
    produced_bytes: int
    least_seconds: float | None
    most_seconds: float | None
    seeds: tuple[int, int]


@dataclass
class ProgramFacts:
    """What is known of a program. A fact is None if it was not measured.

    Attributes:
        interpreter: what runs it.
        code: its files and their commit.
        run: what the first run took and left.
        scores: where the first run had each score.
        seed: what the tries showed of the seed.
        written: files outside the folders of the runs that changed meanwhile, by folder; other
            processes may have changed them.
        not_seen: what a check cannot see.
    """

    interpreter: InterpreterFacts | None = None
    code: CodeFacts | None = None
    run: RunFacts | None = None
    scores: dict[str, ScoreFacts] | None = None
    seed: SeedFacts | None = None
    written: dict[str, tuple[str, ...]] | None = None
    not_seen: str | None = None

    def to_json(self) -> dict[str, object]:
        """Return the facts that were measured as a JSON object, without the others."""
        return {name: fact for name, fact in asdict(self).items() if fact is not None}
