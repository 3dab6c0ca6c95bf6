"""Run folders: made once, filled with files that appear whole or not at all, and read back.

runs/<recipe>/<UTC time>-<hash8>-s<seed>/
    recipe.yaml          what was done, fully resolved; runs again as it is
    code/                copies of the recipe's own files
    provenance.json      hashes, fingerprints, versions, machine, command, times, state
    preprocess.json      what was learnt on the training part, and what outputs mean
    metrics.jsonl        a record per logged step and per evaluation
    metrics.json         the final metrics and timings
    model.safetensors    the weights
    state.pt             the state of the training: weights, optimizer, scheduler
    predictions/         outputs and targets of each evaluated split
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from papertrial.errors import RunError
from papertrial.record import Record
from papertrial.store.run_records import (
    EvaluationLine,
    Provenance,
    RunSummary,
    StepLine,
    read_line,
)

RECIPE, PROVENANCE, PREPROCESS = "recipe.yaml", "provenance.json", "preprocess.json"
RECORDS, METRICS, WEIGHTS = "metrics.jsonl", "metrics.json", "model.safetensors"
STATE, PREDICTIONS, CODE = "state.pt", "predictions", "code"

R = TypeVar("R", bound=Record)


class RunFolder:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def create(cls, root: Path, recipe: str, digest: str, seed: int) -> RunFolder:
        """Make the folder of a new run, never one that is there already.

        Raises:
            RunError: it cannot be made.
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
                    continue  # two runs of one recipe and seed within a second
                return cls(path)
        raise RunError(f"cannot make a new folder for {root / recipe / name}")

    @classmethod
    def at(cls, path: Path) -> RunFolder:
        """Make a new folder of a given name.

        Raises:
            RunError: it is there already, or cannot be made.
        """
        with _writing(path):
            path.mkdir(parents=True)
        return cls(path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """Open the folder of a finished run.

        Raises:
            RunError: it is none, or the run did not finish.
        """
        if not os.path.isdir(path):  # noqa: PTH112  (Path.is_dir raises for a name too long)
            raise RunError(f"there is no run folder {path}; a training prints the path of its run")
        if not (path / PROVENANCE).is_file() or not (path / RECIPE).is_file():
            inside = [p.parent for p in sorted(path.glob(f"*/{PROVENANCE}"))]
            hint = f"; did you mean {inside[-1]}?" if inside else ""
            raise RunError(f"{path} is no run folder: it has no {PROVENANCE} and {RECIPE}{hint}")
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

    def write(self, name: str, data: bytes | str) -> None:
        """Write a file so that it appears whole or not at all: write aside, fsync, rename."""
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
            _fsync_folder(target.parent)

    def write_json(self, name: str, value: Any) -> None:
        """Write a value as JSON; NaN and infinity, which JSON lacks, are refused."""
        self.write(name, json.dumps(value, indent=2, allow_nan=False) + "\n")

    def append(self, name: str, record: dict[str, Any]) -> None:
        """Append one JSON line."""
        path = self.path / name
        with _writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record, allow_nan=False) + "\n")

    def read(self, name: str) -> bytes:
        """Read a file; RunError where it is absent."""
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            rule = f"the run {self.path} has no readable {name}: {error.strerror}"
            raise RunError(rule) from error

    def write_record(self, name: str, record: Record) -> None:
        """Write a document as JSON; it appears whole or not at all."""
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

        A last line that a crash cut short has no newline after it; it is left out.

        Raises:
            RunError: the file is absent.
        """
        lines = self.read(name).split(b"\n")
        for number, line in enumerate(lines, 1):
            torn = number == len(lines) and not Record.is_json(line)
            if line and not torn:
                yield f"{self.path / name} line {number}", line

    def read_json(self, name: str) -> Any:
        """Read a JSON file; RunError where it is absent or damaged."""
        data = self.read(name)
        try:
            return json.loads(data)
        except ValueError as error:
            raise RunError(f"{self.path / name} is damaged: {error}") from error

    def records(self, name: str = RECORDS) -> Iterator[dict[str, Any]]:
        """Yield the records of a file of lines; a last one that a crash cut short is left out."""
        lines = self.read(name).decode(errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if not line:
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                if number == len(lines):  # no newline after it: it was being written
                    return
                rule = f"{self.path / name} line {number} is damaged"
                raise RunError(f"{rule}: {error}") from error
            if not isinstance(record, dict):
                raise RunError(f"{self.path / name} line {number} is damaged: {line[:40]!r}")
            yield record


def check_writable(root: Path) -> None:
    """Find out before anything is trained whether runs can be written.

    Raises:
        RunError: the folder cannot be made or written to.
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


def _fsync_folder(path: Path) -> None:
    if os.name == "posix":
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
