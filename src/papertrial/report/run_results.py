"""Read what a finished run stored: predictions, task, provenance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
from torch import Tensor

from papertrial.data.nested import row_count
from papertrial.errors import RunError
from papertrial.evaluate.stored_predictions import targets_in
from papertrial.runs.run import Run
from papertrial.store.run_folder import PREDICTIONS, RunFolder
from papertrial.store.run_records import Provenance
from papertrial.tasks.task import Task


@dataclass(frozen=True)
class StoredPredictions:
    """What a run predicted for a split: outputs [N, ...], targets [N, ...] and ids [N].

    Outputs of a regression are in the unit of its targets, whatever transform the loss saw.
    `losses` are those of the batches, [M, 2], if only a part of the outputs was kept.
    """

    output: Tensor
    target: Any
    ids: np.ndarray
    losses: Tensor | None = None


def read_predictions(run: Run, split: str) -> StoredPredictions:
    """Read the predictions among the results of a finished run, for one split.

    Raises:
        RunError: the file is absent or damaged.
    """
    name = f"{PREDICTIONS}/{split}.safetensors"
    try:
        tensors = safetensors.torch.load(RunFolder(run.path).read(name))
        kept = StoredPredictions(
            tensors["output"], targets_in(tensors), tensors["ids"].numpy(), tensors.get("losses")
        )
    except (safetensors.SafetensorError, KeyError) as error:
        rule = f"{run.path / name} is damaged ({error}); train the run again"
        raise RunError(rule) from error
    if not len(kept.output) == row_count(kept.target) == len(kept.ids):
        rule = "does not have as many outputs as targets and ids"
        raise RunError(f"{run.path / name} is damaged: it {rule}; train the run again")
    return kept


def task_of(run: Run) -> Task:
    """Return the task of a finished run, which says what the outputs in its results mean.

    Raises:
        RunError: its preprocess.json is absent or damaged.
    """
    return run.models[0].preprocessing.make_task()


def judged_split(run: Run) -> str:
    """Return the split whose results a finished run is judged by.

    It is the test split, else the validation split, else the training split.
    """
    return list(run.metrics)[-1]


def read_provenance(run: Run) -> Provenance:
    """Read the provenance of the results of a finished run from its folder."""
    return RunFolder(run.path).provenance
