"""Conversion of the section `program` to what `papertrial.programs` runs."""

from __future__ import annotations

from papertrial.programs.spec import (
    CsvScore,
    JsonScore,
    PatternScore,
    ProgramSpec,
    ScoreSource,
    TensorboardScore,
    Unit,
    Which,
)
from papertrial.recipe.program import MeanOfLast, Program, ProgramScore
from papertrial.vocabulary import Metric


def to_program_spec(program: Program) -> ProgramSpec:
    """Convert a recipe's program to plain arguments."""
    return ProgramSpec(
        command=program.command,
        scores={name: _to_source(name, score) for name, score in program.scores.items()},
        parameters=program.parameters,
        environment=program.environment,
        timeout=program.timeout,
        keep=program.keep,
        in_place=program.in_place,
    )


def _to_source(name: str, score: ProgramScore) -> ScoreSource:
    grid = None if score.curve is None else score.curve.points
    unit, which = _unit_of(name, score), _which_of(name, score)
    if score.pattern is not None:
        return PatternScore(pattern=score.pattern, unit=unit, which=which, grid=grid)
    if score.json_ is not None:
        return JsonScore(
            path=score.json_,
            key=score.key or "",
            step=score.step,
            unit=unit,
            which=which,
            grid=grid,
        )
    if score.csv is not None:
        return CsvScore(
            path=score.csv,
            column=score.column or "",
            step=score.step,
            unit=unit,
            which=which,
            grid=grid,
        )
    return TensorboardScore(
        folder=score.tensorboard or "", tag=score.tag or "", unit=unit, which=which, grid=grid
    )


def _unit_of(name: str, score: ProgramScore) -> Unit:
    """Return the unit that a score is printed in: known names of fractions are fractions."""
    return score.unit or ("fraction" if Metric(name).is_fraction else "none")


def _which_of(name: str, score: ProgramScore) -> Which:
    if isinstance(score.which, MeanOfLast):
        return Which("mean-of-last", k=score.which.mean_of_last)
    if score.which == "best":
        return Which("best", better=Metric(name, score.better).direction)
    return Which(score.which)
