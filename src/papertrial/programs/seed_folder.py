"""The folder of one seed: where its program runs, its score files, and what is kept of it.

<home>/
    work/         the copy that the program runs in; deleted at the end
    out/          the program's output folder; files that are not kept are deleted at the end
    kept/         what is kept of the files that the program wrote into its copy
    stdout.txt, stderr.txt
    program.json  how it ran
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from papertrial.errors import PapertrialError, RunError, did_you_mean
from papertrial.programs.program_run import ProducedFile
from papertrial.programs.spec import CsvScore, JsonScore, ScoreSource, TensorboardScore

STDOUT, STDERR, RECORD = "stdout.txt", "stderr.txt", "program.json"
OUT, KEPT, WORK = "out", "kept", "work"
EVENTS = "*tfevents*"  # TensorBoard's files
_MOST_LISTED = 1000  # files in program.json that were not kept


Stamp = tuple[Path, int, int]  # a file, its size and its modification time in ns
ScorePaths = Mapping[str, tuple[ScoreSource, Path]]  # file sources by score, with absolute paths


class SeedFolder:
    """The folder of one seed.

    Args:
        home: the folder: new, empty, or of a run that did not finish.
        source: the folder that the program runs in; None if it runs in a copy below `home`.

    Raises:
        RunError: it has a finished run, or other files.
    """

    def __init__(self, home: Path, source: Path | None) -> None:
        self.home = home.resolve()
        self.in_place = source is not None
        self.work = self.home / WORK if source is None else source.resolve()
        self.out = self.home / OUT
        self.stdout, self.stderr = self.home / STDOUT, self.home / STDERR
        self._kept: dict[Path, Path] = {}  # where a file was written, and where it is kept
        if (self.home / RECORD).exists():
            raise RunError(f"{home} has the finished run of a seed: a new one needs a new folder")
        self.discard()
        if self.home.exists() and any(self.home.iterdir()):
            raise RunError(f"{home} is not empty: a seed of a program needs a new folder")
        self.out.mkdir(parents=True)
        if not self.in_place:
            self.work.mkdir()
        self.stdout.touch()
        self.stderr.touch()

    def discard(self) -> None:
        """Delete what a run that did not finish has left in its folder."""
        for name in (WORK, OUT, KEPT):
            _remove_tree(self.home / name)
        for path in (self.stdout, self.stderr, self.home / f"{RECORD}.partial"):
            path.unlink(missing_ok=True)

    def has_lost_output(self) -> bool:
        """Whether the program has deleted its own output; what it has deleted is made again, empty.

        A link in the place of the folder or of a file is removed, and what it leads to stays.
        """
        if self.home.is_symlink() or self.home.is_file():
            self.home.unlink()
        self.home.mkdir(parents=True, exist_ok=True)
        lost = [
            file for file in (self.stdout, self.stderr) if file.is_symlink() or not file.is_file()
        ]
        for file in lost:
            if file.is_dir():
                _remove_tree(file)
            file.unlink(missing_ok=True)
            file.touch()
        return bool(lost)

    def score_path(self, path: str) -> Path:
        """Return the absolute path of a score file or folder, which may have wildcards.

        Raises:
            RunError: it is neither in the output folder nor in the program's folder, where other
                seeds do not write.
        """
        found = Path(os.path.normpath(self.work / path))
        # Not through a link either: what another folder has is not removed.
        if not (self._is_inside(found) and self._is_inside(found.resolve())):
            raise RunError(
                f'the score file "{path}" is outside the output folder and the program\'s folder, '
                'so that another seed could have written it: use "{out}/..." or a relative path'
            )
        return found

    def remove_old_scores(self, sources: ScorePaths) -> tuple[str, ...]:
        """Remove the score files that are in the copy before the program starts; return them.

        Raises:
            RunError: the program runs in place, where nothing of the user's is removed.
        """
        removed = []
        for source, path in sources.values():
            for file in self._score_files(source, path):
                if self.in_place:
                    raise RunError(
                        f"the score file {file} was there before the program started, so its "
                        "content may be an earlier result: delete or move it, or let the program "
                        "write it below {out}"
                    )
                file.unlink()
                removed.append(file.relative_to(self.work).as_posix())
        return tuple(removed)

    def collect_scores(self, sources: ScorePaths) -> tuple[dict[str, Path], dict[str, str]]:
        """Move the score files to where they are kept.

        Returns:
            The file or TensorBoard folder of each score that has one, and why others do not.
        """
        found = {name: self._score_files(*source) for name, source in sources.items()}
        problems = {name: self._problem(*sources[name], found[name]) for name in sources}
        places = {}
        for name, (source, path) in sources.items():
            if problems[name]:
                continue
            kept = [self._keep(file, move=True) for file in found[name]]
            of_folder = isinstance(source, TensorboardScore)
            places[name] = self._kept_path(path.resolve()) if of_folder else kept[0]
        return places, {name: problem for name, problem in problems.items() if problem}

    def keep(self, patterns: Iterable[str], before: Collection[Stamp]) -> None:
        """Keep the files that match glob patterns, in the output folder and in the program's.

        Args:
            patterns: relative to either folder.
            before: `stamps` from before the start; files that are the same are not kept.
        """
        written = [file for file in self._matches(patterns) if _stamp(file) not in before]
        for file in written:  # of a link, the file that it leads to may be moved before it
            self._keep(file, move=not self.in_place)

    def stamps(self, patterns: Iterable[str]) -> set[Stamp]:
        """Return path, size and time of the files that match glob patterns.

        Raises:
            PapertrialError: a pattern is not relative.
        """
        return {_stamp(file) for file in self._matches(patterns)}

    def tidy(self, unchanged: Collection[str]) -> tuple[tuple[ProducedFile, ...], int, int]:
        """Delete the copy and what is not kept; return the files written, their number and bytes.

        Args:
            unchanged: the source files in the copy that the program did not change.
        """
        kept = [self._kept_file(file) for file in sorted(self._kept)]
        stay = set(self._kept.values())
        skipped = {self.work / name for name in unchanged}
        rest = [
            ProducedFile(path=self._label(file), bytes=file.lstat().st_size)
            for file in self._written()
            if file not in stay and file not in skipped
        ]
        if not self.in_place:
            _remove_tree(self.work)
        if self.out.is_symlink():  # what another folder has is not deleted
            self.out.unlink()
        for folder, folders, files in os.walk(self.out, topdown=False):
            here = Path(folder)
            here.chmod(here.stat().st_mode | stat.S_IRWXU)
            links = [here / name for name in folders if (here / name).is_symlink()]
            for path in (*links, *(here / name for name in files)):
                if path.is_symlink() or path not in stay:
                    path.unlink()
            if here != self.out and not any(here.iterdir()):
                here.rmdir()
        produced = (*kept, *rest)
        total = sum(file.bytes for file in produced)
        return produced[: len(kept) + _MOST_LISTED], len(produced), total

    def _written(self) -> Iterator[Path]:
        """Yield the files in the output folder and in the copy."""
        for root in (self.out,) if self.in_place else (self.out, self.work):
            for folder, folders, files in () if root.is_symlink() else os.walk(root):
                paths = (Path(folder) / name for name in (*files, *folders))
                yield from sorted(path for path in paths if path.is_symlink() or not path.is_dir())

    def _matches(self, patterns: Iterable[str]) -> list[Path]:
        found: dict[Path, None] = {}
        for pattern in patterns:
            for root in (self.out, self.work):
                try:
                    matching = sorted(root.glob(pattern))
                except (ValueError, NotImplementedError) as error:
                    raise PapertrialError(
                        f'keep: "{pattern}" is not a relative glob pattern, such as '
                        f'"checkpoints/*.pt": {error}'
                    ) from error
                found.update((file, None) for file in _files_in(matching, root))
        return list(found)

    def _score_files(self, source: ScoreSource, path: Path) -> list[Path]:
        """Return the files that a score would be read from now, without links in their folders.

        A file that is reached through a link to another folder is not among them: it is not of this
        seed.
        """
        if isinstance(source, TensorboardScore) and not self._is_inside(path.resolve()):
            return []
        found = dict.fromkeys(map(_without_links, _files_at(source, path)))
        return [file for file in found if self._is_inside(file)]

    def _is_inside(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in (self.out, self.work))

    def _problem(self, source: ScoreSource, path: Path, files: list[Path]) -> str | None:
        """Return why a score cannot be read from the files that were found for it."""
        if not files:
            names = {file.name for file in self._written()} - {path.name}
            what = (
                "event file of TensorBoard in" if isinstance(source, TensorboardScore) else "file"
            )
            return (
                f"the program wrote no {what} {self._label(path)}{did_you_mean(path.name, names)}"
            )
        if len(files) > 1 and not isinstance(source, TensorboardScore):
            listed = ", ".join(map(self._label, files[:5]))
            return f"{len(files)} files match {self._label(path)}, where one is expected: {listed}"
        return None

    def _keep(self, file: Path, *, move: bool) -> Path:
        """Keep a file that the program wrote, and return where it is from now on."""
        if file not in self._kept:
            target = self._kept_path(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            if file.is_symlink():  # its target may be deleted
                content = file.resolve()
                content = self._kept.get(content, content)
                if target == file:
                    file.unlink()
                shutil.copy2(content, target)
            elif target != file:
                (shutil.move if move else shutil.copy2)(file, target)
            self._kept[file] = target
        return self._kept[file]

    def _kept_path(self, path: Path) -> Path:
        if path.is_relative_to(self.out):
            return path
        return self.home / KEPT / path.relative_to(self.work)

    def _kept_file(self, file: Path) -> ProducedFile:
        kept = self._kept[file]
        return ProducedFile(
            path=self._label(file),
            bytes=kept.stat().st_size,
            kept=self._label(kept),
            sha256=sha256_of(kept),
        )

    def _label(self, path: Path) -> str:
        """Return how a file is named: "out/log.csv", "work/log.csv", or with its source folder."""
        inside = path.is_relative_to(self.home)
        label = path.relative_to(self.home).as_posix() if inside else str(path)
        return label.encode(errors="replace").decode()


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file of a seed's folder."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def score_files_path(source: ScoreSource) -> str | None:
    """Return the path, with placeholders, of the files of a score; None if it is in the output."""
    match source:
        case JsonScore(path=path) | CsvScore(path=path) | TensorboardScore(folder=path):
            return path
    return None


def _files_at(source: ScoreSource, path: Path) -> list[Path]:
    """Return the files at the path of a score, which may have wildcards."""
    if isinstance(source, TensorboardScore):
        return sorted(file for file in path.rglob(EVENTS) if file.is_file())
    if not any(sign in str(path) for sign in "*?"):
        return [path] if path.is_file() else []
    pattern = str(path.relative_to(path.anchor)).replace("[", "[[]")
    return sorted(file for file in Path(path.anchor).glob(pattern) if file.is_file())


def _files_in(paths: Iterable[Path], root: Path) -> Iterator[Path]:
    """Yield the files among paths, and those below folders; not those outside the root."""
    for path in paths:
        if not path.resolve().is_relative_to(root):  # a link to "/", say
            continue
        below = (Path(parent) / name for parent, _, names in os.walk(path) for name in names)
        for file in sorted(below) if path.is_dir() else [path]:
            if file.is_file() and file.resolve().is_relative_to(root):
                yield _without_links(file)


def _without_links(file: Path) -> Path:
    """Return the path of a file without links in its folders; it may be a link itself."""
    return file.parent.resolve() / file.name


def _stamp(file: Path) -> Stamp:
    found = file.stat()
    return file, found.st_size, found.st_mtime_ns


def _remove_tree(folder: Path) -> None:
    """Delete a folder, if it is there, also if the program has made folders in it read-only."""
    if folder.is_symlink():  # which a program put in its place; what it leads to stays
        folder.unlink()
    if not folder.exists():
        return
    folder.chmod(0o700)
    for parent, folders, _ in os.walk(folder):
        for path in (Path(parent) / name for name in folders):
            if not path.is_symlink():
                path.chmod(0o700)
    shutil.rmtree(folder)
