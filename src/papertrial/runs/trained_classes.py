"""The classes that a finished run was trained on."""

from __future__ import annotations

import safetensors

from papertrial.errors import RunError
from papertrial.runs.class_weights import needs_classes
from papertrial.runs.run import Run
from papertrial.store.run_folder import PREDICTIONS
from papertrial.tasks.class_counts import ClassCounts


def classes_of_run(run: Run) -> ClassCounts | None:
    """Count the classes in the training part of a finished run, if its loss depends on them.

    Raises:
        RunError: the predictions of the training part are absent or damaged.
    """
    if not needs_classes(run.recipe):
        return None
    path = run.path / PREDICTIONS / "train.safetensors"
    try:
        with safetensors.safe_open(path, "pt") as file:
            y = file.get_tensor("target")
    except (safetensors.SafetensorError, OSError) as error:
        raise RunError(f"{path} is damaged ({error}); train the run again") from error
    return ClassCounts.of(run.preprocessing.make_task().class_names, y)
