"""Samplers: which samples an epoch trains on, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import WeightedRandomSampler

from papertrial.data.streams import derive, drawing_from
from papertrial.errors import DataError, PapertrialError, did_you_mean

_CPU = torch.device("cpu")
# What a sampler may give in an epoch, so that one without an end is noticed before memory is full.
_MOST, _MOST_TIMES = 1_000_000, 100


class Balanced(WeightedRandomSampler):
    """Draw samples with replacement, each class equally often on average.

    The weight of a sample is one over the number of samples of its class, as in the usual recipe
    with `torch.utils.data.WeightedRandomSampler`.

    Args:
        targets: the class of each sample, [N] int64.
        num_samples: samples in an epoch; if omitted, N.
    """

    def __init__(self, targets: Tensor, num_samples: int | None = None) -> None:
        weights: Any = weights_of(balanced_weights(targets), targets)  # as good as a list here
        super().__init__(weights, num_samples or len(targets), replacement=True)


class EpochSampler:
    """Draws the order of each epoch from a sampler that is made for that epoch.

    The sampler is made, and iterated, with the generators of torch, numpy and Python at the start
    of the stream ("shuffle", epoch), so the order is a pure function of (data, seed, epoch). A
    sampler with a method `set_epoch`, such as torch's DistributedSampler, is told the epoch.

    Args:
        make: returns a sampler, something iterable over rows.
        rows: the number of samples N of the split.

    Attributes:
        count: samples in an epoch.

    Raises:
        DataError: the sampler fails, gives something other than rows, or a number of them that
            depends on the epoch.
    """

    def __init__(self, make: Callable[[], Iterable[Any]], rows: int) -> None:
        self._make = make
        self._rows = rows
        self._most = max(_MOST, _MOST_TIMES * rows)
        self.count = len(self._draw(0, 0))
        for epoch in (0, 1):
            self.order(1, epoch)

    def order(self, seed: int, epoch: int) -> Tensor:
        """Return the rows of an epoch in order, [count] int64, on the CPU."""
        rows = self._draw(seed, epoch)
        if len(rows) != self.count:
            raise DataError(
                f"data.sampler: gives {self.count:,} samples in one epoch and {len(rows):,} in "
                "another, and the number of steps of an epoch must not change; draw as many in each"
            )
        return rows

    def _draw(self, seed: int, epoch: int) -> Tensor:
        try:
            with drawing_from(_CPU, derive(seed, "shuffle", epoch)):
                sampler = self._make()
                if callable(set_epoch := getattr(sampler, "set_epoch", None)):
                    set_epoch(epoch)
                rows = list(islice(sampler, self._most + 1))
        except PapertrialError:
            raise
        except Exception as error:
            raise DataError(f"data.sampler: fails: {type(error).__name__}: {error}") from error
        return self._checked(rows)

    def _checked(self, given: list[Any]) -> Tensor:
        try:
            rows = torch.as_tensor(given)
        except (TypeError, ValueError, RuntimeError):
            rows = torch.empty(0, 0)
        if len(given) == 0:
            raise DataError("data.sampler: gives no samples")
        if len(given) > self._most:
            raise DataError(
                f"data.sampler: gives more than {self._most:,} samples in an epoch, of "
                f"{self._rows:,}; it probably never ends, so let it end after one epoch"
            )
        whole = not (rows.is_floating_point() or rows.is_complex() or rows.dtype == torch.bool)
        if rows.ndim != 1 or not whole:
            hint = "; samplers of whole batches are not supported" * isinstance(given[0], list)
            raise DataError(
                f"data.sampler: must give the numbers of rows one by one, got {given[0]!r}{hint}"
            )
        low, high = int(rows.min()), int(rows.max())
        if low < 0 or high >= self._rows:
            raise DataError(
                f"data.sampler: must give rows from 0 to {self._rows - 1:,}, got {low:,} to "
                f"{high:,}"
            )
        return rows.long()


def balanced_weights(targets: Tensor) -> Tensor:
    """Return one over the number of samples of each class, [K], from classes [N]; 0 if none."""
    counts = torch.bincount(targets).double()
    return torch.where(counts > 0, 1 / counts, 0.0)


def weights_of(by_class: Tensor, targets: Tensor) -> Tensor:
    """Return the weight of each sample, [N] float64, from those of the classes, [K]."""
    return by_class.double()[targets]


def sample_weights(wanted: object, targets: Any, classes: Sequence[str]) -> object:
    """Return the argument `weights` of a sampler: the weight of each sample, [N].

    Args:
        wanted: "balanced"; or a weight for each class by name; anything else is returned as it is.
        targets: the class of each sample, [N] int64.
        classes: the name of each class.

    Raises:
        DataError: the samples have no classes, or the names are not those of the classes.
    """
    if isinstance(wanted, Sequence) and not isinstance(wanted, str):
        if len(wanted) != len(targets):
            named = f"{{{classes[0]}: 1, ...}}" if classes else "balanced"
            raise DataError(
                f"data.sampler.weights: a list needs one weight for each of the {len(targets):,} "
                f"training samples, got {len(wanted):,}; for a weight by class write {named}"
            )
        return wanted
    if wanted != "balanced" and not isinstance(wanted, Mapping):
        return wanted
    check_classes(classes, "data.sampler.weights")
    if not isinstance(wanted, Mapping):
        return weights_of(balanced_weights(targets), targets)
    names = {str(name): weight for name, weight in wanted.items()}
    for name in names:
        if name not in classes:
            near = did_you_mean(name, classes)
            raise DataError(f"data.sampler.weights: there is no class {name!r}{near}")
    if lacking := [name for name in classes if name not in names]:
        raise DataError(f"data.sampler.weights: the class {lacking[0]} has no weight; add it")
    by_class = torch.tensor([float(names[name]) for name in classes], dtype=torch.float64)
    return weights_of(by_class, targets)


def check_classes(classes: Sequence[str], where: str) -> None:
    """Raise DataError for a sampler that balances classes, if the samples have none."""
    if not classes:
        raise DataError(
            f"{where}: balanced needs one class for each sample, and the targets are numbers, "
            "tensors or several labels; remove it"
        )
