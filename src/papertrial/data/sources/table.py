"""A table of one's own: columns of numbers and categories, and a target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Column, Dataset, DenseColumn, Split
from papertrial.data.tables.layout import Layout, check_names, ordered
from papertrial.data.tables.table_file import Table, ending_of, read_table
from papertrial.errors import DataError, did_you_mean

Missing = Literal["error", "drop", "mean", "median"]
_PARTS = ("train", "validation", "test")
_OTHER_NAMES = {"training": "train", "val": "validation", "valid": "validation"}
_OTHER_NAMES |= {"dev": "validation", "eval": "validation", "testing": "test"}
_SHOWN = 5


def find_parts(path: Path) -> dict[str, Path]:
    """Return the files of a table by part: one file is the training part.

    A folder holds `train`, and where there are `validation` and `test`, each with one of the
    ENDINGS.

    Raises:
        DataError: an unreadable folder, one without a training part, two files for a part, or a
            file whose name is another word for a part.
    """
    try:
        inside = sorted(path.iterdir()) if path.is_dir() else None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if inside is None:
        return {"train": path}
    rule = "a folder of tables holds train.csv (or .tsv, .parquet), and validation.* and test.*"
    parts: dict[str, Path] = {}
    for file in inside:
        stem = file.name.lower().removesuffix(ending_of(file))
        if not ending_of(file):
            continue
        if stem in _OTHER_NAMES:
            raise DataError(f"{rule}; rename {file} to {_OTHER_NAMES[stem]}{ending_of(file)}")
        if stem in parts:
            raise DataError(f"{rule}, one file a part; got {parts[stem]} and {file.name}")
        if stem in _PARTS:
            parts[stem] = file
    if "train" not in parts:
        names = ", ".join(file.name for file in inside[:10]) or "nothing"
        raise DataError(f"{rule}; {path} holds {names}")
    return {part: parts[part] for part in _PARTS if part in parts}


def load(
    path: Path,
    *,
    target: str,
    classify: bool,
    features: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    missing: Missing = "error",
    delimiter: str | None = None,
    layout: Layout | None = None,
    classes: Sequence[str] | None = None,
) -> tuple[Dataset, Layout]:
    """Return a table as a set, x float32 [N, F], and what its columns are.

    Args:
        path: one file, which is the training part, or a folder: see `find_parts`.
        target: the column to predict; none of its cells may be missing.
        classify: take the target's values for classes (y int64), else for numbers (y float32).
        features: the columns to learn from, in this order; None for all but the target.
        categorical: those of them that hold categories.
        missing: what to do about missing cells in the features. "error": refuse them; "drop": leave
            their rows out; "mean" and "median": keep a missing number as NaN, for
            `papertrial.transforms.Impute` to fill; a missing category is then none of them.
        delimiter: see `read_table`.
        layout: what the columns are where that is known already, from another table; it takes
            the place of `features` and `categorical`.
        classes: the classes in order where they are known already, from another table; this one
            need not have all of them.

    Raises:
        DataError: the files, the columns or the cells are not as they must be.
    """
    files = find_parts(path)
    tables = {part: read_table(file, delimiter=delimiter) for part, file in files.items()}
    check_names(tables["train"], [target], "data.table.target")
    chosen = features if layout is None else layout.columns
    names = _features(tables["train"], target, chosen, categorical)
    for table in tables.values():
        check_names(table, [target], "data.table.target")
        check_names(table, names, "data.table.features")
        check_present(table, target)
    fills = missing in ("mean", "median")
    gaps = {part: _gaps(table, names) for part, table in tables.items()}
    if missing == "error":
        _refuse(tables, gaps)
    if missing == "drop":
        tables = {part: _drop(table, gaps[part]) for part, table in tables.items()}
    learns = fills and layout is None
    empty = [name for name, mask in gaps["train"].items() if mask.all()] if learns else []
    if empty:
        where = files["train"]
        raise DataError(
            f"{where}: every cell of {', '.join(empty)} is missing, so there is no {missing}; "
            "leave such columns out with data.table.features"
        )
    layout = layout or Layout.learn(
        tables["train"], names, categorical=categorical, fills_missing=fills
    )
    names_of, targets = (
        class_targets(tables, target, classes) if classify else ((), _numbers(tables, target))
    )
    splits = {
        part: make_split(table, DenseColumn(layout.encode(table)), targets[part], len(tables) > 1)
        for part, table in tables.items()
    }
    dataset = Dataset(
        path.name or str(path),
        "table",
        splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        classes=names_of,
        features=layout.names,
        target=target,
    )
    return dataset, layout


def select(dataset: Dataset, features: Sequence[str]) -> Dataset:
    """Return a set of tables with some of its feature columns alone, in the order given.

    Raises:
        DataError: no such feature, none, one twice, or a set that is no table.
    """
    if dataset.kind != "table":
        rule = "data.table.features chooses columns of a table"
        raise DataError(f"{rule}; {dataset.name} is made of {dataset.kind}s")
    _check_choice(features)
    for name in features:
        if name not in dataset.features:
            near = did_you_mean(name, dataset.features)
            raise DataError(f"data.table.features: {dataset.name} has no feature {name!r}{near}")
    columns = torch.tensor([dataset.features.index(name) for name in features])

    def narrowed(split: Split) -> Split:
        x = split.x.take(slice(0, len(split)), copy=False)
        return replace(split, x=DenseColumn(x[:, columns]))

    splits = {part: narrowed(split) for part, split in dataset.splits.items()}
    return replace(
        dataset,
        train=splits["train"],
        validation=splits.get("validation"),
        test=splits.get("test"),
        features=tuple(features),
    )


def make_split(table: Table, x: Column, y: Tensor, several: bool) -> Split:
    """Return a part whose samples are called by their line, and by their file if `several`."""
    prefix = f"{table.path.name} " if several else ""
    names = [f"{prefix}{table.place(row)}" for row in range(len(table))]
    return Split(x, y, table.rows.astype(np.int64), names)


def class_targets(
    tables: dict[str, Table], target: str, classes: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the classes that the target column of the training part has, and y [N] int64.

    Args:
        tables: the parts by name, "train" among them.
        target: the column of the classes; none of its cells is missing.
        classes: the classes in order where they are known already: the cells may then be of any
            of them, also all of one.

    Raises:
        DataError: fewer than two classes, numbers that are no classes, or a class that is not
            known, or where none are, that the training part lacks.
    """
    texts = {
        part: [text for text in table.texts(target) if text is not None]
        for part, table in tables.items()
    }
    of = "in the training part, which has" if classes is None else "known; the classes are"
    if classes is None:
        classes = ordered(texts["train"])
        if len(classes) < 2:
            raise DataError(
                f"{tables['train'].path}: classification needs at least 2 classes; every cell of "
                f"{target} is {classes[0]!r}"
            )
        _check_numbers_as_classes(tables["train"], target, texts["train"])
    index = {name: i for i, name in enumerate(classes)}
    y = {}
    for part, table in tables.items():
        unknown = [row for row, text in enumerate(texts[part]) if text not in index]
        if unknown:
            known = ", ".join(classes[:24]) + (" ..." if len(classes) > 24 else "")
            raise DataError(
                f"{table.where(unknown[0])}: class {texts[part][unknown[0]]!r} of {target} is not "
                f"{of} {known}"
            )
        y[part] = torch.tensor([index[text] for text in texts[part]], dtype=torch.int64)
    return tuple(classes), y


