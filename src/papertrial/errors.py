"""Errors that are the user's to mend: the rule, what was got, where, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


class PapertrialError(ValueError):
    """A mistake in what the user gave; shown as one message, never as a traceback."""


class RecipeError(PapertrialError):
    """A recipe that cannot be read, typed or built."""


class DataError(PapertrialError):
    """Data that are missing, corrupt, or not what the task needs."""


class ModelError(PapertrialError):
    """A model or a loss that does not fit its input, its targets or its task."""


class DivergedError(PapertrialError):
    """A training whose loss is no longer a finite number."""


class ClaimError(PapertrialError):
    """A claim that cannot be judged, or a rule for judging it that does not hold together."""


class RunError(PapertrialError):
    """A run folder that cannot be read or written."""


class PredictionInputError(PapertrialError):
    """An input to predict that is absent, truncated or of another kind."""


class DeviceError(PapertrialError):
    """A device that this machine does not have."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a recipe.

    `where` is the key path ("optimizer.lr"), `line` the 1-based line in the file (None for what an
    override or Python gave), `origin` says so in words.
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
    """Every problem of one recipe, in one message, in the order of the file."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.source = source
        self.problems = sorted(problems, key=lambda p: (p.line is None, p.line or 0))
        count = len(self.problems)
        head = f"{source}: {count} problem{'s' if count != 1 else ''} in this recipe"
        super().__init__("\n".join([head, *(f"  - {p}" for p in self.problems)]))


def nearest(got: object, valid: Iterable[str]) -> str:
    """Return `; did you mean "x"?` for the nearest of `valid`, letter case aside, or nothing."""
    by_lower = {name.lower(): name for name in sorted(valid, reverse=True)}
    near = difflib.get_close_matches(str(got).lower(), by_lower, n=1, cutoff=0.6)
    return f'; did you mean "{by_lower[near[0]]}"?' if near else ""


def did_you_mean(got: object, valid: Iterable[str]) -> str:
    """Return the nearest of `valid` as a question, else the valid names where they are few."""
    names = sorted(set(valid))
    listed = f"; valid: {', '.join(names)}" if 0 < len(names) <= 24 else ""
    return nearest(got, names) or listed
