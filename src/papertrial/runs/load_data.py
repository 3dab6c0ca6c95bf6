"""Load the data that a recipe names: splits, vocabulary, layout, pipeline and batches."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from papertrial.data.batches import Batches
from papertrial.data.column import Dataset, Split, chunks
from papertrial.data.folds import FoldRows, cut_fold, fold_rows
from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.data.sources.open_source import open_source
from papertrial.data.sources.spec import LoadedSet
from papertrial.data.splits import check_splits, cut, limit
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tables.unseen import check_codes_seen, hide_unseen, with_unseen
from papertrial.data.tensors.form import forms_of
from papertrial.data.texts.encode import encode
from papertrial.errors import DataError
from papertrial.evaluate.inputs import (
    ImageInputs,
    Inputs,
    TableInputs,
    TensorInputs,
    difference,
)
from papertrial.progress import Step, Steps
from papertrial.recipe.data_section import Text
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.recipe.slots import is_function
from papertrial.runs.build import (
    build_image_options,
    build_pipeline,
    build_sampler,
    build_word_split,
)
from papertrial.runs.check_codes import check_codes
from papertrial.runs.fold_recipes import fold_cuts, fold_recipes, split_seed
from papertrial.runs.init_from import StartRun, read_start_run
from papertrial.runs.source_spec import source_spec
from papertrial.runs.text_inputs import drop_empty, text_inputs
from papertrial.store.run_records import ALL, SplitData
from papertrial.tasks.class_counts import ClassCounts
from papertrial.tasks.make_task import make_task
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
    drawn_from: dict[str, SplitData] | None = None  # if the splits follow the training seed

    @property
    def classes(self) -> ClassCounts | None:
        """The class counts of the training part; None for a task without classes."""
        return ClassCounts.of(self.task.class_names, self.dataset.train.y)


def load_data(
    recipe: Recipe,
    folder: Path,
    device: torch.device,
    start: StartRun | None = None,
    whole: LoadedSet | None = None,
) -> Generator[Step, None, Samples]:
    """Load a recipe's data: cut splits, fit vocabulary and pipeline on the training part, batch it.

    With a start run, the vocabulary or the layout of a table is that of the start run, because its
    weights depend on the order of the words or columns. `whole` is what `load_whole` loaded, for
    several folds; if omitted, it is loaded.

    Raises:
        DataError: the set cannot be loaded or cut, or does not fit the task or the start run.
    """
    data = recipe.data
    split = build_word_split(recipe)
    given = start.preprocessing.make_inputs(split) if start else None
    # Without the table, whose memory is not needed any more.
    loaded, layout, form = _without_table(whole or (yield from load_whole(recipe, folder, start)))
    original = cut_splits(recipe, loaded)
    task = make_task(recipe.task, original, data.target_transform)
    if takes_probabilities(resolve(recipe.loss.use)):
        task = task.for_probabilities()
    inputs: Inputs
    if original.kind == "text":
        ready = data.text is not None and data.text.tokenizer is not None
        what = "encoding the texts" if ready else "learning the vocabulary"
        yield Step(f"{what} of {original.name}", 0, None, "texts")
        inputs, guessed = text_inputs(data.text or Text(), original, given, split)
        original = replace(original, notes=(*original.notes, *guessed))
        dataset = encode(original, inputs.vocabulary)
        original = replace(original, notes=dataset.notes)
    elif original.kind == "table":
        columns = layout or Layout.numeric(original.features)
        columns = with_unseen(columns, original.train)
        inputs = TableInputs(columns, form)
        dataset = original
    elif original.kind == "image":
        options = build_image_options(recipe)
        inputs, dataset = ImageInputs(original.train.x.shape, options.grey_range), original
    else:
        inputs, dataset = TensorInputs(forms_of(original.train.x)), original
    if given is not None and (differs := difference(given, inputs)):
        raise DataError(f"init_from: {_path(recipe)} {differs}, so its weights do not fit")
    pipeline = build_pipeline(recipe, dataset.kind, augment=True)
    state = pipeline.fit(dataset.train.x)
    if isinstance(inputs, TableInputs):
        check_codes(inputs.layout, dataset.train.x, pipeline, state)
    if data.target == "inputs":
        dataset = with_inputs_as_targets(dataset, pipeline, state)
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
    redrawn = data.splits.seed == "each"
    drawn_from = parts_before_cut(loaded, _sizes(original)) if redrawn else None
    return Samples(dataset, original, task, inputs, pipeline, state, batches, drawn_from)


def _without_table(loaded: LoadedSet) -> tuple[Dataset, Layout | None, TableFormat]:
    return loaded.dataset, loaded.layout, loaded.form


def with_inputs_as_targets(dataset: Dataset, pipeline: Pipeline, state: PipelineState) -> Dataset:
    """Return a set with the prepared inputs, without augmentation, as targets.

    Raises:
        DataError: its samples have several shapes.
    """
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

    If the splits differ between folds or seeds, these are the parts before splits are cut, of which
    the training part is called "all".

    Raises:
        DataError: the set cannot be loaded or cut, or does not fit the start run.
        RunError: the run of `init_from` is absent, damaged or not finished.
    """
    loaded = yield from load_whole(recipe, folder, read_start_run(recipe))
    return data_of_runs(recipe, loaded.dataset)


