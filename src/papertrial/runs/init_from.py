"""The weights that `init_from` names, from which a training starts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from papertrial.errors import RunError
from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.recipe.file_paths import is_weights_file
from papertrial.recipe.reads import unwatched
from papertrial.recipe.schema import Recipe
from papertrial.store.run_folder import PREPROCESS, WEIGHTS, RunFolder
from papertrial.store.run_records import InitialWeights
from papertrial.training.checkpoint import load_weights
from papertrial.weights.load_matching import LoadedWeights, load_matching
from papertrial.weights.read_weights import read_weights

_KEY = "init_from"


@dataclass(frozen=True)
class StartRun:
    """The run that a recipe starts from, which has the preprocessing that its weights belong to."""

    folder: RunFolder
    preprocessing: Preprocessing


def read_start_run(recipe: Recipe) -> StartRun | None:
    """Read the run that `init_from` names; None without one, or if it names a file.

    Raises:
        RunError: the file is absent, or the run is absent, damaged or not finished.
    """
    if recipe.start is None:
        return None
    if names_file(recipe):
        if not Path(recipe.start.weights).is_file():
            raise RunError(
                f"{_KEY}: there is no file {recipe.start.weights}; restore it, or name another "
                "file or run"
            )
        return None
    folder = RunFolder.open(Path(recipe.start.weights))
    return StartRun(folder, folder.read_record(PREPROCESS, Preprocessing))


def names_file(recipe: Recipe) -> bool:
    """Return whether `init_from` names a file of weights, not the folder of a run."""
    return recipe.start is not None and is_weights_file(Path(recipe.start.weights))


def load_start(recipe: Recipe, model: nn.Module) -> InitialWeights | None:
    """Load the weights that `init_from` names into a model; None without `init_from`.

    Raises:
        RunError: those of a run are damaged, or belong to another model.
        ModelError: those of a file cannot be read, or do not fit the model.
    """
    start = recipe.start
    if start is None:
        return None
    path, notes = Path(start.weights), tuple[str, ...]()
    if not names_file(recipe) and start.whole:
        data = RunFolder.open(path).read(WEIGHTS)
        digest = hashlib.sha256(data).hexdigest()
        load_weights(model, data, f"{_KEY}: {path}")
        loaded = LoadedWeights(tuple(model.state_dict()))
    else:
        file = path if names_file(recipe) else path / WEIGHTS
        with unwatched():  # it is recorded among the files of the recipe
            weights = read_weights(file, _KEY)
        digest, notes = weights.sha256, weights.notes
        loaded = load_matching(model, weights.tensors, _KEY, skip=start.skip, rename=start.rename)
    return initial_weights(_KEY, str(path), digest, loaded, notes)


def initial_weights(
    key: str, source: str, sha256: str, loaded: LoadedWeights, notes: tuple[str, ...] = ()
) -> InitialWeights:
    """Return the record of weights that were loaded into a model."""
    return InitialWeights(
        key=key,
        source=source,
        sha256=sha256,
        loaded=loaded.loaded,
        skipped=loaded.skipped,
        missing=loaded.missing,
        unused=loaded.unused,
        changed=loaded.changed,
        notes=(*notes, *loaded.lines),
    )
