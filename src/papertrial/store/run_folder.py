"""Run folders: created once, written atomically, and read back.

runs/<recipe>/<UTC time>-<hash8>-s<seed>/
    recipe.yaml          the recipe, fully resolved; it can be trained again
    code/                copies of the recipe's own files
    provenance.json      hashes, fingerprints, versions, machine, command, times, state
    preprocess.json      what was fitted on the training split, and what outputs mean
    statistics.json      what the images or rows of the training split look like
    metrics.jsonl        a line for each logged step and each evaluation
    metrics.json         the final metrics and timings
    model.json           how the network is built without the files of its initial weights
    model.safetensors    the weights
    state.pt             the state of the training: weights, optimizer, scheduler
    checkpoints/         while it trains: what the training continues from after a stop
    predictions/         outputs and targets of each evaluated split
    fold-0/ ...          with folds: a folder of this kind for each; the run itself then has neither
                         metrics.jsonl nor weights, and the predictions of all test rows
"""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from papertrial.claims.reach import Unit
from papertrial.errors import RunError
from papertrial.record import Record
from papertrial.store.run_records import (
    EvaluationLine,
    Provenance,
    RunSummary,
    StepLine,
    read_line,
)
from papertrial.vocabulary import MetricValue

RECIPE, PROVENANCE, PREPROCESS = "recipe.yaml", "provenance.json", "preprocess.json"
RECORDS, METRICS, WEIGHTS = "metrics.jsonl", "metrics.json", "model.safetensors"
STATE, PREDICTIONS, CODE = "state.pt", "predictions", "code"
TESTED = f"{PREDICTIONS}/test.safetensors"
STATISTICS = "statistics.json"  # of the training samples, for hints on what is predicted
NETWORK = "model.json"  # of a model whose recipe names files of initial weights
OBJECTIVE = "objective.safetensors"  # of an objective with parameters of its own

