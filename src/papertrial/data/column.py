"""A loaded set: columns of samples, the splits made of them, and the names of its classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from papertrial.data.fingerprint import fingerprint
from papertrial.data.kind import Kind
from papertrial.data.nested import mapped, row_count
from papertrial.reading_note import ReadingNote

Moved = dict[int, "SampleColumn"]
_MOST_ROWS, _CHUNK_BYTES = 4096, 2**24


class SampleColumn(Protocol):
    """N immutable samples, read by row: `take` returns a copy unless it is told not to."""

    shape: tuple[int, ...]  # of one sample
    dtype: torch.dtype

    def __len__(self) -> int: ...

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Any:
        """Return the samples at `rows`, a tensor [B, *shape], or several by name.

        With `copy=False` the result may share the column's memory, so do not write to it.
        """
        ...

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a column of the samples at `rows`, in that order."""
        ...

    @property
    def lengths(self) -> Tensor | None:
        """The length of each sample, [N] int64; None if all samples have the same shape."""
        ...

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the column on a device; a column that cannot be moved returns itself.

        `moved` maps the id of each column moved so far to its copy, so that splits that share a
        column still share it afterwards.
        """
        ...

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        ...

    @property
    def fingerprint(self) -> str:
        """The SHA-256 of the samples in order, with their dtype and shape."""
        ...


def chunks(column: SampleColumn, size: int | None = None) -> Iterator[Any]:
    """Yield the samples of a column in order, `size` at a time, without loading the whole column.

    By default a chunk has as many samples as fit into 16 MB, and at most 4096.
    """
    if size is None:
        size = max(1, min(_MOST_ROWS, _CHUNK_BYTES * len(column) // max(1, column.nbytes)))
    for start in range(0, len(column), size):
        yield column.take(slice(start, start + size))


class BaseColumn:
    """Default implementations of the `SampleColumn` protocol."""

    shape: tuple[int, ...]
    dtype: torch.dtype

    def __len__(self) -> int:
        raise NotImplementedError

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, *shape]."""
        raise NotImplementedError

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a view of the samples at `rows`, without copying them."""
        return RowsColumn(self, rows)

    @property
    def lengths(self) -> Tensor | None:
        """None, because all samples have the same shape."""
        return None

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the column itself; only dense columns can be moved to a device."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        return len(self) * int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the samples in order, with their dtype and shape."""
        return fingerprint(self.dtype, self.shape, chunks(self))


class DenseColumn(BaseColumn):
    """Samples in a tensor [N, ...]."""

    def __init__(self, values: Tensor) -> None:
        self._values = values
        self.shape = tuple(values.shape[1:])
        self.dtype = values.dtype

    def __len__(self) -> int:
        return len(self._values)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, ...]."""
        if isinstance(rows, slice):
            return self._values[rows].clone() if copy else self._values[rows]
        return self._values.index_select(0, rows.to(self._values.device))

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the column with its samples on `device`."""
        moved = {} if moved is None else moved
        if id(self) not in moved:
            same = self._values.device == device
            moved[id(self)] = self if same else DenseColumn(self._values.to(device))
        return moved[id(self)]


class MemmapColumn(BaseColumn):
    """Samples in a memory-mapped .npy file [N, ...]; only the rows taken are read."""

    def __init__(self, path: str) -> None:
        # A plain array over the mapping, because indexing np.memmap costs more than a small batch.
        self._values = np.asarray(np.load(path, mmap_mode="r"))
        self.shape = tuple(self._values.shape[1:])
        self.dtype = torch.from_numpy(np.empty(0, self._values.dtype)).dtype

    def __len__(self) -> int:
        return len(self._values)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, ...]."""
        index = rows if isinstance(rows, slice) else rows.cpu().numpy()
        return torch.from_numpy(np.array(self._values[index]))


class RowsColumn(BaseColumn):
    """A view of some rows of another column, without a copy of its samples."""

    def __init__(self, base: SampleColumn, rows: Tensor) -> None:
        self._base = base
        self._rows = rows
        self.shape = base.shape
        self.dtype = base.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Any:
        """Return the samples at `rows` of this view, [B, ...]."""
        wanted = self._rows[rows if isinstance(rows, slice) else rows.to(self._rows.device)]
        return self._base.take(wanted)

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the same view of the base column on `device`."""
        return RowsColumn(self._base.to(device, moved), self._rows.to(device))


