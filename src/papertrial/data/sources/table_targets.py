"""The targets in the tables of a set: a column of classes, columns of labels or of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from papertrial.data.kind import TargetKind
from papertrial.data.numbers import sort_values
from papertrial.data.sources.table_parts import Tables
from papertrial.data.tables.table_file import TableFile, check_has_columns
from papertrial.errors import DataError, did_you_mean

_SHOWN_CLASSES = 24


class TableTargets(NamedTuple):
    """The targets of each part, y [N] or [N, T], and the names of classes or of T columns."""

    y: dict[str, Tensor]
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()


def read_targets(
    tables: Tables,
    names: Sequence[str],
    targets: TargetKind,
    classes: Sequence[str] | None = None,
) -> TableTargets:
    """Return the targets in the table of each part.

    Args:
        tables: the parts by name, "train" among them.
        names: the columns of the targets, without missing cells; one for classes.
        targets: "classes": y is int64 [N]. "labels": 0 and 1, uint8 [N, T]. Others: float32 [N], or
            [N, T] if there are several columns.
        classes: see `class_targets`.

    Raises:
        DataError: see `class_targets`, `numeric_targets` and `label_targets`.
    """
    if targets == "classes":
        known, codes = class_targets(tables, names[0], classes)
        return TableTargets(codes, known)
    read = label_targets if targets == "labels" else numeric_targets
    columns = [read(tables, name) for name in names]
    several = len(names) > 1 or targets == "labels"
    y = {
        part: torch.stack([column[part] for column in columns], 1) if several else columns[0][part]
        for part in tables
    }
    return TableTargets(y, columns=tuple(names) if several else ())


def check_has_target(table: TableFile, targets: Sequence[str], part: str = "train") -> None:
    """Check that the table of a part has a target in every row.

    Raises:
        DataError: a target is missing, which there is no honest way to fill. The test file of a
            competition has none; the message says how to predict it.
    """
    for target in targets:
        unlabelled = part != "train" and _how_to_predict(table, part)
        if target not in table.columns and unlabelled:
            near = did_you_mean(target, list(table.columns))
            rule = f"data.table.target: {table.path} has no column {target!r}{near}"
            raise DataError(f"{rule}; {unlabelled}")
        check_has_columns(table, [target], "data.table.target")
        absent = table.missing(target)
        if absent.any():
            what = f"{target} is missing in {table.rows_in_words(absent)}"
            fix = unlabelled if absent.all() else ""
            raise DataError(
                f"{table.path}: every row must have a target, but {what}; "
                f"{fix or 'fill it in, or delete such rows'}"
            )


def _how_to_predict(table: TableFile, part: str) -> str:
    return (
        f"a {part} part needs targets: leave out a file without them, cut a part off with "
        f"data.splits.{part}, and after the training use `papertrial predict RUN "
        f"{table.path.name} --output predictions.csv`"
    )


def label_targets(tables: Tables, target: str) -> dict[str, Tensor]:
    """Return the column of a label in the table of each part as 0 and 1, uint8 [N].

    Raises:
        DataError: a cell is not 0 or 1, and not true or false.
    """
    y = {}
    for part, table in tables.items():
        known = {"0": 0, "1": 1, "false": 0, "true": 1}
        values = [known.get((text or "").lower(), -1) for text in table.texts(target)]
        if -1 in values:
            row = values.index(-1)
            raise DataError(
                f"{table.where(row)}: the label {target} must be 0 or 1, got "
                f"{table.written(target, row)!r}; for numbers, set task: regression"
            )
        y[part] = torch.tensor(values, dtype=torch.uint8)
    return y


def numeric_targets(tables: Tables, target: str) -> dict[str, Tensor]:
    """Return the target column of the table of each part as numbers, float32 [N].

    Raises:
        DataError: a target is not a finite number.
    """
    y = {}
    for part, table in tables.items():
        values, bad = table.numbers(target)
        if bad.any():
            row = int(bad.argmax())
            raise DataError(
                f"{table.where(row)}: the target {target} must be a finite number, got "
                f"{table.written(target, row)!r}; for classes, set task: classification"
            )
        y[part] = torch.from_numpy(values.astype(np.float32))
    return y


def class_targets(
    tables: Tables, target: str, classes: Sequence[str] | None = None
) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the classes, and the target column of the table of each part as classes, int64 [N].

    Args:
        tables: the parts by name, "train" among them.
        target: the column of the classes, without missing cells.
        classes: the classes in order, if they are known from another table. This one need not have
            all of them.

    Raises:
        DataError: there are fewer than two classes, the target holds numbers that are not classes,
            or a class is neither in `classes` nor, without them, in the training part.
    """
    texts = {
        part: [text for text in table.texts(target) if text is not None]
        for part, table in tables.items()
    }
    rule = "not in the training part, which has" if classes is None else "unknown; the classes are"
    if classes is None:
        classes = sort_values(texts["train"])
        if len(classes) < 2:
            raise DataError(
                f"{tables['train'].path}: classification needs at least 2 classes, but every cell "
                f"of {target} is {classes[0]!r}"
            )
        _check_numbers_as_classes(tables["train"], target, texts["train"])
    index = {name: i for i, name in enumerate(classes)}
    y = {}
    for part, table in tables.items():
        unknown = [row for row, text in enumerate(texts[part]) if text not in index]
        if unknown:
            more = " ..." if len(classes) > _SHOWN_CLASSES else ""
            raise DataError(
                f"{table.where(unknown[0])}: class {texts[part][unknown[0]]!r} of {target} is "
                f"{rule} {', '.join(classes[:_SHOWN_CLASSES])}{more}"
            )
        y[part] = torch.tensor([index[text] for text in texts[part]], dtype=torch.int64)
    return tuple(classes), y


def _check_numbers_as_classes(table: TableFile, target: str, texts: Sequence[str]) -> None:
    values, bad = table.numbers(target)
    if bad.any():
        return
    spelled: dict[float, str] = {}
    for value, text in zip(values.tolist(), texts, strict=True):
        if spelled.setdefault(value, text) != text:
            raise DataError(
                f"{table.path}: a class of {target} is spelled in two ways, {spelled[value]!r} and "
                f"{text!r}; choose one"
            )
    most = max(20, 0.05 * len(table))
    if len(spelled) > most and (values != np.floor(values)).any():
        raise DataError(
            f"{table.path}: {target} has {len(spelled):,} different numbers in {len(table):,} "
            "rows, too many for classes; set task: regression, or choose another target"
        )
