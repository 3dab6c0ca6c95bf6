"""The run that `init_from` names, from which a training starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.recipe.schema import Recipe
from papertrial.store.run_folder import PREPROCESS, WEIGHTS, RunFolder


@dataclass(frozen=True)
class StartRun:
    """The run that a recipe starts from: its weights, and the preprocessing they belong to."""

    weights: bytes
    preprocessing: Preprocessing


def read_start_run(recipe: Recipe) -> StartRun | None:
    """Read the run that `init_from` names; None without `init_from`.

    Raises:
        RunError: the run is absent, damaged or not finished.
    """
    if recipe.init_from is None:
        return None
    folder = RunFolder.open(Path(recipe.init_from))
    preprocessing = folder.read_record(PREPROCESS, Preprocessing)
    return StartRun(folder.read(WEIGHTS), preprocessing)
