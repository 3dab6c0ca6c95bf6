"""A set that a user's own Python function returns."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, SampleColumn, Split
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.sources.function_targets import names_in, targets_of
from papertrial.data.sources.function_values import as_array, as_tensor, check_not_several, is_text
from papertrial.data.sources.parts import PARTS
from papertrial.data.sources.set_checks import (
    check_alike,
    check_bytes,
    check_dataset,
    check_numbers,
    check_pixels,
    check_texts,
    check_told_apart,
    dtype_of,
    kind_of,
)
from papertrial.data.sources.spec import Arguments, LoadedSet, SourceSpec
from papertrial.data.sources.tensor_source import tensor_column, tensors_of
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.data.texts.ragged_column import text_column
from papertrial.errors import DataError, PapertrialError, nearest
from papertrial.progress import Step, Steps

_GROUPS = "groups"
_DATA_FOLDER = "data_folder"  # the parameter that gets the data folder
_KEYS = (*PARTS, "classes", "features", "target", "targets", _GROUPS)


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
        path = spec.path if spec.path.parts else None
        call = _call(spec.source, path, spec.arguments, folder)
        made = dataset_of(
            call, spec.name, spec.targets, spec.kinds, path, keeps_empty=spec.keeps_empty
        )
        return LoadedSet(made)


def _call(
    function: Callable[..., object], path: Path | None, given: Arguments, folder: Path
) -> Callable[[], object]:
    """Return the call of a function with its path, the arguments of the recipe, and the folder.

    Only a function with a parameter `data_folder` gets the data folder.
    """
    args, named = list(given.args), dict(given.kwargs)
    try:
        takes = [*inspect.signature(function).parameters.values()]
    except (TypeError, ValueError):  # compiled code without a signature
        takes = []
    if path is not None:
        args.insert(0, path)
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [one.name for one in takes if one.kind in kinds]
    if _DATA_FOLDER in positional[: len(args)]:
        args.insert(positional.index(_DATA_FOLDER), folder)
    elif _DATA_FOLDER in (one.name for one in takes):
        named[_DATA_FOLDER] = folder
    return functools.update_wrapper(functools.partial(function, *args, **named), function)


def dataset_of(
    function: Callable[..., object],
    name: str,
    targets: TargetKind,
    kinds: Sequence[Kind] = KINDS,
    path: Path | None = None,
    *,
    keeps_empty: bool = False,
) -> Dataset:
    """Call a Python function, check what it returns, and convert it to a data set.

    The function returns a Dataset, or a mapping of "train" and optionally "validation" and "test"
    to (x, y), and optionally "classes", "features", "targets" (names), "target" (a name) and
    "groups" (of the training samples: N numbers or names). x and y are arrays, tensors or lists.

    Args:
        function: called without arguments. x is bytes [N, C, H, W] or [N, H, W]
            (images), numbers [N, F] (tables), N texts, or other tensors [N, ...], one or several by
            name. Of y, see `targets_of`.
        name: the name of the set and of the function, for messages.
        targets: what y holds; of "tensors", see `tensors_of`.
        kinds: the kinds of samples that the task takes.
        path: the file or folder that the function reads, for messages; None without one.
        keeps_empty: whether a text may have nothing but white space.

    Raises:
        DataError: the function fails, or returns something else.
    """
    try:
        returned = function()
    except PapertrialError:
        raise
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        reason = f"{name} failed{_line(function, error)}: {kind}: {error}"
        if path is not None and not path.exists():
            reason += f"; data.path is {path}, which does not exist"
        raise DataError(reason) from error
    if isinstance(returned, Dataset):
        check_dataset(returned, name, targets, keeps_empty=keeps_empty)
        return returned
    if not isinstance(returned, Mapping):
        rule = f'{name} must return a mapping {{"train": (x, y), ...}} or a Dataset'
        raise DataError(f"{rule}, got {kind_of(returned)}")
    parts = _pairs(returned, name)
    if targets == "tensors":
        for key in ("features", "target", "targets"):
            if key in returned:
                raise DataError(f'{name} returns "{key}", but task: prediction has none; remove it')
        classes = names_in(returned, "classes", name) or ()
        made = tensors_of(parts, name, classes, keeps_empty=keeps_empty)
        return _with_groups(made, returned, name)
    columns = {
        part: _column(x, f'{name}: "{part}"', kinds, keeps_empty) for part, (x, _) in parts.items()
    }
    kind, first = columns["train"]
    check_alike(columns, name)
    found = targets_of({part: y for part, (_, y) in parts.items()}, returned, name, targets)
    splits = {}
    for part, y in found.y.items():
        column = columns[part][1]
        if len(y) != len(column):
            raise DataError(
                f'{name}: "{part}" must have a target for each sample, got {len(column)} samples '
                f"and {len(y)} targets"
            )
        splits[part] = Split(column, y, np.arange(len(column)))
    dataset = Dataset.from_splits(
        name,
        kind,
        splits,
        classes=found.classes,
        features=_features(returned, kind, first, name),
        target=found.target,
        targets=found.columns,
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
    file = getattr(getattr(inspect.unwrap(function), "__code__", None), "co_filename", None)
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
        if hasattr(pair[1], "__len__") and not isinstance(pair[1], Mapping):
            check_not_several(pair[0], len(pair[1]), f'{name}: "{part}"')
    return pairs


def _column(
    x: Any, where: str, kinds: Sequence[Kind], keeps_empty: bool
) -> tuple[Kind, SampleColumn]:
    if isinstance(x, str | bytes):
        raise DataError(f"{where}: x must be a list of texts, got a single text")
    if isinstance(x, Mapping):
        return tensor_column(x, f"{where}: x")
    if not isinstance(x, Tensor) and len(x := as_array(x, f"{where}: x")) and is_text(x):
        check_texts(x.tolist(), where, keeps_empty=keeps_empty)
        return "text", text_column(x.tolist())
    values = as_tensor(x, f"{where}: x")
    if values.ndim == 0 or len(values) == 0:
        raise DataError(f"{where}: x must have at least one sample, got {list(values.shape)}")
    if values.ndim in (3, 4) and (values.dtype == torch.uint8 or "tensor" not in kinds):
        return "image", DenseColumn(_images(values, where, kinds))
    if values.ndim > 2:
        return tensor_column(values, f"{where}: x")
    if values.ndim != 2 or values.shape[1] == 0:
        raise DataError(
            f"{where}: x must be bytes [N, C, H, W] or [N, H, W], numbers [N, F], other tensors "
            f"[N, ...], or a list of N texts; got {list(values.shape)} {dtype_of(values)}"
        )
    check_told_apart(values, f"{where}: x")
    return "table", DenseColumn(check_numbers(values, f"{where}: x"))


def _images(values: Tensor, where: str, kinds: Sequence[Kind]) -> Tensor:
    if values.dtype != torch.uint8 and "image" not in kinds:
        rule = f"{where}: the task takes {' or '.join(f'{kind}s' for kind in kinds)}"
        fix = "for tensors such as series, set task: classification, regression or prediction"
        raise DataError(f"{rule}, got {list(values.shape)} {dtype_of(values)}; {fix}")
    check_bytes(values, list(values.shape), where)
    if values.ndim == 3:
        values = values.unsqueeze(1)
    check_pixels(list(values.shape), where)
    return values


def _features(
    returned: Mapping[Any, Any], kind: Kind, column: SampleColumn, name: str
) -> tuple[str, ...]:
    names = names_in(returned, "features", name)
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
