"""Load the data that a recipe names: splits, vocabulary, layout, pipeline and batches."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from papertrial.data.batches import Batches
from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec, TableOptions
from papertrial.data.splits import check_splits, cut, limit
from papertrial.data.tables.layout import Layout
from papertrial.data.tensors.form import forms_of
from papertrial.data.texts.encode import encode
from papertrial.data.texts.ragged_column import texts_of
from papertrial.data.texts.vocabulary import Vocabulary
from papertrial.errors import DataError
from papertrial.evaluate.inputs import (
    ImageInputs,
    Inputs,
    TableInputs,
    TensorInputs,
    TextInputs,
    difference,
)
from papertrial.progress import Step, Steps
from papertrial.recipe.data_section import Columns, Images, Text
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import build_pipeline, build_sampler
from papertrial.runs.init_from import StartRun, read_start_run
from papertrial.store.run_records import SplitData
from papertrial.tasks.class_counts import ClassCounts
from papertrial.tasks.make_task import TASKS, make_task
from papertrial.tasks.probability_losses import takes_probabilities
from papertrial.tasks.task import Task
from papertrial.training.device import has_room


@dataclass(frozen=True)
class Samples:
    """The set of a training: its splits, with texts as tokens, and how samples are prepared."""

    dataset: Dataset
    original: Dataset  # with texts as text
    task: Task
    inputs: Inputs
    pipeline: Pipeline
    state: PipelineState
    batches: Batches

    @property
    def classes(self) -> ClassCounts | None:
        """The class counts of the training part; None for a task without classes."""
        return ClassCounts.of(self.task.class_names, self.dataset.train.y)


def load_data(
    recipe: Recipe, folder: Path, device: torch.device, start: StartRun | None = None
) -> Generator[Step, None, Samples]:
    """Load a recipe's data: cut splits, fit vocabulary and pipeline on the training part, batch it.

    With a start run, the vocabulary or the layout of a table is that of the start run, because its
    weights depend on the order of the words or columns.

    Raises:
        DataError: the set cannot be loaded or cut, or does not fit the task or the start run.
    """
    data = recipe.data
    given = start.preprocessing.make_inputs() if start else None
    original, layout = yield from _load_original(recipe, folder, given)
    task = make_task(recipe.task, original)
    if takes_probabilities(resolve(recipe.loss.use)):
        task = task.for_probabilities()
    inputs: Inputs
    if original.kind == "text":
        yield Step(f"learning the vocabulary of {original.name}", 0, None, "texts")
        words = given.vocabulary if isinstance(given, TextInputs) else None
        inputs = TextInputs(words or _learn_vocabulary(data.text or Text(), original))
        dataset = encode(original, inputs.vocabulary)
    elif original.kind == "table":
        columns = layout or Layout.numeric(original.features)
        inputs = TableInputs(columns, data.table.delimiter if data.table else None)
        dataset = original
    elif original.kind == "image":
        inputs, dataset = ImageInputs(original.train.x.shape), original
    else:
        inputs, dataset = TensorInputs(forms_of(original.train.x)), original
    if given is not None and (differs := difference(given, inputs)):
        raise DataError(f"init_from: {recipe.init_from} {differs}, so its weights do not fit")
    pipeline = build_pipeline(recipe, dataset.kind, augment=True)
    state = pipeline.fit(dataset.train.x)
    if data.target == "inputs":
        dataset = _with_inputs_as_targets(dataset, pipeline, state)
    dataset = dataset.to(device) if has_room(device, dataset.nbytes) else dataset
    batches = Batches(
        dataset.train,
        len(dataset.train) if data.batch_size == "full" else data.batch_size,
        shuffle=data.shuffle,
        pipeline=pipeline,
        state=state,
        device=device,
        drop_last=data.drop_last,
        sampler=build_sampler(recipe, dataset.train, dataset.classes),
        bucket=data.text.bucket if data.text else None,
    )
    return Samples(dataset, original, task, inputs, pipeline, state, batches)


def _with_inputs_as_targets(dataset: Dataset, pipeline: Pipeline, state: PipelineState) -> Dataset:
    """Return the set with the prepared inputs, without augmentation, as targets."""
    if dataset.train.x.lengths is not None:
        raise DataError("data.target: inputs needs samples of one shape, and texts have many")

    def prepared(split: Split) -> Split:
        parts = [pipeline.apply(chunk, state) for chunk in chunks(split.x)]
        named = isinstance(parts[0], Mapping)
        y = {k: torch.cat([p[k] for p in parts]) for k in parts[0]} if named else torch.cat(parts)
        return replace(split, y=y)

    return dataset.with_splits({name: prepared(split) for name, split in dataset.splits.items()})


def load_split_data(recipe: Recipe, folder: Path) -> Steps[dict[str, SplitData]]:
    """Load a recipe's data; return the size and fingerprint of each split, as its runs record them.

    Raises:
        DataError: the set cannot be loaded or cut, or does not fit the start run.
        RunError: the run of `init_from` is absent, damaged or not finished.
    """
    start = read_start_run(recipe)
    given = start.preprocessing.make_inputs() if start else None
    original, _ = yield from _load_original(recipe, folder, given)
    return {
        name: SplitData(rows=len(split), fingerprint=split.fingerprint)
        for name, split in original.splits.items()
    }


def _load_original(
    recipe: Recipe, folder: Path, given: Inputs | None
) -> Steps[tuple[Dataset, Layout | None]]:
    """Load a recipe's set and cut its splits; of a table also the layout, given or learned."""
    columns = recipe.data.table
    known = given.layout if isinstance(given, TableInputs) else None
    wanted = columns.features if columns else None
    if known is not None and wanted is not None and list(wanted) != list(known.columns):
        had = f"{recipe.init_from} takes the columns {list(known.columns)}"
        raise DataError(f"init_from: {had}, not {list(wanted)}, so its weights do not fit")
    loaded, layout = yield from load_set(recipe, folder, known)
    return cut_splits(recipe, loaded), layout


