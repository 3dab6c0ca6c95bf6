"""Data sets in the format of Hugging Face: on the hub at a commit, or saved in a folder."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from papertrial.data.column import Dataset, DenseColumn, SampleColumn
from papertrial.data.images.decode import ImageError, open_image, pixels, stored_mode, upright
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.sources import table, text_table
from papertrial.data.sources.parts import PARTS, part_meant
from papertrial.data.sources.spec import ImageOptions, LoadedSet, SourceSpec
from papertrial.data.sources.table_parts import Tables, make_splits, with_targets
from papertrial.data.sources.table_targets import read_targets
from papertrial.data.sources.unused_notes import unused_columns, unused_splits
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError, did_you_mean
from papertrial.extras import import_extra
from papertrial.hub import HubError, is_on_hub, read_reference
from papertrial.progress import Step, Steps

Splits = Mapping[str, Any]  # datasets.Dataset by the name of the part


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a data set of Hugging Face: texts, images or a table, as `spec.table` says.

    `spec.source` is "hf:NAME@COMMIT", or `spec.path` is a folder that `save_to_disk` of the library
    `datasets` has written. No code of the set is run. A column of the type ClassLabel has the names
    of its classes, in their order; a label of -1 is missing. Images are decoded into memory.

    Raises:
        DataError: the folder is not a saved set, or its splits or columns are not valid.
        HubError: the set cannot be fetched.
        MissingExtraError: the library `datasets` is not installed.
    """
    name = _name(spec)
    yield Step(f"reading {name}", 0, None, "rows")
    opened = _open(spec)
    splits = _parts(name, opened, spec.parts)
    named_splits = opened if isinstance(opened, dict) else splits
    notes = unused_splits(named_splits, spec.parts.values()) if spec.parts else []
    named, options = replace(spec, path=Path(name)), spec.table
    numeric = () if spec.targets == "classes" else options.targets
    tables = {part: _table(name, part, split, numeric) for part, split in splits.items()}
    for one in tables.values():
        check_has_columns(one, options.targets, "data.table.target")
    classes = _class_names(splits["train"], options.targets[0])
    if spec.targets != "classes":
        classes = None
    if options.image:
        found = LoadedSet((yield from _images(named, tables, spec.classes or classes)))
    elif options.text:
        found = text_table.make_set(named, tables, classes)
    else:
        found = table.make_set(named, tables, spec.classes or classes)
    dataset = replace(found.dataset, notes=(*notes, *found.dataset.notes))
    return found._replace(dataset=dataset)


def is_saved_set(path: Path) -> bool:
    """Return whether a folder is a data set that `save_to_disk` has written."""
    return any((path / name).is_file() for name in ("dataset_info.json", "dataset_dict.json"))


def saved_tables(path: Path) -> dict[str, TableFile]:
    """Return each split of a set that `save_to_disk` has written as a table, by its own name.

    Raises:
        DataError: the folder is not such a set, or a split has no rows.
        MissingExtraError: the library `datasets` is not installed.
    """
    found = _open(SourceSpec("dataset-folder", path))
    splits: dict[str, Any] = dict(found) if isinstance(found, dict) else {"all": found}
    return {name: _table(path.name, name, split, ()) for name, split in splits.items()}


def _name(spec: SourceSpec) -> str:
    assert isinstance(spec.source, str), "a data set has a name"
    return read_reference(spec.source).name if is_on_hub(spec.source) else str(spec.path)


def _open(spec: SourceSpec) -> Any:
    """Open a data set, or one by the name of each split."""
    datasets = import_extra("datasets")
    assert isinstance(spec.source, str), "a data set has a name"
    bars = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        if not is_on_hub(spec.source):
            return datasets.load_from_disk(str(spec.path))
        reference = read_reference(spec.source)
        return datasets.load_dataset(reference.name, reference.config, revision=reference.commit)
    except Exception as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        if not is_on_hub(spec.source):
            raise DataError(
                f"{spec.path} is not a data set that Dataset.save_to_disk() has written: {reason}"
            ) from error
        raise HubError(
            f"cannot fetch the data set {spec.source} from the hub: {reason}; fetch it where the "
            "hub can be reached, save it with save_to_disk(), and set data.source: dataset-folder "
            "and data.path"
        ) from error
    finally:
        if bars:
            datasets.enable_progress_bars()


