"""Cora: a graph of papers, with the split of Yang et al. 2016."""

from __future__ import annotations

import pickle
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from papertrial.data.column import Dataset, DenseColumn, NamedColumns, Split
from papertrial.data.sources.fetched import fetched_files
from papertrial.data.sources.spec import LoadedSet, SourceSpec
from papertrial.errors import DataError
from papertrial.progress import Steps

IGNORED = -100  # the target of a node that is not in a part, as losses of torch ignore it
_VALIDATION = 500  # nodes after those of the training part


def load(spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
    """Load Cora, whose parts have the whole graph as their only sample.

    x has `features` [1, N, F], 0 or 1 for each word, divided by the words of the paper, and `edges`
    [1, 2, E], the two papers of each citation in both directions. y [1, N] has the classes of 140
    papers for training, 500 for validation and 1,000 for testing, and -100 for all others.

    Raises:
        DataError: a file is absent and cannot or may not be downloaded, or is another file.
    """
    paths = yield from fetched_files(spec, folder)
    read = {name.removeprefix("ind.cora."): path for name, path in paths.items()}
    order = np.loadtxt(read.pop("test.index"), dtype=np.int64)
    parts = {name: _unpickled(path) for name, path in read.items()}
    words = np.concatenate([parts[name].toarray() for name in ("allx", "tx")])
    labels = np.concatenate([parts[name].argmax(1) for name in ("ally", "ty")])
    # The rows of the test part are stored in the order of the index, not of the graph.
    place = np.arange(len(words))
    place[order] = np.sort(order)
    features = torch.from_numpy(words[place].astype(np.float32))
    features /= features.sum(1, keepdim=True).clamp(min=1)
    pairs = {pair for one, others in parts["graph"].items() for pair in _both(one, others)}
    edges = torch.tensor(sorted(pairs)).T.contiguous()
    x = NamedColumns({"features": DenseColumn(features[None]), "edges": DenseColumn(edges[None])})
    count = len(parts["y"])
    known = {
        "train": np.arange(count),
        "validation": np.arange(count, count + _VALIDATION),
        "test": np.sort(order),
    }
    splits = {
        part: Split(x, _masked(labels[place], rows), np.arange(1)) for part, rows in known.items()
    }
    return LoadedSet(Dataset.from_splits("cora", "tensor", splits))


def _both(one: int, others: list[int]) -> list[tuple[int, int]]:
    """Return the edges of a node in both directions; a paper does not cite itself."""
    return [pair for other in others if other != one for pair in ((one, other), (other, one))]


def _masked(labels: np.ndarray, rows: np.ndarray) -> Tensor:
    y = torch.full((1, len(labels)), IGNORED)
    y[0, torch.from_numpy(rows)] = torch.from_numpy(labels[rows])
    return y


class _Reader(pickle.Unpickler):
    """Reads the arrays, sparse matrices and mappings in the files, and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a class of the files, wherever its library has it today."""
        from numpy._core import multiarray  # noqa: PLC0415  (only these files need it)
        from scipy.sparse import csr_matrix  # noqa: PLC0415  (slow to import)

        known: dict[str, Any] = {
            "csr_matrix": csr_matrix,
            "defaultdict": defaultdict,
            "list": list,
            "dtype": np.dtype,
            "ndarray": np.ndarray,
            "_reconstruct": multiarray._reconstruct,
            "scalar": multiarray.scalar,
        }
        if name not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not expected here")
        return known[name]


def _unpickled(path: Path) -> Any:
    """Return what a file holds, which Python 2 wrote."""
    try:
        with path.open("rb") as file:
            return _Reader(file, encoding="latin1").load()
    except pickle.UnpicklingError as error:
        raise DataError(f"cannot read {path}: {error}") from error
