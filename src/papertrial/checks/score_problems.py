"""Problems of a program's scores: nothing matches, or the unit is not what the program prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from papertrial.diagnose.diagnosis import Diagnosis, Severity
from papertrial.numbers import as_written
from papertrial.programs.attempts import Attempt
from papertrial.recipe.program import ProgramRecipe, ProgramScore
from papertrial.recipe.program_claims import claimed_in_hundreds

_PERCENT_NAMES = ("acc", "f1", "precision", "recall", "auroc", "auc", "iou", "top1", "top5")


def score_problems(
    attempts: Mapping[str, Attempt], scores: Mapping[str, ProgramScore], severity: Severity
) -> Iterator[Diagnosis]:
    """Yield why each score that cannot be read cannot, with the lines that may be meant."""
    for name, attempt in attempts.items():
        if attempt.read is not None:
            continue
        message = attempt.problem
        if attempt.near:
            lines = [f"  {one.file} line {one.line}: {one.text}" for one in attempt.near]
            message += "\n" + "\n".join(["the nearest lines:", *lines])
        yield Diagnosis(severity, f"program.scores.{name}", message, _fix(scores[name], attempt))


def unit_problems(recipe: ProgramRecipe, attempts: Mapping[str, Attempt]) -> Iterator[Diagnosis]:
    """Yield scores whose unit seems to be another one than the recipe says."""
    for name, attempt in attempts.items():
        read = attempt.read
        if read is None or read.unit != "none":
            continue
        where, value = f"program.scores.{name}.unit", read.value
        fix = (
            "set unit: percent, or unit: none if the score is not a percentage; the claim is then "
            "in the same unit"
        )
        if attempt.has_percent_sign:
            yield Diagnosis(
                "warning", where, f'a % sign follows the value: "{read.place.text}"', fix
            )
            continue
        looks = any(part in name.lower() for part in _PERCENT_NAMES)
        stated = claimed_in_hundreds(recipe, name, value)
        if stated is not None:
            message = f"the score is {as_written(value)}, and the claim says {as_written(stated)}"
            yield Diagnosis("warning", where, message, fix)
        elif looks and 1 < value <= 100:
            message = f"the score is {as_written(value)}, which seems to be a percentage"
            yield Diagnosis("warning", where, message, fix)


def _fix(score: ProgramScore, attempt: Attempt) -> str:
    if attempt.ignores_case:
        return f"the pattern matches if case is ignored: '(?i){score.pattern}'"
    if "set unit: percent" in attempt.problem:
        return "set unit: percent"
    if "fewer repeats" in attempt.problem:
        return "write a pattern with fewer repeats"
    if "not finite" in attempt.problem:
        return "such a seed counts as failed; find out why the training gave no number"
    if "choose by `which`" in attempt.problem:
        return "set which: last, or another of these choices"
    return {
        "pattern": "write a pattern that matches one of the lines of the output",
        "json": "name a file and a key that the program writes",
        "csv": "name a file and a column that the program writes",
        "tensorboard": "name a folder and a tag that the program writes",
    }[score.way]
