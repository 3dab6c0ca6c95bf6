"""Samples of a run's training part in a set that the run is evaluated on."""

from __future__ import annotations

from pathlib import Path

from papertrial.data.column import Dataset, Split
from papertrial.data.duplicates import digests, matches
from papertrial.data.files.data_folder import data_folder
from papertrial.errors import PapertrialError
from papertrial.evaluate.inputs import TableInputs
from papertrial.hub import is_on_hub
from papertrial.progress import Step, Steps
from papertrial.runs.load_data import cut_splits, load_set
from papertrial.runs.run import Run
from papertrial.store.run_folder import RunFolder

_SHOWN = 3


def training_overlap(
    run: Run, dataset: Dataset, folder: str | Path | None
) -> Steps[tuple[str, ...]]:
    """Return a note for each split of a set that has training samples of a run.

    The run's data are loaded again. If they are gone or have changed, or would have to be
    downloaded, there are no notes. Rows of a table, and tensors, count only if their targets agree.

    Args:
        run: the run.
        dataset: the set to evaluate it on, with texts as text.
        folder: the data folder; None for the default.
    """
    yield Step("looking for training samples", 0, None, "samples")
    train = yield from _training_part(run, data_folder(folder))
    if train is None:
        return ()
    known, notes = digests(train.x), []
    for name, split in dataset.splits.items():
        with_targets = dataset.kind in ("table", "tensor")
        pairs = matches(known, train.y, digests(split.x), split.y, with_targets=with_targets)
        if pairs:
            shown = ", ".join(f"{split.name(j)} = {train.name(i)}" for i, j in pairs[:_SHOWN])
            more = ", ..." if len(pairs) > _SHOWN else ""
            where = "the data" if len(dataset.splits) == 1 else name
            notes.append(
                f"{len(pairs):,} of {len(split):,} samples of {where} are among the "
                f"{len(train):,} that the run was trained on ({shown}{more}): metrics on them say "
                "nothing about new data"
            )
    return tuple(notes)


def _training_part(run: Run, folder: Path) -> Steps[Split | None]:
    """Return the training part of a run; None if it cannot be loaded as it was."""
    if is_on_hub(run.recipe.data.source_name):
        return None
    inputs = run.predictor.inputs
    layout = inputs.layout if isinstance(inputs, TableInputs) else None
    try:
        loaded = yield from load_set(run.recipe, folder, layout, download=False)
        train = cut_splits(run.recipe, loaded.dataset).train
    except PapertrialError:
        return None
    before = RunFolder.open(run.path).provenance.data["train"].fingerprint
    return train if train.fingerprint == before else None
