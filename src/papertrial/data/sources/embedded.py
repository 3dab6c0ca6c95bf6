"""The sets that scikit-learn ships, which need no files and no network."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.progress import Step, Steps


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load a set that scikit-learn embeds: digits, diabetes or breast-cancer."""
    yield Step(f"reading {spec.name}", 0, None, "rows")
    made = {"digits": digits, "diabetes": diabetes, "breast-cancer": breast_cancer}
    return LoadedSet(made[spec.name]())


def digits() -> Dataset:
    """Return the 1,797 handwritten digits: uint8 [N, 1, 8, 8], 10 classes, no test part.

    scikit-learn stores them as 0 to 16; here they are scaled to 0 to 255, as in an image file.
    """
    bunch = _digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    x = DenseColumn(torch.from_numpy(pixels).unsqueeze(1))
    y = torch.from_numpy(bunch.target.astype(np.int64))
    names = tuple(str(name) for name in bunch.target_names)
    return Dataset("digits", "image", Split(x, y, np.arange(len(y))), classes=names)


@functools.cache
def _digits() -> Any:
    """Load the digits once: scikit-learn reads them from text, which takes 25 ms."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  (slow to import)

    return load_digits()


def diabetes() -> Dataset:
    """Return the 442 patients of Efron et al. 2004: float32 [N, 10] in natural units, no test part.

    The target is disease progression after one year. By default scikit-learn centres and scales
    the columns over all rows. These are not scaled, so that statistics are computed on the training
    rows alone, and so that `predict` takes an age in years.
    """
    from sklearn.datasets import load_diabetes  # noqa: PLC0415  (slow to import)

    bunch = load_diabetes(scaled=False)
    x = DenseColumn(torch.from_numpy(bunch.data.astype(np.float32)))
    y = torch.from_numpy(bunch.target.astype(np.float32))
    split = Split(x, y, np.arange(len(y)))
    features = tuple(str(name) for name in bunch.feature_names)
    return Dataset("diabetes", "table", split, features=features, target="progression")


def breast_cancer() -> Dataset:
    """Return the 569 tumours of Street et al. 1993: float32 [N, 30], 2 classes, no test part.

    The features are measures of the nuclei of the cells in an image.
    """
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415  (slow to import)

    bunch = load_breast_cancer()
    x = DenseColumn(torch.from_numpy(bunch.data.astype(np.float32)))
    y = torch.from_numpy(bunch.target.astype(np.int64))
    return Dataset(
        "breast-cancer",
        "table",
        Split(x, y, np.arange(len(y))),
        classes=tuple(str(name) for name in bunch.target_names),
        features=tuple(str(name) for name in bunch.feature_names),
    )
