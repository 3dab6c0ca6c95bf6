"""Run a seed of a program again, and compare its scores with the recorded ones."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from papertrial.auditing.finding import Finding, noted, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.claims.intervals import prediction
from papertrial.errors import DivergedError, ProgramFailedError
from papertrial.programs.code_files import copy_code
from papertrial.progress import Returning, Step
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.program_code import CODE, code_folder
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.program_seed import run_program_seed
from papertrial.verification.registration import fixed_of
from papertrial.verification.seed_task import SeedTask, TrainedSeed, TrainingPlace

_LEVEL = 0.999  # beyond this prediction interval, other scores of the same seed are a difference
_FEWEST = 3  # finished seeds for such an interval


def run_again(
    recorded: Recorded, seed: int, device: str, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Run a seed of a program again as it was registered, and compare the scores.

    A program may give other scores for the same seed; that is a note, as long as they are where one
    more run is expected.

    Args:
        recorded: the verification.
        seed: one that ended in it.
        device: the device to run on.
        data: the data folder.

    Raises:
        PapertrialError: it cannot be run here, for example because the command is missing.
    """
    record = next(record for record in recorded.records if record.seed == seed)
    with tempfile.TemporaryDirectory(prefix="papertrial-audit-") as name:
        task = SeedTask(Path(name), seed, recorded.wanted, fixed_of(recorded.registered))
        for i, original in enumerate(recorded.homes()):
            _copy_side(original, task.home(i - 1 if i else None))
        place = TrainingPlace(
            device, recorded.registered.threads, None if data is None else str(data)
        )
        try:
            again = yield from _running(task, place)
        except (DivergedError, ProgramFailedError) as error:
            same = record.state != "finished"
            how = "failed again" if same else "fails, but is recorded as finished"
            yield Finding("retraining", same, f"seed {seed} {how}: {error}")
            return
    if record.state != "finished":
        message = f"seed {seed}, recorded as {record.state}, finishes here with the scores"
        yield noted("retraining", f"{message} {shortened(again.scores)}")
    elif again.scores == record.scores:
        yield Finding("retraining", True, f"seed {seed} run again: the same scores")
    else:
        yield _compared(recorded, record, again)


def _copy_side(original: Path, to: Path) -> None:
    """Copy a side's recipe and files to where the seed runs again; claims are not needed."""
    to.mkdir(parents=True, exist_ok=True)
    recipe = load_recipe(original / RECIPE, ["claims=[]"], check=False)
    assert isinstance(recipe, ProgramRecipe), "the verification runs a program"
    program = recipe.program
    if not program.in_place:
        copy_code(code_folder(program), to / CODE)
        program = program.model_copy(update={"folder": str(to / CODE)})
    text = to_yaml(recipe.model_copy(update={"program": program}))
    (to / RECIPE).write_text(text, encoding="utf-8")


def _running(task: SeedTask, place: TrainingPlace) -> Generator[Step, None, TrainedSeed]:
    with Returning(run_program_seed(task, place)) as positions:
        for position in positions:
            yield Step(f"running seed {task.seed} again", position.done, None, "seconds")
    return positions.value


def _compared(recorded: Recorded, record: SeedRecord, again: TrainedSeed) -> Finding:
    """Compare other scores of the same seed with where one more run is expected."""
    seed, names = record.seed, [wanted.metric for wanted in recorded.wanted]
    text = "; ".join(
        f"{name} {list(new)}, recorded {list(had)}"
        for name, had, new in zip(names, record.scores, again.scores, strict=True)
        if had != new
    )
    far = [
        name
        for i, name in enumerate(names)
        if _is_far([one.scores[i] for one in recorded.finished.values()], again.scores[i])
    ]
    message = f"seed {seed} run again gives other scores: {text}"
    if far:
        where = f"{', '.join(far)} lies beyond the {_LEVEL:.1%} prediction interval of all seeds"
        return Finding("retraining", False, f"{message}; {where}")
    why = "the program is not deterministic, or depends on what papertrial does not see"
    return noted("retraining", f"{message}; {why}; they lie where one more run is expected")


def _is_far(rows: Sequence[Sequence[float]], new: Sequence[float]) -> bool:
    """Return whether a score lies where one more run is not expected."""
    if len(rows) < _FEWEST:
        return False
    for column, value in zip(zip(*rows, strict=True), new, strict=True):
        low, high = prediction(list(column), level=_LEVEL)
        if not low <= value <= high:
            return True
    return False
