"""Whether a user's own function returns the same data each time that it is called."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import torch

from papertrial.checks.check_result import CheckResult
from papertrial.data.column import Dataset
from papertrial.data.streams import generators_kept
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.errors import PapertrialError
from papertrial.progress import Step, Steps
from papertrial.recipe.isolate import imported_afresh
from papertrial.recipe.schema import Recipe
from papertrial.runs.fold_recipes import split_seed
from papertrial.runs.load_data import load_set

_LONGEST = 20.0  # seconds of a call that is made again

Fingerprints = dict[str, str]


@dataclass(frozen=True)
class Loading:
    """The fingerprint of each part that a source gave, before splits are cut, and its seconds."""

    fingerprints: Fingerprints
    seconds: float

    @classmethod
    def of(cls, dataset: Dataset, seconds: float) -> Loading:
        """Return the loading of a data set that took so many seconds."""
        return cls(_fingerprints(dataset), seconds)


def check_repeats(
    recipe: Recipe, first: Loading, folder: Path, result: CheckResult
) -> Generator[Step, None, None]:
    """Call the function of a recipe again, and compare what it returns.

    Its module is imported again each time, as in a new process. If two calls with the same state of
    the random generators of torch, Python and numpy give other data, this is an error. If a call
    with another state does, a note says which seed decides. A function that took 20 seconds or more
    is not called again, which a note says.

    Args:
        recipe: a recipe whose source is a function.
        first: what it gave when it was called for the check.
        folder: the data folder.
        result: where the error or the note is added.
    """
    name, notes = recipe.data.source_name, result.facts.notes or []
    result.facts.notes = notes
    if first.seconds >= _LONGEST:
        took = f"{name} took {first.seconds:.0f} s"
        notes.append(f"{took}, so that it was not called again to see if it repeats its data")
        return
    yield Step("calling the data function again", 0, None, "calls")
    try:
        with generators_kept(torch.device("cpu")):
            again = yield from _call(recipe, folder)
            # What differs from the first call may only be a generator that was not made again.
            third = again if again == first.fingerprints else (yield from _call(recipe, folder))
            other = yield from _call(_with_other_seed(recipe), folder)
    except PapertrialError as error:
        message = f"{name} can be called once, but not again: {error}"
        fix = "let the function leave what it reads as it is"
        result.problems.append(Diagnosis("warning", "data.source", message, fix))
        return
    if again != third:
        parts = " and ".join(part for part in again if again[part] != third.get(part))
        message = (
            f"{name} must return the same data each time, but two calls with the same state of the "
            f"random generators gave other samples for {parts}, or the same in another order"
        )
        fix = (
            "seed what is random in it: train_test_split(..., random_state=0), "
            "numpy.random.default_rng(0), random.Random(0)"
        )
        result.problems.append(Diagnosis("error", "data.source", message, fix))
    elif again != other:
        seed, key = split_seed(recipe), recipe.data.splits.seed
        decides = f"seed: {seed}" if key == "each" else f"data.splits.seed: {seed}"
        notes.append(f"{name} draws random numbers, so that {decides} decides what it returns")


def _call(recipe: Recipe, folder: Path) -> Steps[Fingerprints]:
    with imported_afresh():
        loaded = yield from load_set(recipe, folder)
        return _fingerprints(loaded.dataset)


def _with_other_seed(recipe: Recipe) -> Recipe:
    splits = recipe.data.splits.model_copy(update={"seed": split_seed(recipe) + 1})
    return recipe.model_copy(update={"data": recipe.data.model_copy(update={"splits": splits})})


def _fingerprints(dataset: Dataset) -> Fingerprints:
    return {name: split.fingerprint for name, split in dataset.splits.items()}
