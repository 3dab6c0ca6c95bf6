"""Tensors of any shape that a user's own function returns, for a task without a fixed meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import (
    Dataset,
    DenseColumn,
    NamedColumns,
    SampleColumn,
    Split,
    column_of,
)
from papertrial.data.kind import Kind
from papertrial.data.nested import row_count
from papertrial.data.sources.function_values import as_array, as_tensor, is_text
from papertrial.data.sources.set_checks import check_alike, check_texts, kind_of
from papertrial.data.tensors.form import forms_of, in_words
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError

_IMAGE = (3, 4)  # dimensions of bytes that are images, [N, H, W] or [N, C, H, W]


def tensors_of(
    pairs: Mapping[str, tuple[Any, Any]], name: str, classes: tuple[str, ...] = ()
) -> Dataset:
    """Return the data set of the parts (x, y) that a function returned.

    Args:
        pairs: x and y by part. Each is an array or tensor [N, ...] of any shape and dtype, or
            several of them by name; x may also be N texts. Bytes [N, H, W] and [N, C, H, W] as x
            are images. y may be None: the targets are then N zeros.
        name: the name of the set and of the function, for messages.
        classes: the names of the classes whose indices y has at each position.

    Raises:
        DataError: x and y have other lengths, no sample, or values that are no finite numbers.
    """
    columns = {part: tensor_column(x, f'{name}: "{part}": x') for part, (x, _) in pairs.items()}
    check_alike(columns, name)
    splits: dict[str, Split] = {}
    for part, (_, y) in pairs.items():
        where, column = f'{name}: "{part}"', columns[part][1]
        target = torch.zeros(len(column)) if y is None else _values(y, f"{where}: y")
        if row_count(target) != len(column):
            raise DataError(
                f"{where} must have a target for each sample, got {len(column)} samples and "
                f"{row_count(target)} targets"
            )
        splits[part] = Split(column, target, np.arange(len(column)))
    _check_same_form(splits, name)
    _check_classes(splits, classes, name)
    dataset = Dataset.from_splits(name, columns["train"][0], splits)
    return replace(dataset, position_classes=classes)


def tensor_column(x: Any, where: str) -> tuple[Kind, SampleColumn]:
    """Return the column of the samples that a function returned, and what they are.

    Raises:
        DataError: they are neither tensors nor texts, or not finite numbers.
    """
    if isinstance(x, list | tuple) and x and isinstance(x[0], str):
        check_texts(x, where)
        return "text", text_column(x)
    values = _values(x, where)
    if isinstance(values, Mapping):
        return "tensor", NamedColumns({key: DenseColumn(one) for key, one in values.items()})
    if values.dtype == torch.uint8 and values.ndim in _IMAGE:
        return "image", DenseColumn(values.unsqueeze(1) if values.ndim == min(_IMAGE) else values)
    return "tensor", DenseColumn(values)


def _values(given: Any, where: str) -> Tensor | dict[str, Tensor]:
    """Return a tensor, or several by name, sorted, with a row for each sample."""
    if not isinstance(given, Mapping):
        return _one(given, where)
    if not given or not all(isinstance(key, str) and key.isidentifier() for key in given):
        raise DataError(f"{where} must name its tensors by identifiers, got {list(given)[:5]}")
    named = {key: _one(one, f"{where}[{key!r}]") for key, one in sorted(given.items())}
    lengths = {key: len(one) for key, one in named.items()}
    if len({*lengths.values()}) > 1:
        raise DataError(f"{where} must have as many rows in every tensor, got {lengths}")
    return named


def _one(given: Any, where: str) -> Tensor:
    if isinstance(given, str | bytes) or given is None:
        raise DataError(f"{where} must be an array or a tensor, got {kind_of(given)}")
    if not isinstance(given, Tensor):
        given = as_array(given, where)
        if len(given) and is_text(given):
            raise DataError(f"{where} must be numbers, got text such as {str(given.flat[0])!r:.60}")
    values = as_tensor(given, where, complex_too=True)
    if values.ndim == 0 or len(values) == 0:
        raise DataError(f"{where} must have at least one row, got {list(values.shape)}")
    if values.is_floating_point() and not (finite := torch.isfinite(values)).all():
        row = int((~finite).nonzero()[0, 0])
        raise DataError(f"{where} must be finite numbers, got NaN or infinity in row {row}")
    return values


def _check_classes(splits: Mapping[str, Split], classes: tuple[str, ...], name: str) -> None:
    """Raise DataError unless y are indices of the classes, if there are any, or one other value.

    Positions with that other value, such as -100, do not count in the losses of torch.
    """
    for part, split in splits.items() if classes else ():
        y, where = split.y, f'{name}: "{part}": y'
        if not isinstance(y, Tensor) or y.is_floating_point() or y.is_complex() or y.ndim < 2:
            got = in_words(forms_of(column_of(y)))
            raise DataError(
                f'{where} must be the index of a class at each position [N, T, ...], as "classes" '
                f"names them, got {got}; for one class a sample set task: classification"
            )
        used = torch.unique(y)
        others = used[(used < 0) | (used >= len(classes))].tolist()
        if len(others) > 1:
            raise DataError(
                f'{where} must be from 0 to {len(classes) - 1} for {len(classes)} "classes", or '
                f"one value for positions that do not count, got {', '.join(map(str, others[:5]))}"
            )


def _check_same_form(splits: Mapping[str, Split], name: str) -> None:
    """Raise DataError unless x and y have the same names, shapes and types in all parts."""
    for what in ("x", "y"):
        forms = {
            part: forms_of(split.x if what == "x" else column_of(split.y))
            for part, split in splits.items()
        }
        for part, form in forms.items():
            if form != forms["train"]:
                raise DataError(
                    f'{name}: "{part}": {what} must have the same shape and type in every part, '
                    f'got {in_words(form)} here and {in_words(forms["train"])} in "train"'
                )