def _parts(name: str, found: Any, wanted: Mapping[str, str] | None) -> Splits:
    """Return the parts of a set: those wanted, or those that its splits are named for."""
    splits: dict[str, Any] = dict(found) if isinstance(found, dict) else {"train": found}
    if wanted is not None:
        for part, split in wanted.items():
            if split not in splits:
                raise DataError(
                    f"data.parts.{part}: {name} has no split {split!r}{did_you_mean(split, splits)}"
                )
        return {part: splits[split] for part, split in wanted.items()}
    meant = {split: part_meant(split) for split in splits}
    unclear = [split for split, part in meant.items() if part is None]
    twice = len({*meant.values()}) < len(meant)
    if unclear or twice or "train" not in meant.values():
        raise DataError(
            f"{name} has the splits {', '.join(splits)}; say with data.parts which are the parts, "
            "such as {train: train, test: validation}"
        )
    by_part = {part: splits[split] for split, part in meant.items()}
    return {part: by_part[part] for part in PARTS if part in by_part}


def _table(name: str, part: str, split: Any, numeric: Sequence[str]) -> TableFile:
    """Return a split as a table, with the names of classes, but in `numeric` columns numbers."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)

    if not len(split):
        raise DataError(f"{name}: the split for {part} has no rows")
    whole = split.with_format("arrow")[:]
    columns = dict(zip(whole.column_names, whole.columns, strict=True))
    for column, cells in columns.items():
        names = None if column in numeric else _class_names(split, column)
        if names is not None:
            numbers = cells.to_pylist()
            texts = [None if n is None or n < 0 else names[n] for n in numbers]
            columns[column] = pa.chunked_array([pa.array(texts, pa.string())])
    return TableFile(Path(f"{name} {part}"), columns, np.arange(len(split)))


def _class_names(split: Any, column: str) -> list[str] | None:
    """Return the names of the classes of a column; None if it is not a ClassLabel."""
    feature = split.features.get(column)
    names = getattr(feature, "names", None)
    return list(names) if isinstance(names, list) else None


def _images(spec: SourceSpec, tables: Tables, classes: Sequence[str] | None) -> Steps[Dataset]:
    options, target = spec.table, spec.table.targets[0]
    if spec.images.corrupt == "skip":
        raise DataError(
            "data.image.corrupt: skip is only for source: image-folder; remove such rows of the set"
        )
    columns = {}
    for found in tables.values():
        check_has_columns(found, [options.image], "data.table.image")
    classed = spec.targets == "classes"
    tables, notes = with_targets(tables, options.targets, options.missing_target, classes=classed)
    mode = size = None
    for part, found in tables.items():
        yield Step("decoding images", 0, len(found), "images")
        columns[part], mode, size = _decode(found, options.image, spec.images, mode, size)
    y = read_targets(tables, options.targets, spec.targets, classes)
    return Dataset.from_splits(
        spec.path.name,
        "image",
        make_splits(tables, columns, y.y, options.group),
        classes=y.classes,
        target=target,
        targets=y.columns,
        notes=[
            *notes,
            *unused_columns(tables["train"].columns, [options.image, target, options.group]),
        ],
    )


def _decode(
    found: TableFile, column: str, options: ImageOptions, mode: Any, size: Any
) -> tuple[SampleColumn, Any, Any]:
    """Return a column of images, and their mode and size, which all parts share."""
    kind = found.columns[column].type
    if not str(kind).startswith("struct<bytes: "):
        raise DataError(f"data.table.image: {column} of {found.path} holds no images, but {kind}")
    fixed = None if options.size == "varying" else options.size
    images = []
    for row, cell in enumerate(found.columns[column].to_pylist()):
        try:
            given = cell["bytes"] if cell else None
            place = Path(cell["path"]) if cell and given is None and cell["path"] else None
            if given is None and place is None:
                raise ImageError("has no image")
            with open_image(place or io.BytesIO(given or b""), "") as opened:
                turned = upright(opened)
                has = stored_mode(opened.mode), (turned.height, turned.width)
                mode, size = mode or has[0], size or has[1]
                as_mode = options.mode or has[0]
                values = pixels(turned, as_mode, fixed or has[1])
        except (ImageError, OSError) as error:
            raise DataError(f"{found.where(row)}: {column} {error}") from error
        if options.mode is None and has[0] != mode:
            raise DataError(
                f"{found.where(row)}: {column} has the mode {has[0]}, others have {mode}; "
                "set data.image.mode"
            )
        if options.size is None and has[1] != size:
            raise DataError(
                f"{found.where(row)}: {column} has the size {has[1]}, others have {size}; "
                "set data.image.size"
            )
        images.append(torch.from_numpy(values))
    if options.size == "varying":
        return VaryingImages.of(images), mode, size
    return DenseColumn(torch.stack(images)), mode, size
