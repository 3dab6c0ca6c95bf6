"""The targets that a user's own function returns: classes, labels or numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from papertrial.data.kind import TargetKind
from papertrial.data.numbers import sort_values
from papertrial.data.sources.function_values import as_array, as_dense, as_tensor, is_text
from papertrial.data.sources.set_checks import check_numbers
from papertrial.errors import DataError

_MOST_UNNAMED = 1000  # classes without names


class Targets(NamedTuple):
    """The targets y of each part, and what they are called.

    `classes` names the classes of y [N], `columns` the labels or numbers of y [N, T].
    """

    y: dict[str, Tensor]
    classes: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    target: str = "target"


def targets_of(
    given: Mapping[str, Any], returned: Mapping[Any, Any], name: str, targets: TargetKind
) -> Targets:
    """Return the targets that a Python function returned.

    Args:
        given: y of each part: N class indices from 0 or class names; 0 or 1 for each label [N, K];
            N numbers, or [N, T].
        returned: all that the function returned; its keys "classes", "target" and "targets" name
            the classes or labels, the number, and several numbers.
        name: the name of the function, for messages.
        targets: "classes", "labels" or "numbers".

    Raises:
        DataError: the targets are something else, or their number differs from that of the names.
    """
    y = {part: _values(one, f'{name}: "{part}"', targets) for part, one in given.items()}
    target = _target(returned, name)
    if targets != "numbers" and "targets" in returned:
        rule = f'{name} returns "targets", which names the numbers of a regression'
        raise DataError(f'{rule}; name classes and labels in "classes"')
    if targets == "classes":
        classes, codes = _classes(y, names_in(returned, "classes", name), name)
        return Targets(codes, classes, target=target)
    if targets == "labels":
        bits = {part: _labels(one, f'{name}: "{part}"') for part, one in y.items()}
        columns = _columns(bits, names_in(returned, "classes", name), f'{name}: "classes"', "")
        return Targets(bits, columns=columns, target=target)
    if "classes" in returned:
        raise DataError(f'{name} returns "classes", but regression has none; remove the key')
    numbers = {part: _numbers(one, f'{name}: "{part}"') for part, one in y.items()}
    named = names_in(returned, "targets", name)
    if numbers["train"].ndim == 1 and named is not None:
        raise DataError(f'{name}: "targets" names the columns of y [N, T], but y is [N]')
    columns = _columns(numbers, named, f'{name}: "targets"', f"{target}_")
    return Targets(numbers, columns=columns, target=target)


def names_in(returned: Mapping[Any, Any], key: str, name: str) -> tuple[str, ...] | None:
    """Return the names that a Python function returned as `key`; None if it did not.

    Raises:
        DataError: they are not a list of unique names.
    """
    given = returned.get(key)
    if given is None:
        return None
    listed = given.tolist() if isinstance(given, np.ndarray) else given
    names = list(listed) if isinstance(listed, list | tuple) else []
    if not names or not all(isinstance(one, str) for one in names) or len({*names}) < len(names):
        raise DataError(f'{name}: "{key}" must be a list of unique names, got {given!r:.200}')
    return tuple(names)


def _target(returned: Mapping[Any, Any], name: str) -> str:
    target = returned.get("target", "target")
    if not isinstance(target, str) or not target:
        raise DataError(f'{name}: "target" must be a name, got {target!r}')
    return target


def _values(y: Any, where: str, targets: TargetKind) -> np.ndarray:
    """Return the targets that a Python function returned as an array, of numbers or names."""
    where_y = f"{where}: y"
    values = as_dense(y, where_y).numpy() if isinstance(y, Tensor) else as_array(y, where_y)
    shape = list(values.shape)
    if targets == "classes" and values.ndim != 1:
        several = "for several labels, set task: multilabel-classification; " * (values.ndim == 2)
        if values.ndim == 2 and shape[1] == 1:
            several = "return y[:, 0]; "
        rule = "y must be [N], one target for each sample"
        raise DataError(
            f"{where}: {rule}, got {shape}; {several}for other targets, set task: prediction"
        )
    if targets == "labels" and values.ndim != 2:
        one = "for one class for each sample, set task: classification; " * (values.ndim == 1)
        raise DataError(
            f"{where}: y must be [N, K], 0 or 1 for each label, got {shape}; {one}for other "
            "targets, set task: prediction"
        )
    if targets == "numbers" and (values.ndim > 2 or 0 in values.shape[1:]):
        rule = "y must be [N], or [N, T] for several numbers"
        raise DataError(f"{where}: {rule}, got {shape}; for others, set task: prediction")
    if len(values) == 0:
        raise DataError(f"{where} has no targets")
    if targets == "classes" and is_text(values):
        other = [row for row, one in enumerate(values.tolist()) if not isinstance(one, str)]
        if other:
            raise DataError(
                f"{where}: y[{other[0]}] must be a class name like the others, got "
                f"{values[other[0]]!r}"
            )
    return values


def _labels(values: np.ndarray, where: str) -> Tensor:
    """Return labels [N, K] as 0 and 1, uint8."""
    if values.dtype.kind not in "biuf":
        got = values.flat[0] if values.size else values.dtype
        raise DataError(f"{where}: y must be 0 or 1 for each label, got {got!r:.60}")
    wrong = np.argwhere((values != 0) & (values != 1))
    if len(wrong):
        row, column = wrong[0].tolist()
        rule = f"{where}: y[{row}, {column}] must be 0 or 1"
        raise DataError(f"{rule}, got {values[row, column]}; for numbers, set task: regression")
    return torch.from_numpy(values.astype(np.uint8))


def _numbers(values: np.ndarray, where: str) -> Tensor:
    if values.dtype.kind not in "biuf" and isinstance(first := values.flat[0], str):
        raise DataError(
            f"{where}: y must be numbers, got {str(first)!r}; for classes, set task: classification"
        )
    return check_numbers(as_tensor(values, f"{where}: y"), f"{where}: y")


def _columns(
    y: Mapping[str, Tensor], names: tuple[str, ...] | None, where: str, unnamed: str
) -> tuple[str, ...]:
    """Return the names of the columns of y [N, T]; () for y [N] and [N, 1] without names."""
    shapes = {part: list(one.shape[1:]) for part, one in y.items()}
    width = shapes["train"]
    odd = next((part for part, shape in shapes.items() if shape != width), None)
    if odd is not None:
        raise DataError(
            f'{where.rpartition(":")[0]}: "{odd}": y must have as many columns as in "train", '
            f"{width}, got {shapes[odd]}"
        )
    if names is not None and [len(names)] != width:
        raise DataError(f"{where} must name the {width[0]} columns of y, got {len(names)} names")
    if names is not None or not width or (width == [1] and unnamed):
        return names or ()
    return tuple(f"{unnamed}{k}" for k in range(width[0]))


def _classes(
    given: dict[str, np.ndarray], names: tuple[str, ...] | None, name: str
) -> tuple[tuple[str, ...], dict[str, Tensor]]:
    """Return the classes, and y [N] int64 of each part, from what a Python function returned."""
    train = given["train"]
    if is_text(train):
        classes = names if names is not None else tuple(sort_values(map(str, train.tolist())))
    elif train.dtype.kind in "iub":
        top = int(train.max()) + 1
        if names is None and top > max(_MOST_UNNAMED, len(train)):
            raise DataError(
                f'{name}: "train": y has indices up to {top - 1:,}, but {len(train):,} samples; '
                'for numbers, set task: regression; for classes, name them in "classes"'
            )
        classes = names if names is not None else tuple(str(k) for k in range(top))
    else:
        fix = "return integers, or set task: regression if they are numbers"
        if train.dtype.kind == "f" and np.array_equal(train, np.rint(train)) and train.min() >= 0:
            fix = "its numbers are whole, so return y.astype(int), or for a tensor y.long()"
        raise DataError(
            f'{name}: "train": y must hold class indices (integers from 0) or class names, got '
            f"{train.dtype}; {fix}"
        )
    if len(classes) < 2:
        raise DataError(f"{name}: classification needs at least 2 classes, got {list(classes)}")
    index = {one: k for k, one in enumerate(classes)}
    y = {}
    for part, values in given.items():
        where = f'{name}: "{part}"'
        named = is_text(train)
        if is_text(values) != named or (not named and values.dtype.kind not in "iub"):
            raise DataError(
                f"{where}: y must have the same type in every part, got {values.dtype} here and "
                f'{train.dtype} in "train"'
            )
        if is_text(values):
            wrong = [row for row, text in enumerate(values.tolist()) if text not in index]
            codes = [index.get(text, 0) for text in values.tolist()]
        else:
            codes = values.astype(np.int64).tolist()
            wrong = [row for row, code in enumerate(codes) if not 0 <= code < len(classes)]
        if wrong:
            known = f"0 to {len(classes) - 1}" if not is_text(values) else ", ".join(classes[:24])
            raise DataError(
                f"{where}: y[{wrong[0]}] must be one of the {len(classes)} classes ({known}), got "
                f"{values[wrong[0]]!s}"
            )
        y[part] = torch.tensor(codes, dtype=torch.int64)
    return classes, y
