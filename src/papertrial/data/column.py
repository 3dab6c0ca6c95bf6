"""A loaded set: columns of samples, the splits made of them, and what is known about both."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from papertrial.data.fingerprint import fingerprint

Kind = Literal["image", "table", "text"]
Moved = dict[int, "Column"]
_MOST_ROWS, _CHUNK_BYTES = 4096, 2**24


class Column(Protocol):
    """N samples that are taken by row. `take` returns memory of its own: a column never changes."""

    shape: tuple[int, ...]  # of one sample
    dtype: torch.dtype

    def __len__(self) -> int: ...

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, *shape].

        Without `copy` they may be the column's own memory: for those who only read.
        """
        ...

    def rows(self, rows: Tensor) -> Column:
        """Return the column made of the samples at `rows`, in the order given."""
        ...

    @property
    def lengths(self) -> Tensor | None:
        """How long each sample is, [N] int64, where they differ; None where all have one shape."""
        ...

    def to(self, device: torch.device, moved: Moved | None = None) -> Column:
        """Return the column on a device, or itself where it cannot lie on one.

        `moved` holds what has been moved by its id, so that parts of one column stay so.
        """
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the samples in order, with their type and shape."""
        ...


def chunks(column: Column, size: int | None = None) -> Iterator[Tensor]:
    """Yield a column's samples in order, `size` at a time, so that it is never held whole.

    Without `size` as many as take 16 MB, and at most 4096.
    """
    if size is None:
        size = max(1, min(_MOST_ROWS, _CHUNK_BYTES * len(column) // max(1, column.nbytes)))
    for start in range(0, len(column), size):
        yield column.take(slice(start, start + size))


class BaseColumn:
    """What columns have in common."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    def __len__(self) -> int:
        raise NotImplementedError

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, *shape]."""
        raise NotImplementedError

    def rows(self, rows: Tensor) -> Column:
        """Return a selection that leaves the samples where they are."""
        return RowsColumn(self, rows)

    @property
    def lengths(self) -> Tensor | None:
        """None: all samples have one shape."""
        return None

    def to(self, device: torch.device, moved: Moved | None = None) -> Column:
        """Return the column itself: only a dense one can lie on a device."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        return len(self) * int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the samples in order, with their type and shape."""
        return fingerprint(self.dtype, self.shape, chunks(self))


class DenseColumn(BaseColumn):
    """Samples in one tensor [N, ...]."""

    def __init__(self, values: Tensor) -> None:
        self._values = values
        self.shape = tuple(values.shape[1:])
        self.dtype = values.dtype

    def __len__(self) -> int:
        return len(self._values)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows` as a tensor [B, ...] of its own memory."""
        if isinstance(rows, slice):
            return self._values[rows].clone() if copy else self._values[rows]
        return self._values.index_select(0, rows.to(self._values.device))

    def to(self, device: torch.device, moved: Moved | None = None) -> Column:
        """Return the column with its samples on `device`."""
        moved = {} if moved is None else moved
        if id(self) not in moved:
            same = self._values.device == device
            moved[id(self)] = self if same else DenseColumn(self._values.to(device))
        return moved[id(self)]


class MemmapColumn(BaseColumn):
    """Samples in a .npy file [N, ...] that is mapped, never read whole."""

    def __init__(self, path: str) -> None:
        # As a plain array over the mapping: np.memmap's own indexing costs more than a small batch.
        self._values = np.asarray(np.load(path, mmap_mode="r"))
        self.shape = tuple(self._values.shape[1:])
        self.dtype = torch.from_numpy(np.empty(0, self._values.dtype)).dtype

    def __len__(self) -> int:
        return len(self._values)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows` as a tensor [B, ...] of its own memory."""
        index = rows if isinstance(rows, slice) else rows.cpu().numpy()
        return torch.from_numpy(np.array(self._values[index]))


class RowsColumn(BaseColumn):
    """Some rows of another column, without a copy of its samples."""

    def __init__(self, base: Column, rows: Tensor) -> None:
        self._base = base
        self._rows = rows
        self.shape = base.shape
        self.dtype = base.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows` of this selection, as a tensor [B, ...]."""
        wanted = self._rows[rows if isinstance(rows, slice) else rows.to(self._rows.device)]
        return self._base.take(wanted)

    def to(self, device: torch.device, moved: Moved | None = None) -> Column:
        """Return the selection from the base column on `device`."""
        return RowsColumn(self._base.to(device, moved), self._rows.to(device))


@dataclass(frozen=True)
class Split:
    """Samples x (column of N), their targets y ([N], or [N, T] for T numbers) and ids ([N]).

    `names` is what to call each sample, such as its file; without it, its row.
    """

    x: Column
    y: Tensor
    ids: np.ndarray
    names: Sequence[str] | None = None

    def __post_init__(self) -> None:
        assert len(self.x) == len(self.y) == len(self.ids), "x, y and ids are one row a sample"

    def __len__(self) -> int:
        return len(self.y)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the samples and the targets, in order."""
        y = fingerprint(self.y.dtype, tuple(self.y.shape[1:]), [self.y])
        return hashlib.sha256(f"{self.x.fingerprint} {y}".encode()).hexdigest()

    def rows(self, rows: Tensor) -> Split:
        """Return the split made of some of its rows, in the order given."""
        names = None if self.names is None else [self.names[i] for i in rows.tolist()]
        return Split(self.x.rows(rows), self.y[rows], self.ids[rows.numpy()], names)

    def name(self, row: int) -> str:
        """Return what to call a sample."""
        return f"row {self.ids[row]}" if self.names is None else self.names[row]

    def to(self, device: torch.device, moved: Moved | None = None) -> Split:
        """Return the split with its samples and targets on `device`, where its column can go."""
        return Split(self.x.to(device, moved), self.y.to(device), self.ids, self.names)


@dataclass(frozen=True)
class Dataset:
    """A loaded set: its splits, and the names of its classes or of its columns."""

    name: str
    kind: Kind
    train: Split
    validation: Split | None = None
    test: Split | None = None
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target: str = "target"
    notes: tuple[str, ...] = ()  # what was left out or changed in loading, in words

    @property
    def nbytes(self) -> int:
        """Bytes of all samples, targets not counted."""
        return sum(split.x.nbytes for split in self.splits.values())

    def to(self, device: torch.device) -> Dataset:
        """Return the set with its splits on `device`, where their columns can go."""
        moved: Moved = {}
        return replace(
            self,
            train=self.train.to(device, moved),
            validation=self.validation and self.validation.to(device, moved),
            test=self.test and self.test.to(device, moved),
        )

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that there are, by name: train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}
