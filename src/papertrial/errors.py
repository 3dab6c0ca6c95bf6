"""Errors that a user can fix; each message says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class PapertrialError(ValueError):
    """An error in the user's input; the command line shows its message without a traceback."""


class RecipeError(PapertrialError):
    """A recipe that cannot be read, or that is not valid."""


class DataError(PapertrialError):
    """Data that are missing, corrupt, or unsuitable for the task."""


class ModelError(PapertrialError):
    """A model or a loss that does not fit the input, the targets or the task."""


class DivergedError(PapertrialError):
    """A training whose loss, or a metric that a claim needs, is no longer finite."""


class ProgramFailedError(PapertrialError):
    """A program that ended without a usable score."""


class ClaimError(PapertrialError):
    """A claim that cannot be judged, or an inconsistent rule for judging it."""


class ScoresError(PapertrialError):
    """Scores that cannot be read, or that no verdict can be taken from."""


class RunError(PapertrialError):
    """A run folder or verification folder that cannot be read or written."""


class PredictionInputError(PapertrialError):
    """An input to predict that is missing, truncated, or of the wrong kind."""


class TrainingStopped(KeyboardInterrupt):
    """A training that a signal stopped between two steps, after it stored its state.

    Attributes:
        run: the folder of the run, from which it can go on.
        signal: the number of the signal.
    """

    def __init__(self, run: str, step: int, signal: int) -> None:
        self.run, self.step, self.signal = run, step, signal
        super().__init__(f"stopped after {step:,} steps by signal {signal}")


class DeviceError(PapertrialError):
    """A device that this machine does not have."""


@dataclass(frozen=True)
class Problem:
    """One problem of a recipe.

    Attributes:
        where: the key path, such as "optimizer.lr".
        message: what is wrong, and what to do.
        line: the 1-based line in the file; None for a value from an override or from Python.
        origin: where a value without a line comes from, such as 'override "epochs=0"'.
    """

    where: str
    message: str
    line: int | None = None
    origin: str = ""

    def __str__(self) -> str:
        place = f"line {self.line}" if self.line is not None else self.origin
        where = f"{self.where}: " if self.where else ""
        return f"{place + ', ' if place else ''}{where}{self.message}"


class InvalidRecipeError(RecipeError):
    """All problems of a recipe in one message, in the order of the file."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda p: (p.line is None, p.line or 0))
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''} in this recipe"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))


def nearest(got: object, valid: Iterable[str]) -> str:
    """Return the end of an error message, `; did you mean "x"?`, or "" if nothing valid is near.

    Upper and lower case are not distinguished.
    """
    by_lower = {name.lower(): name for name in sorted(valid, reverse=True)}
    near = difflib.get_close_matches(str(got).lower(), by_lower, n=1, cutoff=0.6)
    return f'; did you mean "{by_lower[near[0]]}"?' if near else ""


def did_you_mean(got: object, valid: Iterable[str]) -> str:
    """Return the end of an error message: the nearest of `valid`, or their list if it is short."""
    names = sorted(set(valid))
    listed = f"; valid: {', '.join(names)}" if 0 < len(names) <= 24 else ""
    return nearest(got, names) or listed
