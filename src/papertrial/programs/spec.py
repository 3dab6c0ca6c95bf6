"""What runs a program, and where its scores are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Unit = Literal["fraction", "percent", "none"]
Pick = Literal["only", "first", "last", "best", "mean-of-last"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Which:
    """Which of several values is the score.

    Attributes:
        pick: "only" means that a second value is a failure.
        better: for "best": which values are better.
        k: for "mean-of-last": the number of values in the mean.
    """

    pick: Pick = "only"
    better: Better | None = None
    k: int = 1

    def __post_init__(self) -> None:
        assert (self.pick == "best") == (self.better is not None)
        assert self.k >= 1


@dataclass(frozen=True, kw_only=True)
class ScoreSource:
    """What all sources of a score have in common.

    Attributes:
        unit: "percent" is divided by 100, so that a score is always a fraction; "fraction" is at
            most 1; "none" is the program's own unit.
        which: which of several values is the score.
        grid: the registered points (steps or epochs) of a curve; the score and the curve are made
            of these points alone. A value without a step has its number in order, from 1. None: all
            values count.
    """

    unit: Unit = "none"
    which: Which = Which()
    grid: tuple[int, ...] | None = None


@dataclass(frozen=True)
class PatternScore(ScoreSource):
    """A score in the program's output: standard output or, if nothing matches there, errors.

    Attributes:
        pattern: a regular expression for a part of one line, with one group, or with the named
            groups `value` and, optionally, `step`. Several matches are a curve.
    """

    pattern: str


@dataclass(frozen=True)
class JsonScore(ScoreSource):
    """A score in a JSON file, or a curve in a file with one JSON document a line.

    Attributes:
        path: the file, with placeholders; relative paths start at the program's folder. It may have
            wildcards that match one file.
        key: dotted, "final.val_loss" or "history.0.loss". A list of numbers is a curve.
        step: the key of the step or epoch, beside the values.
    """

    path: str
    key: str
    step: str | None = None


@dataclass(frozen=True)
class CsvScore(ScoreSource):
    """A score, or a curve, in a column of a file with comma, semicolon or tab separated values.

    Attributes:
        path: as for JsonScore.
        column: its name in the first line. Rows with an empty cell are left out.
        step: the column of the step or epoch.
    """

    path: str
    column: str
    step: str | None = None


@dataclass(frozen=True)
class TensorboardScore(ScoreSource):
    """A score, or a curve with steps, in TensorBoard's event files.

    Attributes:
        folder: the folder with the event files, or one above it, with placeholders.
        tag: the name of the scalar, such as "test/f1".
    """

    folder: str
    tag: str


@dataclass(frozen=True)
class ProgramSpec:
    """A program: its command, and the scores that it produces.

    Attributes:
        command: the words of the command, with placeholders.
        parameters: values of further placeholders, as text.
        environment: environment variables that are set, with placeholders in their values.
        scores: where each score is, by the name of the metric.
        timeout: seconds; None if there is no limit.
        keep: glob patterns of further files to keep, relative to `{out}`, then to the program's
            folder.
        in_place: whether to run in the folder itself, not in a copy.
    """

    command: tuple[str, ...]
    scores: Mapping[str, ScoreSource]
    parameters: Mapping[str, str]
    environment: Mapping[str, str]
    timeout: float | None = None
    keep: tuple[str, ...] = ()
    in_place: bool = False
