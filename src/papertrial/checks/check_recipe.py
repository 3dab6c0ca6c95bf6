"""Find in seconds, before a long training, what is wrong with a recipe."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

from papertrial.checks.check_claims import check_claims
from papertrial.checks.check_program import checking_program
from papertrial.checks.check_result import CheckResult
from papertrial.checks.reporting import reporting
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.errors import InvalidRecipeError, PapertrialError
from papertrial.progress import Step, finish
from papertrial.recipe.load import load_recipe
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.schema import AnyRecipe

TIME_LIMIT = 120.0  # seconds for each run of a program
_OF_PROGRAM = "program."  # quick overrides change nothing else


def check(
    source: str | Path | Mapping[str, object],
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    device: str = "auto",
    run: bool = True,
    quick: Sequence[str] = (),
    time_limit: float = TIME_LIMIT,
) -> CheckResult:
    """Check a recipe; return its problems and facts.

    Of a recipe that trains a model, its data, model and loss are tried on one batch. A program is
    run three times: twice with the same seed, and with another one.

    Args:
        source: the name of a shipped recipe, a YAML file, or a dict with the same keys.
        overrides: changes to the recipe, such as "optimizer.lr=0.01".
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        run: whether to run a program.
        quick: further overrides, for the runs of a program alone: "program.parameters.epochs=1".
        time_limit: seconds after which a run of a program is stopped.

    Raises:
        PapertrialError: an option for programs is given for a recipe that trains a model.
    """
    return finish(
        checking(
            source,
            overrides,
            data=data,
            device=device,
            run=run,
            quick=quick,
            time_limit=time_limit,
        )
    )


def checking(
    source: str | Path | Mapping[str, object],
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    device: str = "auto",
    run: bool = True,
    quick: Sequence[str] = (),
    time_limit: float = TIME_LIMIT,
) -> Generator[Step, None, CheckResult]:
    """Check a recipe as `check` does, and yield progress; the result is the return value."""
    result = CheckResult("the recipe" if isinstance(source, Mapping) else str(source))
    for word in quick:
        if not word.startswith(_OF_PROGRAM):
            raise PapertrialError(
                f'--quick changes the runs of a program, such as "program.parameters.epochs=1"; '
                f"got {word!r}"
            )
    recipe = _load(source, overrides, result)
    if recipe is None:
        return result
    result.problems += check_claims(recipe)
    if isinstance(recipe, ProgramRecipe):
        tried = _load(source, [*overrides, *quick], result) if quick else recipe
        if isinstance(tried, ProgramRecipe):
            yield from checking_program(
                recipe,
                tried.program,
                result,
                data=data,
                device=device,
                run=run,
                quick=tuple(quick),
                time_limit=time_limit,
            )
        return result
    if quick or not run:
        given = "--quick" if quick else "--no-run"
        raise PapertrialError(
            f"{given} is for programs, and {recipe.name} trains a model, which a check never does; "
            "remove it"
        )
    # A program is checked without torch, which takes seconds to import.
    from papertrial.checks.check_training import checking_training  # noqa: PLC0415

    yield from checking_training(recipe, result, data=data, device=device)
    return result


def _load(
    source: str | Path | Mapping[str, object], overrides: Sequence[str], result: CheckResult
) -> AnyRecipe | None:
    """Load the recipe to check; if it is not valid, add each of its problems and return None."""
    with reporting(result, "", "give the name of a shipped recipe or a YAML file"):
        try:
            return load_recipe(source, overrides)
        except InvalidRecipeError as error:
            for problem in error.problems:
                place = f"line {problem.line}" if problem.line else problem.origin or "the recipe"
                fix = f"fix {problem.where or 'it'} in {place}"
                result.problems.append(Diagnosis("error", problem.where, problem.message, fix))
    return None