def cut_splits(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Cut a recipe's loaded set into the splits that it draws, limited to `data.limit` rows."""
    cuts, rows = recipe.data.splits, recipe.data.limit
    dataset = cut(
        dataset,
        validation=cuts.validation,
        test=cuts.test,
        draw=cuts.draw,
        stratify=cuts.stratify,
        seed=cuts.seed,
    )
    check_splits(dataset)
    return dataset if rows is None else limit(dataset, rows, cuts.seed)


def load_set(
    recipe: Recipe,
    folder: Path,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
) -> Steps[LoadedSet]:
    """Load the data set that a recipe names, before its splits are cut.

    Args:
        recipe: names the set.
        folder: the data folder.
        layout: the layout of a table; None to learn it.
        classes: the classes of a table; None to find them.
    """
    data, columns, images = recipe.data, recipe.data.table or Columns(), recipe.data.image
    images = images or Images()
    spec = SourceSpec(
        resolve(data.source) if ".py:" in data.source else data.source,
        path=Path(data.path or ""),
        targets=TASKS[recipe.task].targets,
        kinds=TASKS[recipe.task].kinds,
        images=ImageOptions(images.size, images.mode, images.corrupt),
        table=TableOptions(
            targets=columns.targets,
            text=columns.text or "",
            features=columns.features,
            categorical=columns.categorical,
            missing=columns.missing,
            delimiter=columns.delimiter,
        ),
        layout=layout,
        classes=None if classes is None else tuple(classes),
        seed=data.splits.seed,
    )
    return (yield from open_source(spec, folder))


def _learn_vocabulary(options: Text, dataset: Dataset) -> Vocabulary:
    size, lower, longest = options.vocabulary, options.lower, options.max_length
    if options.vocabulary_file is not None:
        path = Path(options.vocabulary_file)
        return Vocabulary.from_file(path, size=size, lower=lower, max_length=longest)
    texts = texts_of(dataset.train.x)
    return Vocabulary.learn(texts, size=size, lower=lower, max_length=longest)
