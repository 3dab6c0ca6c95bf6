"""Arrays, tensors and lists that a user's own function returns, as arrays and tensors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.sources.set_checks import dtype_of, kind_of
from papertrial.errors import DataError


def as_array(values: Any, where: str) -> np.ndarray:
    """Return what a user's function returned as an array with a row for each sample.

    Raises:
        DataError: it is not an array, a tensor or a list.
    """
    if not isinstance(values, list | tuple) and not hasattr(values, "__array__"):
        raise DataError(f"{where} must be an array, a tensor or a list, got {kind_of(values)}")
    try:
        array = np.asarray(values)
        # numpy turns [1, "a"] into two texts; as objects they keep their types.
        if array.dtype.kind in "US" and isinstance(values, list | tuple):
            array = np.array(values, dtype=object)
    except Exception as error:
        reason = _several_shapes(values) or f"must be an array: {error}"
        raise DataError(f"{where} {reason}") from error
    if array.ndim == 0:
        raise DataError(f"{where} must have one row for each sample, got a single {array.dtype}")
    return array


def _several_shapes(values: Any) -> str:
    """Return what to do with a list of arrays of several shapes; "" for other values."""
    shapes = [
        [one.height, one.width] if isinstance(one, Image.Image) else [*getattr(one, "shape", ())]
        for one in values
    ]
    first = shapes[0] if shapes else []
    other = next((shape for shape in shapes if shape != first), None)
    if other is None or not first:
        return ""
    if len(first) > 1 and len(first) == len(other):
        fix = (
            "resize images to one size, or save them in a folder for each class and set "
            "data.source: image-folder with data.image: {size: varying}; pad sequences to one "
            "length"
        )
    else:
        fix = "pad them to one shape, and return a mask or the lengths by name beside them"
    return f"has samples of several shapes, such as {first} and {other}; {fix}"


def check_not_several(x: Any, count: int, where: str) -> None:
    """Check that x is not a tuple of several tensors in place of samples.

    Args:
        x: what a user's function returned as the samples.
        count: the number of samples, by their targets.
        where: the part of the set, for messages.

    Raises:
        DataError: it is a tuple or list of other tensors, each with a row for each sample.
    """
    if not isinstance(x, list | tuple) or not 1 < len(x) < count:
        return
    if all(getattr(one, "shape", ())[:1] == (count,) for one in x):
        named = ", ".join(f'"{chr(97 + i)}": ...' for i in range(min(len(x), 3)))
        raise DataError(
            f"{where}: x is a {type(x).__name__} of {len(x)} arrays; return several tensors by the "
            f"names of the arguments of the model, as {{{named}}}"
        )


def as_tensor(values: Any, where: str, *, complex_too: bool = False) -> Tensor:
    """Return an array that a user's function returned, or a tensor, as a dense tensor on the CPU.

    Raises:
        DataError: it does not hold numbers, or complex ones without `complex_too`.
    """
    if isinstance(values, Tensor):
        tensor = as_dense(values, where)
    else:
        values = as_array(values, where)
        kind = f"numbers, got {values.dtype}"
        if values.dtype.kind not in ("biufc" if complex_too else "biuf"):
            hint = "; its rows have different lengths, or hold text" if values.ndim else ""
            raise DataError(f"{where} must be {kind}{hint}")
        plain = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("="), copy=False))
        if plain.dtype in (np.longdouble, np.clongdouble):  # torch has no such types
            plain = plain.astype(np.complex128 if plain.dtype.kind == "c" else np.float64)
        with warnings.catch_warnings():  # about read-only memory, which is never written to
            warnings.filterwarnings("ignore", message=".*not writable.*")
            tensor = torch.from_numpy(plain)
    if tensor.is_complex() and not complex_too:
        raise DataError(f"{where} must be real numbers, got {dtype_of(tensor)}")
    return tensor


def as_dense(values: Tensor, where: str) -> Tensor:
    """Return a tensor from a Python function on the CPU, with a dtype that numpy has."""
    if values.layout != torch.strided or values.is_meta or values.is_quantized:
        kind = "meta" if values.is_meta else "quantized" if values.is_quantized else values.layout
        kind = str(kind).removeprefix("torch.")
        raise DataError(f"{where} must be a dense tensor, got a {kind} one; return x.to_dense()")
    plain = values.detach().cpu().resolve_conj().resolve_neg()
    known = (torch.float16, torch.float32, torch.float64)
    return plain.float() if plain.is_floating_point() and plain.dtype not in known else plain


def is_text(values: np.ndarray) -> bool:
    """Return whether an array holds texts."""
    return values.dtype.kind == "U" or (values.dtype.kind == "O" and isinstance(values[0], str))