def check_present(table: Table, target: str) -> None:
    """Raise DataError where a target is missing: no way of filling it would be honest."""
    absent = table.missing(target)
    if absent.any():
        raise DataError(
            f"{table.path}: every row must have a target, {target} is missing in "
            f"{_places(table, absent)}; write it, or delete such rows"
        )


def _check_numbers_as_classes(table: Table, target: str, texts: Sequence[str]) -> None:
    values, bad = table.numbers(target)
    if bad.any():
        return
    spelled: dict[float, str] = {}
    for value, text in zip(values.tolist(), texts, strict=True):
        if spelled.setdefault(value, text) != text:
            raise DataError(
                f"{table.path}: one class of {target} is written in two ways, {spelled[value]!r} "
                f"and {text!r}; write it in one"
            )
    most = max(20, 0.05 * len(table))
    if len(spelled) > most and (values != np.floor(values)).any():
        raise DataError(
            f"{table.path}: {target} has {len(spelled):,} different numbers in {len(table):,} "
            "rows, too many for classes; set task: regression, or name another target"
        )


def _features(
    table: Table, target: str, features: Sequence[str] | None, categorical: Sequence[str]
) -> list[str]:
    if features is not None:
        _check_choice(features)
        check_names(table, features, "data.table.features")
    names = list(features) if features is not None else [n for n in table.columns if n != target]
    if target in names or target in categorical:
        key = "features" if target in names else "categorical"
        raise DataError(
            f"data.table.{key}: {target} is the target, so the model must not see it; remove it"
        )
    if not names:
        raise DataError(f"{table.path} has no column but the target {target}; add features")
    check_names(table, categorical, "data.table.categorical")
    unused = [name for name in categorical if name not in names]
    if unused:
        raise DataError(
            f"data.table.categorical: {unused[0]} is not among data.table.features; add it there, "
            "or remove it here"
        )
    return names


