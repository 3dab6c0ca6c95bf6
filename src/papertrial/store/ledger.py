"""ledger.jsonl: the decisions on a series of ideas, which share one error budget.

The first line has the terms, and each further line is a decision. A line has the SHA-256 of the
line before it, so that an edited or a deleted line is found. Lines are only appended, under a lock,
and are on the disk before their decision is reported. What a hash chain cannot show is that the
last lines were cut off: compare the hash of the last line with one that was kept elsewhere.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self

import filelock
from pydantic import AwareDatetime, Field, model_validator

from papertrial.claims.gain import GainDecision
from papertrial.errors import RunError
from papertrial.record import Part, Record
from papertrial.store.run_folder import fsync_folder
from papertrial.vocabulary import Better

_WAIT = 60.0  # seconds for another decision on the same ledger, which takes much less than one
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class LedgerTerms(Record):
    """The first line: what is the same for all decisions, because the error bound needs it.

    Attributes:
        kind: tells the lines of a ledger apart.
        opened: when the ledger was opened, in ISO 8601, UTC.
        alpha: the error budget.
        ideas: how many ideas are expected.
        metric: the name of the metric.
        better: which of its values are better.
        at_least_by: the minimum gain, in the metric's unit.
        samples: the number of samples that a metric which moves in steps is computed on; None if
            unknown, or if each verification says it.
    """

    kind: Literal["terms"] = "terms"
    opened: AwareDatetime
    alpha: float
    ideas: int
    metric: str
    better: Better
    at_least_by: float
    samples: int | None


class LedgerSide(Part):
    """One of the two sides of a decision.

    Attributes:
        name: the file or the folder, as it was given.
        source: what it is.
        sha256: of the file's bytes, or of the verification's preregistration.json.
        scores: those that were compared, in the order of the seeds.
    """

    name: str
    source: Literal["scores", "verification"]
    sha256: Digest
    scores: tuple[float, ...]


class LedgerDecision(Record):
    """A decision on an idea; an idea that needs more seeds has several.

    Attributes:
        kind: tells the lines of a ledger apart.
        previous: the SHA-256 of the line before this one, without its end of line.
        decided: when, in ISO 8601, UTC.
        idea: its number, from 1 on, which its share of the budget depends on.
        seeds: those that were compared, in the baseline's order.
        n: their number.
        step: what the metric moves in; 0 if in no steps.
        gain, sd: mean and SD of the gains of the seeds; a gain is positive if the candidate is
            better.
        low, high: the interval of the expected gain at this level; None where it is open.
        e_value: the evidence for a gain of more than the minimum, after the last seed.
        e_against: the evidence for a gain of less than the minimum.
        accepted_before: how many ideas were accepted before.
        level: what the idea is tested at: it is accepted if the e-value is at least 1/level.
        decision: what was decided.
        more_seeds: about how many more seeds an undecided idea needs if the gain is what was
            measured; None if it would never be accepted.
        budget_left: the part of alpha that later ideas have.
    """

    kind: Literal["decision"] = "decision"
    previous: Digest
    decided: AwareDatetime
    idea: int = Field(ge=1)
    baseline: LedgerSide
    candidate: LedgerSide
    seeds: tuple[int, ...]
    n: int
    step: float
    gain: float
    sd: float
    low: float | None
    high: float | None
    e_value: float
    e_against: float
    accepted_before: int
    level: float = Field(gt=0)
    decision: GainDecision
    more_seeds: int | None
    budget_left: float

    @model_validator(mode="after")
    def _check_lengths(self) -> Self:
        lengths = {len(self.seeds), len(self.baseline.scores), len(self.candidate.scores), self.n}
        if len(lengths) > 1:
            raise ValueError(f"seeds and scores differ in length: {sorted(lengths)}")
        return self

    @property
    def pairs(self) -> tuple[tuple[int, float, float], ...]:
        """The seeds with the scores of the baseline and of the candidate."""
        return tuple(zip(self.seeds, self.baseline.scores, self.candidate.scores, strict=True))


@dataclass(frozen=True)
class LedgerContent:
    """What a ledger holds.

    Attributes:
        terms: its first line.
        decisions: its other lines.
        head: the SHA-256 of its last line.
    """

    terms: LedgerTerms
    decisions: tuple[LedgerDecision, ...]
    head: str

    @classmethod
    def of(cls, terms: LedgerTerms) -> Self:
        """Return the content of a ledger whose only line has these terms."""
        return cls(terms, (), _sha256(_line(terms)))

    @property
    def accepted(self) -> int:
        """How many ideas were accepted."""
        return sum(one.decision == "ACCEPTED" for one in self.decisions)

    @property
    def ideas(self) -> int:
        """How many ideas were numbered."""
        return max((one.idea for one in self.decisions), default=0)


class Ledger:
    """A ledger file, which need not exist yet."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing to the ledger, and repair a line that a crash cut.

        Raises:
            RunError: the file cannot be written to, or another process holds the lock.
        """
        with self._writing():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                held = filelock.FileLock(f"{self.path}.lock").acquire(timeout=_WAIT)
            except filelock.Timeout:
                raise RunError(
                    f"another process has used the ledger {self.path} for {_WAIT:g} seconds; wait "
                    "for it to end"
                ) from None
        with held:
            with self._writing():
                self._repair()
            yield

    def read(self) -> LedgerContent | None:
        """Return the content of the ledger; None if it has no line yet.

        A last line that a crash cut short is skipped: its decision was never reported.

        Raises:
            RunError: the file cannot be read, a line is damaged, or the hash chain is broken.
        """
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunError(f"cannot read the ledger {self.path}: {error.strerror}") from error
        lines = text.split(b"\n")
        if not lines[-1] or not Record.is_json(lines[-1]):
            lines.pop()
        if not lines:
            return None
        terms = LedgerTerms.from_json(lines[0], f"{self.path} line 1")
        decisions, before = list[LedgerDecision](), lines[0]
        for number, line in enumerate(lines[1:], 2):
            where = f"{self.path} line {number}"
            one = LedgerDecision.from_json(line, where)
            if one.previous != _sha256(before):
                raise RunError(
                    f"{where} does not follow the line before it: a line was edited, deleted or "
                    "inserted, so the error bound is lost; restore the ledger from a copy"
                )
            decisions.append(one)
            before = line
        return LedgerContent(terms, tuple(decisions), _sha256(before))

    def append(self, record: LedgerTerms | LedgerDecision) -> str:
        """Append a line, wait until it is on the disk, and return its SHA-256.

        Raises:
            RunError: the file cannot be written to.
        """
        line, is_new = _line(record), not self.path.exists()
        with self._writing(), self.path.open("ab") as file:
            file.write(line + b"\n")
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            fsync_folder(self.path.parent)
        return _sha256(line)

    def _repair(self) -> None:
        """Remove a last line that a crash cut short; end one that lacks only its end of line."""
        text = self.path.read_bytes() if self.path.exists() else b""
        if not text or text.endswith(b"\n"):
            return
        whole = text[: text.rfind(b"\n") + 1]
        with self.path.open("r+b") as file:
            if Record.is_json(text[len(whole) :]):
                file.seek(0, os.SEEK_END)
                file.write(b"\n")
            else:
                file.truncate(len(whole))
            file.flush()
            os.fsync(file.fileno())

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise RunError(f"cannot write the ledger {self.path}: {reason}") from error


def _line(record: Record) -> bytes:
    return record.to_json(indent=None).encode()


def _sha256(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
