"""Fingerprints: SHA-256 over type, sample shape and bytes, whatever the pieces and the layout."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import torch

from papertrial.data.fingerprint import fingerprint

VALUES = torch.arange(24, dtype=torch.float32).reshape(6, 2, 2)


def test_is_the_sha256_of_type_shape_and_bytes() -> None:
    expected = hashlib.sha256(b"torch.float32 [2, 2]\n" + VALUES.numpy().tobytes()).hexdigest()
    assert fingerprint(torch.float32, (2, 2), [VALUES]) == expected


@pytest.mark.parametrize("size", [1, 4, 5, 100])
def test_does_not_depend_on_where_the_samples_are_cut(size: int) -> None:
    whole = fingerprint(VALUES.dtype, (2, 2), [VALUES])
    assert fingerprint(VALUES.dtype, (2, 2), VALUES.split(size)) == whole


@pytest.mark.parametrize(
    "values",
    [
        VALUES.flip(0),
        VALUES + 1,
        VALUES.double(),
        VALUES.view(torch.int32),
        VALUES.reshape(6, 4),
        VALUES[:5],
    ],
    ids=["order", "value", "dtype", "same bytes, other dtype", "shape", "length"],
)
def test_moves_with_the_content(values: torch.Tensor) -> None:
    changed = fingerprint(values.dtype, tuple(values.shape[1:]), [values])
    assert changed != fingerprint(VALUES.dtype, (2, 2), [VALUES])


@pytest.mark.parametrize(
    "laid",
    [
        VALUES.permute(1, 2, 0).contiguous().permute(2, 0, 1),
        torch.stack([VALUES, VALUES])[1],
        torch.cat([VALUES, VALUES], 2)[:, :, :2],
    ],
    ids=["transposed", "offset", "strided"],
)
def test_does_not_depend_on_the_memory_layout(laid: torch.Tensor) -> None:
    assert torch.equal(laid, VALUES)
    assert fingerprint(laid.dtype, (2, 2), [laid]) == fingerprint(VALUES.dtype, (2, 2), [VALUES])


def test_takes_one_column_of_any_stride() -> None:
    row = torch.arange(6.0).reshape(1, 6)
    column = row.T  # stride (1, 6): contiguous, for torch asks nothing of a dimension of size 1
    expected = fingerprint(torch.float32, (1,), [torch.arange(6.0).reshape(6, 1)])
    assert fingerprint(torch.float32, (1,), [column]) == expected


@pytest.mark.parametrize(
    "dtype", [torch.bool, torch.uint8, torch.int64, torch.float16, torch.bfloat16, torch.float64]
)
def test_takes_every_type(dtype: torch.dtype) -> None:
    values = torch.arange(6).reshape(3, 2).to(dtype)
    expected = hashlib.sha256(f"{dtype} [2]\n".encode())
    expected.update(values.view(torch.uint8).numpy().tobytes())
    assert fingerprint(dtype, (2,), [values]) == expected.hexdigest()


def test_of_no_samples_is_that_of_the_type_and_shape() -> None:
    expected = hashlib.sha256(b"torch.uint8 []\n").hexdigest()
    assert fingerprint(torch.uint8, (), []) == expected
    assert fingerprint(torch.uint8, (), [torch.from_numpy(np.empty(0, np.uint8))]) == expected