def _check_choice(features: Sequence[str]) -> None:
    twice = sorted({name for name in features if list(features).count(name) > 1})
    if twice:
        raise DataError(f"data.table.features names {twice[0]!r} more than once; name it once")
    if not features:
        raise DataError("data.table.features is empty; name at least one column, or remove it")


def _gaps(table: Table, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Return which cells are missing, of the columns where some are."""
    masks = {name: table.missing(name) for name in names}
    return {name: mask for name, mask in masks.items() if mask.any()}


def _refuse(tables: dict[str, Table], gaps: dict[str, dict[str, np.ndarray]]) -> None:
    found = []
    for part, table in tables.items():
        for name, mask in gaps[part].items():
            found.append(f"  - {table.path}: {name}: {_places(table, mask)}")
    if found:
        raise DataError(
            "cells are missing:\n" + "\n".join(found) + "\nset data.table.missing: drop leaves "
            "such rows out; mean or median fill a number with that of the training part, and take "
            "a missing category for none of them"
        )


def _places(table: Table, mask: np.ndarray) -> str:
    rows = np.flatnonzero(mask)
    listed = ", ".join(table.place(int(row)) for row in rows[:_SHOWN])
    return f"{len(rows)} of {len(table)} ({listed}{', ...' if len(rows) > _SHOWN else ''})"


def _drop(table: Table, gaps: dict[str, np.ndarray]) -> Table:
    lacking = np.zeros(len(table), dtype=bool)
    for mask in gaps.values():
        lacking |= mask
    if lacking.all():
        worst = max(gaps, key=lambda name: int(gaps[name].sum()))
        raise DataError(
            f"{table.path}: every row has a missing cell, so that data.table.missing: drop leaves "
            f"none; {worst} has the most, {int(gaps[worst].sum())} of {len(table)}: leave it out "
            "with data.table.features, or set data.table.missing to mean or median"
        )
    return table.keep(~lacking)


def _numbers(tables: dict[str, Table], target: str) -> dict[str, Tensor]:
    y = {}
    for part, table in tables.items():
        values, bad = table.numbers(target)
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{table.where(row)}: the target {target} must be a finite number, got "
                f"{table.written(target, row)!r}; for classes set task: table-classification"
            )
        y[part] = torch.from_numpy(values.astype(np.float32))
    return y