class NamedColumns(BaseColumn):
    """Samples that are several tensors by name, each from a column of its own [N, ...].

    Its shape and dtype are those of the first one.
    """

    def __init__(self, columns: Mapping[str, SampleColumn]) -> None:
        self.columns = dict(columns)
        first = next(iter(self.columns.values()))
        assert all(len(one) == len(first) for one in columns.values()), "one row for each sample"
        self.shape, self.dtype = first.shape, first.dtype

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Any:
        """Return the samples at `rows`, by name."""
        return {name: one.take(rows, copy=copy) for name, one in self.columns.items()}

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a view of the samples at `rows`, without copying them."""
        return NamedColumns({name: one.rows(rows) for name, one in self.columns.items()})

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the columns on `device`, as far as they can be moved."""
        return NamedColumns({name: one.to(device, moved) for name, one in self.columns.items()})

    @property
    def nbytes(self) -> int:
        """Bytes of all columns."""
        return sum(one.nbytes for one in self.columns.values())

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the names and fingerprints of the columns, whatever their order."""
        named = sorted(self.columns.items())
        text = " ".join(f"{name}={one.fingerprint}" for name, one in named)
        return hashlib.sha256(text.encode()).hexdigest()


def column_of(values: Any) -> SampleColumn:
    """Return the column of a tensor [N, ...], or of several by name."""
    if isinstance(values, Mapping):
        return NamedColumns({name: DenseColumn(one) for name, one in values.items()})
    return DenseColumn(values)


@dataclass(frozen=True)
class Split:
    """N samples x, their targets y ([N], or [N, T] for T numbers) and their ids [N].

    Of a task that leaves their meaning to the user, y are tensors [N, ...], one or several by name.

    `names` has a name for each sample, such as its file; if omitted, a sample is named by its id.
    `groups` [N] has the group of each sample, whose samples no split may separate.
    """

    x: SampleColumn
    y: Any
    ids: np.ndarray
    names: Sequence[str] | None = None
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert len(self.x) == row_count(self.y) == len(self.ids), (
            "x, y and ids need the same length"
        )

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the samples and the targets, in order."""
        y = column_of(self.y).fingerprint
        return hashlib.sha256(f"{self.x.fingerprint} {y}".encode()).hexdigest()

    def rows(self, rows: Tensor) -> Split:
        """Return a split of the samples at `rows`, in that order."""
        names = None if self.names is None else [self.names[i] for i in rows.tolist()]
        y = mapped(lambda one: one[rows], self.y)
        groups = None if self.groups is None else self.groups[rows.numpy()]
        return Split(self.x.rows(rows), y, self.ids[rows.numpy()], names, groups)

    def name(self, row: int) -> str:
        """Return the name of the sample at `row`, for messages."""
        return f"row {self.ids[row]}" if self.names is None else self.names[row]

    def to(self, device: torch.device, moved: Moved | None = None) -> Split:
        """Return the split with its targets, and its samples if possible, on `device`."""
        y = mapped(lambda one: one.to(device), self.y)
        return Split(self.x.to(device, moved), y, self.ids, self.names, self.groups)


@dataclass(frozen=True)
class Dataset:
    """A data set: its splits, and the names of its classes or of its columns.

    `target` names what y [N] holds. `targets` names the columns of y [N, T]: T numbers, or T labels
    that a sample has (1) or not (0). `position_classes` names the classes whose indices y [N, ...]
    has at each position; samples have no class then.

    `notes` say what reading its files left out, converted, guessed or filled.
    """

    name: str
    kind: Kind
    train: Split
    validation: Split | None = None
    test: Split | None = None
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target: str = "target"
    targets: tuple[str, ...] = ()
    position_classes: tuple[str, ...] = ()
    notes: tuple[ReadingNote, ...] = ()

    @property
    def nbytes(self) -> int:
        """Bytes of all samples, without their targets."""
        return sum(split.x.nbytes for split in self.splits.values())

    def to(self, device: torch.device) -> Dataset:
        """Return the set with its splits on `device`, as far as their columns can be moved."""
        moved: Moved = {}
        return self.with_splits({n: split.to(device, moved) for n, split in self.splits.items()})

    def with_splits(self, splits: Mapping[str, Split]) -> Dataset:
        """Return the set with other splits, by name; "train" must be among them."""
        return replace(
            self,
            train=splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
        )

    @classmethod
    def from_splits(
        cls,
        name: str,
        kind: Kind,
        splits: Mapping[str, Split],
        *,
        classes: Sequence[str] = (),
        features: Sequence[str] = (),
        target: str = "target",
        targets: Sequence[str] = (),
        notes: Sequence[ReadingNote] = (),
    ) -> Dataset:
        """Return the set that has these splits, by name; "train" must be among them."""
        return cls(
            name,
            kind,
            splits["train"],
            validation=splits.get("validation"),
            test=splits.get("test"),
            classes=tuple(classes),
            features=tuple(features),
            target=target,
            targets=tuple(targets),
            notes=tuple(notes),
        )

    @property
    def splits(self) -> dict[str, Split]:
        """The splits that the set has, by name, in the order train, validation, test."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: split for name, split in named.items() if split is not None}
