"""Evaluate a run again: on its own data, or on another set for the same task."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from papertrial.data.column import Dataset, Split
from papertrial.data.files.catalog import CATALOG
from papertrial.data.files.data_folder import data_folder
from papertrial.data.sources.hugging_face import is_saved_set
from papertrial.data.sources.image_table import is_image_table
from papertrial.data.tensors.form import forms_of, in_words
from papertrial.data.texts.encode import encode
from papertrial.errors import DataError, did_you_mean
from papertrial.evaluate.evaluator import Evaluator
from papertrial.evaluate.inputs import ImageInputs, Inputs, TableInputs, TensorInputs, TextInputs
from papertrial.hub import is_on_hub
from papertrial.progress import Step, finish
from papertrial.recipe.data_section import Images
from papertrial.record import Part
from papertrial.runs.build import build_keep, build_loss, build_metrics, to_device
from papertrial.runs.load_data import cut_splits, load_set, with_inputs_as_targets
from papertrial.runs.run import Run
from papertrial.runs.trained_classes import classes_of_run
from papertrial.runs.training_overlap import training_overlap
from papertrial.store.run_folder import RunFolder
from papertrial.store.run_records import ReportedStep
from papertrial.tasks.classification import Classification
from papertrial.tasks.regression import Regression
from papertrial.tasks.target_transform import check_targets
from papertrial.tasks.task import Task
from papertrial.training.device import on_device
from papertrial.vocabulary import SOURCES, SplitMetrics


class Evaluation(Part):
    """The metrics of a run on a set, by split, with notes on how far they can be trusted."""

    data: str
    metrics: SplitMetrics
    report: ReportedStep | None = None  # how the run chose its epoch; None for another set
    notes: tuple[str, ...] = ()


def evaluate_run(
    run: Run, data: str | Path | None = None, *, data_folder: str | Path | None = None
) -> Evaluation:
    """Evaluate a run again, on its own data or on another set.

    Args:
        run: what `load_run` returned.
        data: the name of a set, or the path of a folder or table with the layout that `data.path`
            of a recipe needs; None for the data of the run.
        data_folder: the folder of the named sets.

    Raises:
        DataError: the set is absent, or does not fit the task or the classes of the run.
    """
    return finish(evaluating(run, data, data_folder=data_folder))


def evaluating(
    run: Run, data: str | Path | None = None, *, data_folder: str | Path | None = None
) -> Generator[Step, None, Evaluation]:
    """Do what `evaluate_run` does, yielding progress."""
    with on_device(run.device, None) as device:
        predictor, recipe = run.predictor, run.recipe
        dataset = yield from _dataset(run, data, data_folder)
        if data is None:
            notes = _differences(run, dataset)
        elif not (notes := _overlaps(run, dataset)):
            notes = yield from training_overlap(run, dataset, data_folder)
        notes = (*notes, *predictor.task.notes)
        if data is None and run.recipe.mean_of_last is not None:
            rule = f"means over {run.recipe.mean_of_last} evaluations"
            notes = (*notes, f"the run reports {rule}; these are metrics of its last weights")
        inputs = predictor.inputs
        if data is not None:
            notes = (*notes, *(note.text for note in dataset.notes))
        if data is not None and isinstance(inputs, ImageInputs) and not inputs.varies:
            notes = (*notes, f"images are converted to {inputs.shape}, [C, H, W]")
        if isinstance(predictor.task, Classification):
            dataset = _renumbered(dataset, predictor.task)
        else:
            _check_targets(dataset, predictor.task)
        dataset = _encoded_for_run(dataset, predictor.inputs)
        prepared = predictor.prepared
        if recipe.data.target == "inputs":
            dataset = with_inputs_as_targets(dataset, prepared.pipeline, prepared.state)
        loss = build_loss(recipe, classes_of_run(run))
        evaluator = Evaluator(
            prepared,
            dataset,
            task=predictor.task,
            metrics=list(
                next(iter(run.metrics.values()))
            ),  # including those that were only monitored
            loss=to_device(loss, device),
            own=build_metrics(recipe),
            keep=build_keep(recipe),
            train=recipe.evaluate.train or data is not None,
        )
        step = run.summary.report.step
        metrics = {}
        for split in evaluator.splits:
            name = split if data is None or len(dataset.splits) > 1 else "data"
            yield Step(f"evaluating {name}", 0, None, "samples")
            metrics[name] = evaluator.evaluate(split, step).metrics
    report = run.summary.report if data is None else None
    return Evaluation(
        data=str(data or recipe.data.source_name), metrics=metrics, report=report, notes=notes
    )


def _dataset(
    run: Run, data: str | Path | None, folder: str | Path | None
) -> Generator[Step, None, Dataset]:
    """Load the set to evaluate a run on: its own with its splits, or another as it is."""
    where, inputs = data_folder(folder), run.predictor.inputs
    layout = inputs.layout if isinstance(inputs, TableInputs) else None
    if data is None:
        loaded = yield from load_set(run.recipe, where, layout)
        return cut_splits(run.recipe, loaded.dataset)
    kind = inputs.kind
    if kind == "tensor":
        rule = "the run takes tensors, which only the function of its recipe gives"
        raise DataError(f"{rule}; evaluate it on its own data, without --data")
    path, own = Path(data), run.recipe.data
    if str(data) in SOURCES:
        changed: dict[str, object] = {"source": str(data), "path": None}
    elif not os.path.exists(path):  # noqa: PTH110  (Path.exists raises for a name too long)
        known = did_you_mean(str(data), [n for n in SOURCES if CATALOG[n].kind == kind])
        raise DataError(f"there is no set and no file or folder {str(data)!r}{known}")
    elif (own.source_name == "dataset-folder" or is_on_hub(own.source_name)) and is_saved_set(path):
        changed = {"source": "dataset-folder", "path": str(path), "parts": None}
    elif kind == "image" and own.source == "image-table" and is_image_table(path):
        columns = own.table and own.table.model_copy(update={"part": None})
        changed = {"source": "image-table", "path": str(path), "table": columns}
    elif kind == "image":
        changed = {"source": "image-folder", "path": str(path)}
    elif kind == "text" and path.is_dir() and own.source_name != "text-table":
        changed = {"source": "text-folder", "path": str(path)}
    else:
        source = "table" if kind == "table" else "text-table"
        if source != own.source_name:
            raise DataError(
                f"{path} is a table, but the run was trained on {own.source_name}, and its recipe "
                f"names no columns; only a run that was trained on a {source} can be evaluated on "
                "one"
            )
        changed = {"source": source, "path": str(path)}
    if isinstance(inputs, ImageInputs) and str(data) not in SOURCES:
        channels, height, width = inputs.shape
        mode: Literal["L", "RGB"] = "L" if channels == 1 else "RGB"
        corrupt = own.image.corrupt if own.image else "error"
        size: tuple[int, int] | Literal["varying"] = "varying" if inputs.varies else (height, width)
        changed["image"] = Images(
            size=size,
            mode=mode,
            corrupt=corrupt,
            range=inputs.grey_range,
            folder=own.image.folder if own.image and changed["source"] == own.source else None,
        )
    changed["splits"] = own.splits.model_copy(update={"group": None})  # of another set
    recipe = run.recipe.model_copy(update={"data": own.model_copy(update=changed)})
    classes = run.summary.classes or None
    form = inputs.form if isinstance(inputs, TableInputs) else None
    dataset = (yield from load_set(recipe, where, layout, classes, form)).dataset
    if dataset.kind != kind:
        raise DataError(f"the run takes {kind}s, but {data} has {dataset.kind}s")
    return dataset


def _renumbered(dataset: Dataset, task: Classification) -> Dataset:
    """Return the set to evaluate with the run's class indices, matched by the names of classes."""
    unknown = [name for name in dataset.classes if name not in task.classes]
    if unknown:
        raise DataError(
            f"{dataset.name} has classes that the run does not know: {', '.join(unknown[:5])}; "
            f"the run has {', '.join(task.classes[:12])}"
        )
    if not dataset.classes:
        raise DataError(f"the run predicts classes, but {dataset.name} has numbers as targets")
    numbers = torch.tensor([task.classes.index(name) for name in dataset.classes])

    def renumber(split: Split | None) -> Split | None:
        return split and replace(split, y=numbers[split.y])

    train = renumber(dataset.train)
    assert train is not None, "a set has a training part"
    return replace(
        dataset,
        train=train,
        validation=renumber(dataset.validation),
        test=renumber(dataset.test),
        classes=task.classes,
    )


