"""The sets inside scikit-learn: every value as scikit-learn has it, pinned, and never changed."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_diabetes, load_digits

from papertrial.data.sources.embedded import diabetes, digits


def test_digits_are_scikit_learns_from_0_to_255() -> None:
    dataset, bunch = digits(), load_digits()
    x = dataset.train.x.take(slice(None))
    assert (x.dtype, tuple(x.shape)) == (torch.uint8, (1797, 1, 8, 8))
    assert torch.unique(x).tolist() == [round(level * 255 / 16) for level in range(17)]
    assert np.array_equal(np.rint(x[:, 0].numpy() * (16 / 255)), bunch.images)
    assert np.array_equal(dataset.train.y.numpy(), bunch.target)
    assert dataset.train.y.dtype == torch.int64
    assert dataset.train.ids.tolist() == list(range(1797))
    assert (dataset.name, dataset.kind) == ("digits", "image")
    assert dataset.classes == tuple("0123456789")
    assert list(dataset.splits) == ["train"]


def test_diabetes_is_scikit_learns_in_natural_units() -> None:
    dataset, bunch = diabetes(), load_diabetes(scaled=False)
    x = dataset.train.x.take(slice(None))
    assert (x.dtype, tuple(x.shape)) == (torch.float32, (442, 10))
    assert np.array_equal(x.numpy(), bunch.data.astype(np.float32))
    assert np.array_equal(dataset.train.y.numpy(), bunch.target.astype(np.float32))
    assert (x[:, 0].min(), x[:, 0].max()) == (19, 79)  # years
    assert (dataset.name, dataset.kind, dataset.target) == ("diabetes", "table", "progression")
    assert dataset.features == ("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6")
    assert dataset.classes == ()
    assert list(dataset.splits) == ["train"]


def test_their_content_is_pinned() -> None:
    assert digits().train.fingerprint == (
        "f22b6be2b26c15d99d50d57fcf1d1cd02f0ea8ecb10c6292b09a45550a5a0873"
    )
    assert diabetes().train.fingerprint == (
        "1198836354957fed863ac44dd120125397b15a52fd57b70431030504cb72f535"
    )


def test_one_loaded_set_is_apart_from_the_next() -> None:
    for load in (digits, diabetes):
        first = load()
        expected = first.train.fingerprint
        first.train.x.take(slice(None)).zero_()
        first.train.y.zero_()
        assert load().train.fingerprint == expected