R = TypeVar("R", bound=Record)


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, recipe: str, digest: str, seed: int) -> RunFolder:
        """Create the folder of a new run; never use an existing one.

        Raises:
            RunError: the folder cannot be created.
        """
        now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
        name = f"{now}-{digest[:8]}-s{seed}"
        for attempt in range(1, 1000):
            path = root / recipe / (name if attempt == 1 else f"{name}-{attempt}")
            with _writing(path):
                try:
                    path.mkdir(parents=True)
                except FileExistsError:
                    if not path.is_dir():
                        raise
                    continue  # another run of this recipe and seed in the same second
                return cls(path)
        raise RunError(f"cannot create a new folder {root / recipe / name}")

    @classmethod
    def at(cls, path: Path) -> RunFolder:
        """Create a new folder at a given path.

        Raises:
            RunError: the folder exists already, or cannot be created.
        """
        with _writing(path):
            path.mkdir(parents=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open the folder of a finished run.

        Raises:
            RunError: it is not a run folder, or the run did not finish.
        """
        if not os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for a name too long)
            raise RunError(f"there is no run folder {path}; `papertrial runs` lists the folders")
        if not (path / PROVENANCE).is_file() or not (path / RECIPE).is_file():
            inside = [p.parent for p in sorted(path.glob(f"*/{PROVENANCE}"))]
            hint = f"; did you mean {inside[-1]}?" if inside else ""
            raise RunError(f"{path} is not a run folder: {PROVENANCE} or {RECIPE} is missing{hint}")
        folder = cls(path)
        state = folder.provenance.state
        if state != "finished":
            raise RunError(f"the run {path} did not finish: its state is {state!r}; train again")
        return folder

    @property
    def provenance(self) -> Provenance:
        """Where the run came from; RunError if the file is absent or damaged."""
        return self.read_record(PROVENANCE, Provenance)

    @property
    def summary(self) -> RunSummary:
        """The run's final metrics; RunError if the file is absent or damaged."""
        return self.read_record(METRICS, RunSummary)

    def lines(self) -> Iterator[StepLine | EvaluationLine]:
        """Yield the lines of metrics.jsonl; RunError if the file is absent or damaged."""
        for where, text in self.read_lines(RECORDS):
            yield read_line(text, where)

    def evaluations(self, split: str, metric: str) -> Iterator[MetricValue]:
        """Yield the values of a metric from the evaluations of a split in metrics.jsonl.

        Raises:
            RunError: the file is absent or damaged.
        """
        for line in self.lines():
            if isinstance(line, EvaluationLine) and line.split == split and metric in line.metrics:
                yield line.metrics[metric]

    def curve(self, split: str, metric: str, unit: Unit) -> dict[int, MetricValue]:
        """Return the values of a metric on a split in metrics.jsonl, by step or by epoch.

        An epoch has the value of the last evaluation in it.

        Raises:
            RunError: the file is absent or damaged.
        """
        values, epochs = dict[int, MetricValue](), dict[int, int]()
        for line in self.lines():
            if isinstance(line, StepLine):
                epochs[line.step] = line.epoch
            elif line.split == split and metric in line.metrics:
                values[line.step] = line.metrics[metric]
        if unit == "step":
            return values
        return {epochs[step]: values[step] for step in sorted(values) if step in epochs}

    def write(self, name: str, data: bytes | str) -> None:
        """Write a file atomically: write a temporary file, fsync it, rename it."""
        target = self.path / name
        with _writing(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            aside = target.with_name(f".{target.name}.{os.getpid()}")
            try:
                with aside.open("wb") as file:
                    file.write(data.encode() if isinstance(data, str) else data)
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(target)
            except BaseException:
                aside.unlink(missing_ok=True)
                raise
            fsync_folder(target.parent)

    def remove(self) -> None:
        """Remove the folder with all that is in it; nothing happens if it is absent."""
        shutil.rmtree(self.path, ignore_errors=True)

    def size(self, name: str) -> int:
        """Return the size of a file in bytes; 0 if it is missing."""
        return (self.path / name).stat().st_size if self.has(name) else 0

    def flush(self, name: str) -> None:
        """Wait until the lines that were appended to a file are on the disk."""
        if self.has(name):
            with _writing(self.path / name), (self.path / name).open("rb+") as file:
                os.fsync(file.fileno())

    def cut(self, name: str, size: int) -> None:
        """Cut a file of lines to its first bytes.

        Raises:
            RunError: it is shorter, or cannot be written to.
        """
        if self.size(name) < size:
            raise RunError(f"{self.path / name} is damaged: it has lost lines; train again")
        if self.has(name):
            with _writing(self.path / name):
                os.truncate(self.path / name, size)

    def has(self, name: str) -> bool:
        """Return whether the folder has a file."""
        return (self.path / name).is_file()

    def read(self, name: str) -> bytes:
        """Read a file; RunError if it is missing."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            rule = f"the run {self.path} has no readable {name}: {error.strerror}"
            fold = self.path / fold_name(0)
            hint = f"; each of its folds has one: name the folder of a fold, such as {fold}"
            raise RunError(rule + (hint if (fold / name).is_file() else "")) from error

    def write_record(self, name: str, record: Record) -> None:
        """Write a document as JSON, atomically."""
        self.write(name, record.to_json() + "\n")

    def append_record(self, name: str, record: Record) -> None:
        """Append a document as one line."""
        path = self.path / name
        with _writing(path), path.open("a", encoding="utf-8") as file:
            file.write(record.to_json(indent=None) + "\n")

    def read_record(self, name: str, kind: type[R]) -> R:
        """Read a document.

        Raises:
            RunError: the file is absent, damaged, or has another format version.
        """
        return kind.from_json(self.read(name), self.path / name)

    def read_lines(self, name: str) -> Iterator[tuple[str, bytes]]:
        """Yield (where, JSON text) for each line of a file of documents.

        A last line that a crash cut short, without a newline at its end, is skipped.

        Raises:
            RunError: the file is absent.
        """
        lines = self.read(name).split(b"\n")
        for number, line in enumerate(lines, 1):
            torn = number == len(lines) and not Record.is_json(line)
            if line and not torn:
                yield f"{self.path / name} line {number}", line


def fold_name(fold: int) -> str:
    """Return the name of the folder of a fold in the folder of its run."""
    return f"fold-{fold}"


def new_path(root: Path, recipe: str, digest: str, kind: str) -> Path:
    """Return an unused path for a folder that is no run folder, such as a verification.

    Raises:
        RunError: there is none.
    """
    now = datetime.datetime.now(datetime.UTC).strftime("%Y%m%dT%H%M%SZ")
    for attempt in range(1, 1000):
        number = "" if attempt == 1 else f"-{attempt}"
        path = root / recipe / f"{now}-{digest[:8]}-{kind}{number}"
        if not path.exists():
            return path
    raise RunError(f"cannot create a new folder of kind {kind} in {root / recipe}")


def check_writable(root: Path) -> None:
    """Check before a training that run folders can be created in `root` and written to.

    Raises:
        RunError: the folder cannot be created or written to.
    """
    with _writing(root):
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        rule = f"cannot write {path}: {error.strerror or error}"
        raise RunError(f"{rule}; choose another folder with --runs DIR, or free space") from error


def fsync_folder(path: Path) -> None:
    """Wait until a new file of a folder is on the disk, where the system can."""
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
