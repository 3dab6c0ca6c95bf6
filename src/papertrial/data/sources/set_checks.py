"""Checks of a set that a user's function returns: its samples, its targets, a whole Dataset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, SampleColumn, Split, chunks
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.numbers import LARGEST_FLOAT32
from papertrial.data.tables.float32 import fit_float32
from papertrial.data.texts.ragged_column import RaggedColumn, texts_of
from papertrial.errors import DataError


def check_dataset(
    dataset: Dataset, name: str, targets: TargetKind, *, keeps_empty: bool = False
) -> None:
    """Check that a Dataset from a user's function is as valid as one made from a mapping."""
    if not isinstance(dataset.train, Split):
        raise DataError(f"{name}: train must be a Split, got {kind_of(dataset.train)}")
    for key, names in (
        ("classes", dataset.classes),
        ("features", dataset.features),
        ("targets", dataset.targets),
    ):
        odd = [one for one in names if not isinstance(one, str)]
        if odd:
            raise DataError(f"{name}: {key} must be text, got {kind_of(odd[0])}")
    if not isinstance(dataset.target, str):
        raise DataError(f"{name}: target must be text, got {kind_of(dataset.target)}")
    for part, split in dataset.splits.items():
        where = f'{name}: "{part}"'
        if not isinstance(split, Split):
            raise DataError(f"{where} must be a Split, got {kind_of(split)}")
        if len(split) == 0:
            raise DataError(f"{where} has no samples")
        _check_y(split.y, where, targets, len(dataset.classes))
        width = list(split.y.shape[1:]) if targets in ("labels", "numbers") else []
        if dataset.targets and [len(dataset.targets)] != width:
            rule = f"{where}: targets must name the columns of y"
            raise DataError(f"{rule} {list(split.y.shape)}, got {len(dataset.targets)} names")
        _check_x(dataset.kind, split.x, where, keeps_empty)
    check_alike({part: (dataset.kind, one.x) for part, one in dataset.splits.items()}, name)
    count = dataset.train.x.shape[0] if dataset.kind == "table" else 0
    if dataset.kind == "table" and len(dataset.features) != count:
        rule = f"{name}: features must name the {count} columns of x"
        raise DataError(f"{rule}, got {len(dataset.features)} names")


def _check_y(y: Any, where: str, targets: TargetKind, count: int) -> None:
    if targets == "tensors" and isinstance(y, Mapping):
        for key, one in y.items():
            _check_y(one, f"{where}: {key}", targets, count)
        return
    if not isinstance(y, Tensor):
        raise DataError(f"{where}: y must be a tensor, got {kind_of(y)}")
    if targets == "tensors":
        return
    if targets == "labels":
        if y.ndim != 2 or not ((y == 0) | (y == 1)).all():
            got = f"{dtype_of(y)} {list(y.shape)}"
            raise DataError(f"{where}: y must be 0 or 1 for each label, [N, K], got {got}")
        return
    if targets == "numbers":
        if y.dtype != torch.float32 or not y.isfinite().all():
            raise DataError(f"{where}: y must be finite float32, got {dtype_of(y)}")
        return
    if count < 2:
        raise DataError(f"{where}: classification needs at least 2 classes, got {count}")
    low, high = int(y.min()), int(y.max())
    if y.ndim != 1:
        raise DataError(f"{where}: y must be [N], one target for each sample, got {list(y.shape)}")
    if y.dtype != torch.int64 or low < 0 or high >= count:
        got = f"{dtype_of(y)} from {low} to {high}"
        raise DataError(f"{where}: y must be int64 from 0 to {count - 1}, got {got}")


def _check_x(kind: Kind, x: Any, where: str, keeps_empty: bool) -> None:
    if not hasattr(x, "fingerprint"):
        raise DataError(f"{where}: x must be a column, DenseColumn(x), got {kind_of(x)}")
    shape = [len(x), *x.shape]
    if kind == "image":
        check_bytes(x, shape, where)
        check_pixels(shape, where)
    elif kind == "table":
        if x.dtype != torch.float32 or len(shape) != 2 or x.shape[0] == 0:
            raise DataError(f"{where}: x must be float32 [N, F], got {dtype_of(x)} {shape}")
        first = 0
        for rows in chunks(x):
            check_numbers(rows, f"{where}: x", first)
            first += len(rows)
    elif kind == "text":
        if not isinstance(x, RaggedColumn) or x.dtype != torch.uint8:
            got = f"{type(x).__name__} {dtype_of(x)}"
            raise DataError(f"{where}: x must be texts, text_column(texts), got {got}")
        try:
            check_texts(texts_of(x), where, keeps_empty=keeps_empty)
        except UnicodeDecodeError as error:
            raise DataError(f"{where}: x must be texts in UTF-8: {error}") from error
    elif kind != "tensor":
        raise DataError(f"{where}: kind must be one of {', '.join(KINDS)}, got {kind!r}")