def _check_targets(dataset: Dataset, task: Task) -> None:
    """Raise DataError unless the set to evaluate has the labels or numbers of the run."""
    if task.family == "prediction":
        return
    wanted = task.class_names or (task.several if isinstance(task, Regression) else ())
    if dataset.classes or (dataset.targets and dataset.targets != wanted):
        had = ", ".join((dataset.classes or dataset.targets)[:12])
        what = ", ".join(wanted[:12]) or "numbers"
        raise DataError(f"the run predicts {what}, but {dataset.name} has {had}")
    if isinstance(task, Regression) and task.transform is not None:
        check_targets(task.transform, dataset)


def _encoded_for_run(dataset: Dataset, inputs: Inputs) -> Dataset:
    """Return the set to evaluate with texts as tokens; DataError if samples do not fit the run."""
    if isinstance(inputs, TextInputs):
        return encode(dataset, inputs.vocabulary)
    if isinstance(inputs, TensorInputs):
        forms = forms_of(dataset.train.x)
        if forms != inputs.forms:
            took, got = (in_words(one) for one in (inputs.forms, forms))
            raise DataError(f"the run takes {took}; {dataset.name} has {got}")
        return dataset
    shape = list(dataset.train.x.shape)
    if isinstance(inputs, ImageInputs):
        wanted = [inputs.shape[0], *shape[1:]] if inputs.varies else list(inputs.shape)
    else:
        assert isinstance(inputs, TableInputs), "there are four kinds of inputs"
        wanted = [len(inputs.layout.names)]
        if dataset.features != inputs.layout.names:
            ours, theirs = ", ".join(inputs.layout.names[:12]), ", ".join(dataset.features[:12])
            raise DataError(f"the run takes the columns {ours}; {dataset.name} has {theirs}")
    if shape != wanted:
        raise DataError(f"the run takes samples {wanted}, {dataset.name} has {shape}")
    return dataset


def _overlaps(run: Run, dataset: Dataset) -> tuple[str, ...]:
    """Return a note if a run is evaluated on another set that has its training samples."""
    trained_on = RunFolder.open(run.path).provenance.data["train"].fingerprint
    same = [name for name, split in dataset.splits.items() if split.fingerprint == trained_on]
    if same:
        return (
            f"{same[0]} has the samples that the run was trained on: its metrics say nothing about "
            "new data",
        )
    own = run.recipe.data
    if own.path is None and dataset.name == own.source_name:
        return ("this set contains the samples that the run was trained on",)
    return ()


def _differences(run: Run, dataset: Dataset) -> tuple[str, ...]:
    """Return notes on splits of a run's own data that have changed since it was trained."""
    before = RunFolder.open(run.path).provenance.data
    gone = (
        f"{name}: the run had this split, but the data have no such split"
        for name in before
        if name not in dataset.splits
    )
    changed = (
        f"{name}: its content has changed since the run"
        for name, split in dataset.splits.items()
        if name not in before or before[name].fingerprint != split.fingerprint
    )
    return (*changed, *gone)
