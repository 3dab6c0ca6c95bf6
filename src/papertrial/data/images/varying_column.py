"""Images of different sizes, stored end to end."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import BaseColumn, SampleColumn


class VaryingImages(BaseColumn):
    """Images of different sizes, end to end in one array; taken as a list of tensors [C, H, W].

    Its `shape` is (C, 0, 0).

    Args:
        values: uint8, all images; it may be memory-mapped.
        places: where each image begins, its height and its width, [N, 3] int64.
        channels: C.
    """

    def __init__(self, values: np.ndarray, places: np.ndarray, channels: int) -> None:
        self._values = values
        self._places = places
        self.channels = channels
        self.shape = (channels, 0, 0)
        self.dtype = torch.uint8

    @classmethod
    def of(cls, images: Sequence[Tensor]) -> VaryingImages:
        """Return the column of some images [C, H, W], uint8, of which there is at least one."""
        sizes = np.array([[*image.shape[1:]] for image in images], np.int64)
        counts = sizes.prod(1) * images[0].shape[0]
        places = np.column_stack([counts.cumsum() - counts, sizes])
        values = torch.cat([image.reshape(-1) for image in images]).numpy()
        return cls(values, places, images[0].shape[0])

    def __len__(self) -> int:
        return len(self._places)

    def sample(self, row: int) -> Tensor:
        """Return a copy of one image, [C, H, W]."""
        start, height, width = self._places[row].tolist()
        shape = (self.channels, height, width)
        flat = self._values[start : start + self.channels * height * width]
        return torch.from_numpy(np.array(flat)).view(shape)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> list[Tensor]:  # type: ignore[override]
        """Return the images at `rows`, B tensors [C, H, W]."""
        at = range(len(self))[rows] if isinstance(rows, slice) else rows.tolist()
        return [self.sample(row) for row in at]

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a view of the images at `rows`, without copying them."""
        return VaryingImages(self._values, self._places[rows.cpu().numpy()], self.channels)

    @property
    def nbytes(self) -> int:
        """Bytes of all images."""
        return int(self._places[:, 1:].prod(1).sum()) * self.channels

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the images in order, with their sizes."""
        digest = hashlib.sha256(f"{self.dtype} {self.channels}\n".encode())
        digest.update(self._places[:, 1:].astype("<i8").tobytes())
        for row in range(len(self)):
            digest.update(self.sample(row).numpy().data)
        return digest.hexdigest()