def check_bytes(values: Tensor | SampleColumn, shape: list[int], where: str) -> None:
    """Check that the images of a user's set are uint8; `shape` is for the message."""
    if values.dtype != torch.uint8:
        raise DataError(
            f"{where}: images must be stored as bytes (uint8, 0 to 255), got {dtype_of(values)} "
            f"{shape}; convert them to floats in data.transform"
        )


def check_pixels(shape: list[int], where: str) -> None:
    """Check that the images of a user's set have a shape [N, C, H, W] without 0."""
    if len(shape) != 4:
        raise DataError(f"{where}: images must be [N, C, H, W], got {shape}")
    if shape[3] in (1, 3, 4) and shape[1] not in (1, 3, 4):
        raise DataError(
            f"{where}: images must be [N, C, H, W], got {shape}, which looks like [N, H, W, C]; "
            "return x.transpose(0, 3, 1, 2), or for a tensor x.permute(0, 3, 1, 2)"
        )
    if 0 in shape:
        raise DataError(f"{where}: images must have pixels, got {shape}")


def check_alike(columns: Mapping[str, tuple[Kind, SampleColumn]], name: str) -> None:
    """Check that all parts of a user's set have samples of the same kind and shape."""
    kind, first = columns["train"]
    for part, (other, column) in columns.items():
        if (other, column.shape) != (kind, first.shape):
            got = f'"{part}" has {other}s {list(column.shape)}'
            raise DataError(
                f"{name}: every part must have samples of the same kind and shape; "
                f'"train" has {kind}s {list(first.shape)}, {got}'
            )


def check_texts(texts: Iterable[Any], where: str, *, keeps_empty: bool = False) -> None:
    """Check that the samples of a user's set are texts, and not empty without `keeps_empty`."""
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not (keeps_empty or text.strip()):
            fix = "; set data.text.empty: drop to leave such texts out" * isinstance(text, str)
            raise DataError(f"{where}: x[{row}] must be a non-empty text, got {text!r}{fix}")


def check_numbers(values: Tensor, where: str, first: int = 0) -> Tensor:
    """Check that the numbers of a user's set are finite, and return them as float32.

    `first` is the index of the first row, for messages.
    """
    wrong = ~(values.double().abs() <= LARGEST_FLOAT32)
    if wrong.any():
        row, *at = wrong.nonzero()[0].tolist()
        got = values[(row, *at)].item()
        raise DataError(
            f"{where}{[first + row, *at]} must be a finite number that float32 can hold, got {got}"
        )
    return values.to(torch.float32)


def check_told_apart(values: Tensor, where: str) -> None:
    """Check that float32 can tell the numbers [N] or [N, F] of a user's set apart."""
    if values.dtype not in (torch.float64, torch.int64, torch.int32):
        return
    for at, column in enumerate(values.reshape(len(values), -1).T):
        name = f"{where}[:, {at}]" if values.ndim > 1 else where
        numbers = column.double().numpy()
        rounding = fit_float32(np.where(np.abs(numbers) <= LARGEST_FLOAT32, numbers, np.nan), name)
        if rounding.offset:
            raise DataError(
                f"{name}: float32 has too few digits for numbers such as {numbers[0]:.17g}; "
                f"subtract {rounding.offset:.17g} from them"
            )


def kind_of(value: object) -> str:
    """Return the type of a value, and the length of a list, for the message of a check of a set."""
    size = f" of {len(value)}" if isinstance(value, tuple | list) else ""
    return f"{type(value).__name__}{size}"


def dtype_of(values: Tensor | SampleColumn) -> str:
    """Return a dtype as "float32", for the message of a check of a set."""
    return str(values.dtype).removeprefix("torch.")
