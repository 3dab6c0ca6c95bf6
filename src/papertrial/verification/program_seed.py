"""Run one seed of a program in a worker process, and read the claimed scores."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

from papertrial.data.files.data_folder import data_folder
from papertrial.errors import DivergedError, ProgramFailedError, RecipeError
from papertrial.programs.program_run import ProgramRun, ReadScore
from papertrial.programs.run_program import read_program_run, run_program
from papertrial.programs.seed_folder import RECORD
from papertrial.programs.seed_values import device_variables, placeholder_values
from papertrial.progress import Returning
from papertrial.recipe.load import load_recipe
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import CODE
from papertrial.recipe.program_spec import to_program_spec
from papertrial.store.run_folder import RECIPE
from papertrial.verification.program_conditions import (
    Versions,
    program_versions,
    versions_of_side,
)
from papertrial.verification.registration import Fixed, Wanted
from papertrial.verification.seed_task import SeedPosition, SeedTask, TrainedSeed, TrainingPlace


def run_program_seed(
    task: SeedTask, place: TrainingPlace
) -> Generator[SeedPosition, None, TrainedSeed]:
    """Run a program with a seed, and with the same seed every other side.

    Raises:
        ProgramFailedError: the program ended without a usable score.
        DivergedError: a score is not finite.
        PapertrialError: another error that the user can fix.
    """
    folders, ran = list[Path](), list[ProgramRun]()
    versions, packages = Versions(), dict[str, str]()
    for number in range(len(task.fixed)):
        side = yield from _run(task, place, number - 1 if number else None)
        folders.append(side[0])
        ran.append(side[1])
        versions |= versions_of_side(side[2], number)
        packages |= versions_of_side(side[3], number)
    return TrainedSeed(
        scores=tuple(_claimed(ran, wanted) for wanted in task.wanted),
        weights="",
        seconds=sum(run.seconds for run in ran),
        runs=tuple(folder.relative_to(task.folder).as_posix() for folder in folders),
        data=tuple({} for _ in ran),
        versions=versions,
        packages=packages,
        reads={},
    )


def claimed_program_scores(score: ReadScore, wanted: Wanted) -> tuple[float, ...]:
    """Return the scores of a program that a claim is about: one, or one at each point of a curve.

    Raises:
        ProgramFailedError: the curve lacks a registered point.
    """
    if wanted.reach is None:
        return (score.value,)
    found = dict(score.curve)
    absent = [wanted.reach.at(point) for point in wanted.reach.points if point not in found]
    if absent:
        raise ProgramFailedError(f"{wanted.metric} has no value at {', '.join(absent)}")
    return tuple(found[point] for point in wanted.reach.points)


def program_position(part: str, seconds: float, last_line: str) -> SeedPosition:
    """Return the progress of a program, of which only its time and its last line are known."""
    return SeedPosition(part, 0, None, f"{int(seconds):,} s  {last_line}".rstrip())


def _claimed(ran: Sequence[ProgramRun], wanted: Wanted) -> tuple[float, ...]:
    sides = [ran[0], *([] if wanted.arm is None else [ran[wanted.arm + 1]])]
    return tuple(
        one for side in sides for one in claimed_program_scores(side.scores[wanted.metric], wanted)
    )


def _run(
    task: SeedTask, place: TrainingPlace, arm: int | None
) -> Generator[SeedPosition, None, tuple[Path, ProgramRun, Versions, dict[str, str]]]:
    """Run a seed of one side in its folder, which may be that of an attempt that was cut short.

    A run that ended just before a stop, and is not in outcomes.jsonl yet, counts: running it again
    would be a second draw.
    """
    home, part = task.home(arm), "" if arm is None else f"versus {arm + 1}"
    recipe, fixed = read_program(home), task.fixed[0 if arm is None else arm + 1]
    fixed.check(home / RECIPE, recipe)
    folder = next(task.folders(arm))
    values = placeholder_values(task.seed, place.device, place.threads, data_folder(place.data))
    source = Path(recipe.program.folder or "")
    versions, packages = program_versions(recipe.program, source, values)
    if (folder / RECORD).exists():
        return folder, _ended_run(folder), versions, packages
    spec = to_program_spec(recipe.program)
    spec = replace(spec, environment={**device_variables(place.device), **spec.environment})
    running = run_program(
        spec, values, home=folder, source=source, hashes=code_hashes(fixed), token=token_of(folder)
    )
    with Returning(running) as events:
        for event in events:
            yield program_position(part, event.seconds, event.last_line)
    return folder, events.value, versions, packages


def _ended_run(folder: Path) -> ProgramRun:
    """Return the run of a seed that ended in this folder.

    Raises:
        ProgramFailedError: it failed.
        DivergedError: a score was not finite.
        RunError: its record is damaged.
    """
    run = read_program_run(folder)
    if run.failure is None:
        return run
    kind = DivergedError if run.failure == "diverged" else ProgramFailedError
    raise kind(run.error or run.failure)


def read_program(home: Path) -> ProgramRecipe:
    """Load the recipe of a program from the folder of a side.

    Raises:
        RecipeError: the file is damaged, or is not the recipe of a program.
    """
    recipe = load_recipe(home / RECIPE)
    if not isinstance(recipe, ProgramRecipe):
        raise RecipeError(f"{home / RECIPE} does not run a program")
    return recipe


def code_hashes(fixed: Fixed) -> dict[str, str]:
    """Return what was registered of a program's files: SHA-256 by path in its folder."""
    return {name.removeprefix(f"{CODE}/"): digest for name, digest in fixed.files.items()}


def token_of(folder: Path) -> str:
    """Return the mark of the processes of a seed, which follows from its folder."""
    return hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:32]