def data_of_runs(recipe: Recipe, loaded: Dataset) -> dict[str, SplitData]:
    """Return the size and fingerprint of each split of a loaded set, as runs record them.

    Raises:
        DataError: the set cannot be cut.
    """
    if recipe.data.splits.count:
        tested = sum(sizes["test"] for sizes in check_folds(recipe, loaded))
        return parts_before_cut(loaded, {"test": tested})
    original = cut_splits(recipe, loaded)
    if recipe.data.splits.seed == "each":
        return parts_before_cut(loaded, _sizes(original))
    return split_data(original)


def split_data(dataset: Dataset) -> dict[str, SplitData]:
    """Return the size and fingerprint of each split of a set."""
    return {
        name: SplitData(rows=len(split), fingerprint=split.fingerprint)
        for name, split in dataset.splits.items()
    }


def parts_before_cut(dataset: Dataset, sizes: Mapping[str, int]) -> dict[str, SplitData]:
    """Return the size and fingerprint of the parts of a set before its splits are cut.

    The training part is called "all", because what is cut off it is not for training. The splits
    that are cut, of these sizes, have no fingerprint: their samples differ.
    """
    parts = split_data(dataset)
    del parts["train"]
    drawn = {name: SplitData(rows=rows, fingerprint="") for name, rows in sizes.items()}
    return {ALL: whole_part(dataset.train), **drawn, **parts}


