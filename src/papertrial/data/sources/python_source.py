"""A set that a user's own Python function returns."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, SampleColumn, Split
from papertrial.data.kind import Kind, TargetKind
from papertrial.data.numbers import sort_values
from papertrial.data.sources.function_values import as_array, as_dense, as_tensor, is_text
from papertrial.data.sources.parts import PARTS
from papertrial.data.sources.set_checks import (
    check_alike,
    check_bytes,
    check_dataset,
    check_numbers,
    check_pixels,
    check_texts,
    dtype_of,
    kind_of,
)
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.data.sources.tensor_source import tensors_of
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError, PapertrialError, nearest
from papertrial.progress import Step, Steps

_GROUPS = "groups"
_KEYS = (*PARTS, "classes", "features", "target", _GROUPS)
_MOST_UNNAMED = 1000  # classes without names


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load the set that a Python function returns, called with seeded generators.

    Raises:
        DataError: the function fails, or returns something else.
    """
    assert callable(spec.source), "this source is a function"
    yield Step(f"reading {spec.name}", 0, None, "rows")
    cpu = torch.device("cpu")
    with generators_kept(cpu):
        seed_all(cpu, derive(spec.seed, "source"))
        return LoadedSet(dataset_of(spec.source, spec.name, spec.targets))


def dataset_of(function: Callable[..., object], name: str, targets: TargetKind) -> Dataset:
    """Call a Python function, check what it returns, and convert it to a data set.

    The function returns a Dataset, or a mapping of "train" and optionally "validation" and "test"
    to (x, y), and optionally "classes", "features" (names), "target" (a name) and "groups" (of the
    training samples: N numbers or names). x and y are arrays, tensors or lists.

    Args:
        function: called without arguments. x is bytes [N, C, H, W] or [N, H, W] (images), numbers
            [N, F] (tables), or N texts. y is N class indices from 0 or class names, or N numbers.
        name: the name of the set and of the function, for messages.
        targets: what y holds; of "tensors", see `tensors_of`.

    Raises:
        DataError: the function fails, or returns something else.
    """
    try:
        returned = function()
    except PapertrialError:
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        raise DataError(f"{name} failed{_line(function, error)}: {kind}: {error}") from error
    if isinstance(returned, Dataset):
        check_dataset(returned, name, targets)
        return returned
    if not isinstance(returned, Mapping):
        rule = f'{name} must return a mapping {{"train": (x, y), ...}} or a Dataset'
        raise DataError(f"{rule}, got {kind_of(returned)}")
    parts = _pairs(returned, name)
    if targets == "tensors":
        for key in ("classes", "features", "target"):
            if key in returned:
                raise DataError(f'{name} returns "{key}", but task: prediction has none; remove it')
        return _with_groups(tensors_of(parts, name), returned, name)
    columns = {part: _column(x, f'{name}: "{part}"') for part, (x, _) in parts.items()}
    kind, first = columns["train"]
    check_alike(columns, name)
    given = {part: _values(y, f'{name}: "{part}"') for part, (_, y) in parts.items()}
    for part, y in given.items():
        rows = len(columns[part][1])
        if len(y) != rows:
            raise DataError(
                f'{name}: "{part}" must have a target for each sample, got {rows} samples and '
                f"{len(y)} targets"
            )
    classify = targets == "classes"
    classes, values = (
        _classes(given, _names(returned, "classes", name), name)
        if classify
        else ((), {part: _numeric_targets(y, f'{name}: "{part}"') for part, y in given.items()})
    )
    if not classify and "classes" in returned:
        raise DataError(f'{name} returns "classes", but regression has none; remove the key')
    splits = {
        part: Split(column, values[part], np.arange(len(column)))
        for part, (_, column) in columns.items()
    }
    dataset = Dataset.from_splits(
        name,
        kind,
        splits,
        classes=classes,
        features=_features(returned, kind, first, name),
        target=_target(returned, name),
    )
    return _with_groups(dataset, returned, name)


def _with_groups(dataset: Dataset, returned: Mapping[Any, Any], name: str) -> Dataset:
    """Return the set with the groups of its training samples that the function returned."""
    if returned.get(_GROUPS) is None:
        return dataset
    groups = as_array(returned[_GROUPS], f'{name}: "{_GROUPS}"')
    if groups.shape != (len(dataset.train),) or groups.dtype.kind == "f":
        raise DataError(
            f'{name}: "{_GROUPS}" must have a whole number or a name for each of the '
            f"{len(dataset.train)} training samples, got {list(groups.shape)} {groups.dtype}"
        )
    groups = groups.astype(str) if groups.dtype.kind == "O" else groups
    return replace(dataset, train=replace(dataset.train, groups=groups))


