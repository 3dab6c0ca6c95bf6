"""Samples of different lengths, such as texts and their tokens, stored end to end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import BaseColumn, Moved, SampleColumn
from papertrial.data.fingerprint import fingerprint


class RaggedColumn(BaseColumn):
    """Samples of different lengths, end to end in one tensor; they are padded only when taken.

    Args:
        values: [sum of lengths], all samples in order: tokens, or the UTF-8 bytes of texts.
        lengths: the length of each sample, [N] int64.
    """

    def __init__(self, values: Tensor, lengths: Tensor) -> None:
        assert int(lengths.sum()) == len(values), "the lengths must add up to the number of values"
        self._values = values
        self._lengths = lengths
        self._starts = lengths.cumsum(0) - lengths
        self.shape = ()
        self.dtype = values.dtype

    def __len__(self) -> int:
        return len(self._lengths)

    @property
    def values(self) -> Tensor:
        """All samples in order, [sum of lengths]; not to be written to."""
        return self._values

    @property
    def lengths(self) -> Tensor | None:
        """The length of each sample, [N] int64."""
        return self._lengths

    def sample(self, row: int) -> Tensor:
        """Return one sample without padding, [its length]."""
        start = int(self._starts[row])
        return self._values[start : start + int(self._lengths[row])]

    def take(self, rows: slice | Tensor, *, copy: bool = True) -> Tensor:
        """Return the samples at `rows`, [B, T], padded with zeros to the longest of them, T."""
        index = rows if isinstance(rows, slice) else rows.to(self._values.device)
        starts, lengths = self._starts[index], self._lengths[index]
        longest = int(lengths.max()) if len(lengths) else 0
        place = torch.arange(longest, device=self._values.device)
        inside = place < lengths[:, None]
        return torch.where(inside, self._values[(starts[:, None] + place) * inside], 0)

    def rows(self, rows: Tensor) -> SampleColumn:
        """Return a new column with copies of the samples at `rows`."""
        starts, lengths = self._starts[rows], self._lengths[rows]
        ends = lengths.cumsum(0)
        first = (starts - ends + lengths).repeat_interleave(lengths)
        place = torch.arange(len(first), device=first.device)
        return RaggedColumn(self._values[first + place], lengths)

    def to(self, device: torch.device, moved: Moved | None = None) -> SampleColumn:
        """Return the column on `device`."""
        return RaggedColumn(self._values.to(device), self._lengths.to(device))

    @property
    def nbytes(self) -> int:
        """Bytes of all samples, without padding."""
        return self._values.nbytes

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of the lengths and the values, in order."""
        parts = (
            fingerprint(part.dtype, (), [part.cpu()]) for part in (self._lengths, self._values)
        )
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def text_column(texts: Sequence[str]) -> RaggedColumn:
    """Return a ragged column of texts, stored as UTF-8 bytes."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    flat = np.frombuffer(bytearray(b"".join(encoded)), dtype=np.uint8)
    lengths = torch.tensor([len(one) for one in encoded], dtype=torch.int64)
    return RaggedColumn(torch.from_numpy(flat), lengths)


def texts_of(column: SampleColumn, rows: Iterable[int] | None = None) -> Iterator[str]:
    """Yield the texts of a ragged column that `text_column` made: all, or those at `rows`."""
    assert isinstance(column, RaggedColumn), "texts are stored in a RaggedColumn"
    for row in range(len(column)) if rows is None else rows:
        yield bytes(column.sample(row).numpy()).decode("utf-8", "surrogatepass")