def _sizes(dataset: Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


def whole_part(train: Split) -> SplitData:
    """Return the size and fingerprint of a training part before it is cut, with its groups."""
    digest = train.fingerprint
    if train.groups is not None:
        groups = " ".join(map(str, train.groups.tolist()))
        digest = hashlib.sha256(f"{digest} {groups}".encode()).hexdigest()
    return SplitData(rows=len(train), fingerprint=digest)


def load_whole(recipe: Recipe, folder: Path, start: StartRun | None) -> Steps[LoadedSet]:
    """Load a recipe's set before its splits are cut; of a table also the layout.

    Raises:
        DataError: the set cannot be loaded, or does not fit the start run.
    """
    given = start.preprocessing.make_inputs(build_word_split(recipe)) if start else None
    columns = recipe.data.table
    known = given.layout if isinstance(given, TableInputs) else None
    wanted = columns.features if columns else None
    if known is not None and wanted is not None and list(wanted) != list(known.columns):
        had = f"{_path(recipe)} takes the columns {list(known.columns)}"
        raise DataError(f"init_from: {had}, not {list(wanted)}, so its weights do not fit")
    return (yield from load_set(recipe, folder, known))


def _path(recipe: Recipe) -> str:
    return recipe.start.weights if recipe.start else ""


def cut_splits(recipe: Recipe, dataset: Dataset, fold: FoldRows | None = None) -> Dataset:
    """Cut a recipe's loaded set into the splits that it draws, limited to `data.limit` rows.

    With folds, the recipe is that of one fold, whose rows are `fold`; if omitted, they are cut.

    Raises:
        DataError: the splits cannot be cut.
    """
    cuts, most, seed = recipe.data.splits, recipe.data.limit, split_seed(recipe)
    if cuts.folds is not None:
        assert cuts.fold is not None, "folds are cut one after another"
        rows = fold or fold_rows(dataset, fold_cuts(recipe))[cuts.fold]
        dataset = cut_fold(dataset, rows)
    dataset = cut(
        dataset,
        validation=cuts.validation,
        test=cuts.test,
        draw="last" if cuts.draw == "last" else "random",
        stratify=cuts.stratify and cuts.group is None,
        seed=seed,
        grouped=cuts.group is not None,
    )
    columns = recipe.data.table
    if columns is not None and dataset.kind == "table":
        if columns.unseen == "zeros":
            dataset = hide_unseen(dataset, columns.categorical, columns.codes)
        check_codes_seen(dataset, columns.codes)
    check_splits(dataset)
    return dataset if most is None else limit(dataset, most, seed)


def check_folds(recipe: Recipe, dataset: Dataset) -> list[dict[str, int]]:
    """Check that every fold of a loaded set can be cut; return the sizes of its splits for each.

    Raises:
        DataError: one cannot; the message names the fold.
    """
    rows, sizes = fold_rows(dataset, fold_cuts(recipe)), []
    for number, one in enumerate(fold_recipes(recipe)):
        try:
            sizes.append(_sizes(cut_splits(one, dataset, rows[number])))
        except DataError as error:
            raise DataError(f"data.splits.folds: fold {number}: {error}") from error
    return sizes


def smallest_fold(recipe: Recipe, folder: Path) -> Steps[tuple[Recipe, str]]:
    """Return a recipe that trains only the fold with the smallest training part, and a note on it.

    Raises:
        DataError: the set cannot be loaded, or a fold cannot be cut.
    """
    loaded = (yield from load_set(recipe, folder)).dataset
    sizes = [one["train"] for one in check_folds(recipe, loaded)]
    fold = sizes.index(min(sizes))
    note = (
        f"{len(sizes)} folds of {loaded.name}, {len(loaded.train):,} rows; fold {fold} is checked, "
        f"which has the fewest training rows, {sizes[fold]:,}"
    )
    splits = recipe.data.splits.model_copy(update={"fold": fold})
    data = recipe.data.model_copy(update={"splits": splits})
    return recipe.model_copy(update={"data": data}), note


def _with_groups(recipe: Recipe, dataset: Dataset) -> Dataset:
    """Return the set with the groups that `data.splits.group` needs.

    Raises:
        DataError: a function returned none, or the pattern does not match a file.
    """
    group, train = recipe.data.splits.group, dataset.train
    if group is None or train.groups is not None:
        return dataset
    if is_function(recipe.data.source_name):
        raise DataError(
            f'data.splits.group: {dataset.name} returns no "{group}"; return one entry for each '
            "training sample, or remove the key"
        )
    assert train.names is not None, "files have names"
    found = [re.search(group, name) for name in train.names]
    if None in found:
        name = train.names[found.index(None)]
        raise DataError(f"data.splits.group: {group!r} does not match {name}; it must match all")
    groups = [match[1 if match.re.groups else 0] for match in found if match is not None]
    return replace(dataset, train=replace(train, groups=np.array(groups)))


def load_set(
    recipe: Recipe,
    folder: Path,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
    form: TableFormat | None = None,
    *,
    download: bool = True,
) -> Steps[LoadedSet]:
    """Load the data set that a recipe names, before its splits are cut.

    Args:
        recipe: names the set.
        folder: the data folder.
        layout: the layout of a table; None to learn it.
        classes: the classes of a table; None to find them.
        form: how the cells of a table are written; None for what the recipe says.
        download: whether files of a named set may be downloaded.
    """
    spec = source_spec(recipe, layout, classes, form, download=download)
    loaded = yield from open_source(spec, folder)
    dataset = _with_groups(recipe, loaded.dataset)
    if spec.keeps_empty and dataset.kind == "text":
        dataset = drop_empty(recipe.data.text or Text(), dataset, build_word_split(recipe))
    return loaded._replace(dataset=dataset)