def _line(function: Callable[..., object], error: BaseException) -> str:
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    return f" at line {lines[-1]}" if lines else ""


def _pairs(returned: Mapping[Any, Any], name: str) -> dict[str, tuple[Any, Any]]:
    for key in returned:
        if key not in _KEYS:
            near = nearest(key, _KEYS) or f"; valid: {', '.join(_KEYS)}"
            raise DataError(f"{name} returns the key {key!r}, which is unknown{near}")
    if "train" not in returned:
        keys = ", ".join(map(str, returned)) or "no keys"
        raise DataError(f'{name} must return a mapping with "train": (x, y), got {keys}')
    pairs: dict[str, tuple[Any, Any]] = {
        part: returned[part] for part in PARTS if returned.get(part) is not None
    }
    for part, pair in pairs.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise DataError(f'{name}: "{part}" must be a pair (x, y), got {kind_of(pair)}')
    return pairs


def _column(x: Any, where: str) -> tuple[Kind, SampleColumn]:
    if isinstance(x, str | bytes):
        raise DataError(f"{where}: x must be a list of texts, got a single text")
    if not isinstance(x, Tensor) and len(x := as_array(x, f"{where}: x")) and is_text(x):
        return "text", _text_column(x.tolist(), where)
    values = as_tensor(x, f"{where}: x")
    if values.ndim == 0 or len(values) == 0:
        raise DataError(f"{where}: x must have at least one sample, got {list(values.shape)}")
    if values.ndim in (3, 4):
        return "image", DenseColumn(_images(values, where))
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError(
            f"{where}: x must be bytes [N, C, H, W] or [N, H, W], numbers [N, F], or a list of N "
            f"texts; got {list(values.shape)} {dtype_of(values)}"
        )
    return "table", DenseColumn(check_numbers(values, f"{where}: x"))


def _images(values: Tensor, where: str) -> Tensor:
    check_bytes(values, list(values.shape), where)
    if values.ndim == 3:
        values = values.unsqueeze(1)
    check_pixels(list(values.shape), where)
    return values


def _text_column(texts: Sequence[Any], where: str) -> SampleColumn:
    check_texts(texts, where)
    return text_column(texts)


def _values(y: Any, where: str) -> np.ndarray:
    """Return the targets that a Python function returned as an array [N], of numbers or names."""
    where_y = f"{where}: y"
    values = as_dense(y, where_y).numpy() if isinstance(y, Tensor) else as_array(y, where_y)
    if values.ndim != 1:
        raise DataError(
            f"{where}: y must be [N], one target for each sample, got {list(values.shape)}"
        )
    if len(values) == 0:
        raise DataError(f"{where} has no targets")
    if is_text(values):
        other = [row for row, one in enumerate(values.tolist()) if not isinstance(one, str)]
        if other:
            raise DataError(
                f"{where}: y[{other[0]}] must be a class name like the others, got "
                f"{values[other[0]]!r}"
            )
    return values


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
        raise DataError(
            f'{name}: "train": y must hold class indices (integers from 0) or class names, got '
            f"{train.dtype}; for numbers, set task: regression"
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


def _numeric_targets(values: np.ndarray, where: str) -> Tensor:
    if is_text(values):
        raise DataError(
            f"{where}: y must be numbers, got {str(values[0])!r}; for classes, set task: "
            "table-classification"
        )
    return check_numbers(as_tensor(values, f"{where}: y"), f"{where}: y")


def _names(returned: Mapping[Any, Any], key: str, name: str) -> tuple[str, ...] | None:
    given = returned.get(key)
    if given is None:
        return None
    listed = given.tolist() if isinstance(given, np.ndarray) else given
    names = list(listed) if isinstance(listed, list | tuple) else []
    if not names or not all(isinstance(one, str) for one in names) or len({*names}) < len(names):
        raise DataError(f'{name}: "{key}" must be a list of unique names, got {given!r:.200}')
    return tuple(names)


def _features(
    returned: Mapping[Any, Any], kind: Kind, column: SampleColumn, name: str
) -> tuple[str, ...]:
    names = _names(returned, "features", name)
    if kind != "table":
        if names is not None:
            raise DataError(
                f'{name}: "features" names columns of a table, but x holds {kind}s; remove the key'
            )
        return ()
    count = column.shape[0]
    if names is not None and len(names) != count:
        rule = f'{name}: "features" must name the {count} columns of x'
        raise DataError(f"{rule}, got {len(names)} names")
    return names or tuple(f"x{i}" for i in range(count))


def _target(returned: Mapping[Any, Any], name: str) -> str:
    target = returned.get("target", "target")
    if not isinstance(target, str) or not target:
        raise DataError(f'{name}: "target" must be a name, got {target!r}')
    return target
