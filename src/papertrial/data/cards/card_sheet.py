"""The sample sheet of a data card: images of each class, of a loaded set or of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from papertrial.data.cards.describe_folder import images_by_class
from papertrial.data.column import Dataset, DenseColumn, Split
from papertrial.data.images.decode import ImageError, open_image, pixels, upright
from papertrial.data.images.sheet import sheet
from papertrial.errors import DataError

_SIDE = 64  # pixels of an image of a folder on its sheet
_EACH = 10


def sheet_of_set(dataset: Dataset) -> Image.Image:
    """Return the sample sheet of a loaded set of images; without classes, of all together.

    Raises:
        DataError: the set has no images, or images of several sizes.
    """
    if dataset.kind != "image" or 0 in dataset.train.x.shape:
        got = f"{dataset.kind}s" if dataset.kind != "image" else "images of several sizes"
        raise DataError(f"--sheet needs images of one size; {dataset.name} has {got}")
    train = dataset.train
    if dataset.classes and isinstance(train.y, Tensor) and not train.y.is_floating_point():
        return sheet(train, dataset.classes)
    y = torch.zeros(len(train), dtype=torch.int64)
    return sheet(Split(train.x, y, train.ids), (dataset.name,))


def sheet_of_folder(path: Path) -> Image.Image:
    """Return the sample sheet of a folder of images, each reduced or enlarged to one size.

    Raises:
        DataError: no image of the folder can be decoded.
    """
    images, labels, classes, counts = list[np.ndarray](), list[int](), list[str](), list[int]()
    for label, (files, count) in images_by_class(path, _EACH).items():
        for file in files:
            try:
                with open_image(file, file.suffix) as opened:
                    images.append(pixels(upright(opened), "RGB", (_SIDE, _SIDE)))
            except (ImageError, OSError):
                continue  # the card lists what cannot be decoded
            labels.append(len(classes))
        classes.append(label)
        counts.append(count)
    if not images:
        raise DataError(f"--sheet: no image in {path} can be decoded")
    x = DenseColumn(torch.from_numpy(np.stack(images)))
    y = torch.tensor(labels)
    return sheet(Split(x, y, np.arange(len(y))), classes, counts=counts)
