"""Try a program before a verification: the same seed twice, two seeds, and what they leave."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.errors import DivergedError, ProgramFailedError
from papertrial.programs.attempts import Attempt, attempt_scores
from papertrial.programs.code_files import FileHashes, file_hashes
from papertrial.programs.new_files import NewFiles, moment, new_files
from papertrial.programs.program_run import ProgramRun
from papertrial.programs.run_program import read_program_run, run_program
from papertrial.programs.seed_folder import WORK
from papertrial.programs.spec import ProgramSpec
from papertrial.progress import Returning, Step

_TEMPORARY = "TMPDIR"


@dataclass(frozen=True)
class Try:
    """One run of the program.

    Attributes:
        seed: the seed.
        run: how it ran.
        attempts: what each score gave, by name.
    """

    seed: int
    run: ProgramRun
    attempts: Mapping[str, Attempt]

    @property
    def ok(self) -> bool:
        """Whether it ended as it should, and all its scores can be read."""
        return self.run.failure is None

    @property
    def scores(self) -> Mapping[str, object]:
        """All values of its scores, to compare with those of another run."""
        return {name: (score.value, score.curve) for name, score in self.run.scores.items()}


@dataclass(frozen=True)
class Tried:
    """What trying a program showed.

    Attributes:
        first: the first run. There are no others if it did not give all scores.
        again: the same seed.
        others: the other seeds: one, or two if the first of them gave the same scores.
        temporary: what the runs left in the folder for temporary files.
        written: what was written meanwhile to the folders that were watched.
        source_changed: whether the code in its own folder was changed, after which no other seed
            runs.
    """

    first: Try
    again: Try | None
    others: tuple[Try, ...]
    temporary: NewFiles
    written: tuple[NewFiles, ...]
    source_changed: bool

    @property
    def tries(self) -> tuple[Try, ...]:
        """All runs in order."""
        return (self.first, *([] if self.again is None else [self.again]), *self.others)

    @property
    def is_deterministic(self) -> bool | None:
        """Whether the same seed gave the same scores; None if that was not seen."""
        if self.again is None or not self.again.ok:
            return None
        return self.again.scores == self.first.scores

    @property
    def seeds_differ(self) -> bool | None:
        """Whether another seed gave other scores; None if that was not seen."""
        others = [other for other in self.others if other.ok]
        if not others:
            return None
        return any(other.scores != self.first.scores for other in others)


def try_seeds(
    spec: ProgramSpec,
    values: Mapping[str, str],
    *,
    source: Path,
    hashes: FileHashes,
    seeds: Sequence[int],
    seeded: bool,
    watched: Sequence[Path],
) -> Generator[Step, None, Tried]:
    """Run a program three or four times in a temporary folder, yield progress, and compare.

    Nothing of the runs is kept. A closed generator ends the program.

    Args:
        spec: the program; its timeout is that of each run.
        values: of the placeholders device, data, python and threads.
        source: the folder with the program's code.
        hashes: of its files.
        seeds: three different seeds.
        seeded: whether the program takes a seed; without one, the first seed runs twice.
        watched: folders in which to look for new files, the inner before the outer ones.

    Raises:
        PapertrialError: the program cannot be started.
    """
    with tempfile.TemporaryDirectory(
        prefix="papertrial-check-", ignore_cleanup_errors=True
    ) as name:
        folder = Path(name).resolve()
        temporary = folder / "tmp"
        temporary.mkdir()
        if _TEMPORARY not in spec.environment:
            spec = replace(spec, environment={**spec.environment, _TEMPORARY: str(temporary)})
        since = moment(folder)
        run = _Runs(spec, values, source, hashes, folder)
        first = yield from run(seeds[0])
        again, others = None, list[Try]()
        changed = not spec.in_place and file_hashes(source) != hashes
        if first.ok and not changed:
            again = yield from run(seeds[0], " again")
            for seed in seeds[1:] if seeded else ():
                others.append((yield from run(seed)))
                if not others[-1].ok or others[-1].scores != first.scores:
                    break
        yield Step("looking for files that it left", 0, None, "files")
        skipped = [folder]
        written = []
        for root in watched:
            written.append(new_files(root, since, skipped))
            skipped.append(root)
        return Tried(
            first=first,
            again=again,
            others=tuple(others),
            temporary=new_files(temporary, since),
            written=tuple(written),
            source_changed=changed,
        )


class _Runs:
    """Runs one seed after the other, each in a new folder."""

    def __init__(
        self,
        spec: ProgramSpec,
        values: Mapping[str, str],
        source: Path,
        hashes: FileHashes,
        folder: Path,
    ) -> None:
        self._spec = spec
        self._values = values
        self._source = source
        self._hashes = hashes
        self._folder = folder
        self._count = 0

    def __call__(self, seed: int, mark: str = "") -> Generator[Step, None, Try]:
        """Run a seed, and read what can be read of its scores."""
        self._count += 1
        home = self._folder / str(self._count)
        values = {**self._values, "seed": str(seed)}
        what = f"seed {seed}{mark}"
        yield Step(what, 0, None, "s")
        running = run_program(
            self._spec,
            values,
            home=home,
            source=self._source,
            hashes=self._hashes,
            token=uuid.uuid4().hex,
        )
        try:
            with Returning(running) as events:
                for event in events:
                    yield Step(what, int(event.seconds), None, "s")
            run = events.value
        except (ProgramFailedError, DivergedError):
            run = read_program_run(home)
        work = self._source.resolve() if self._spec.in_place else home / WORK
        attempts = attempt_scores(self._spec, values, home=home, work=work, produced=run.produced)
        return Try(seed, run, attempts)
