"""How often each class occurs, and the weights that balance a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from papertrial.errors import ModelError


@dataclass(frozen=True)
class ClassCounts:
    """The number of samples of each class in a training part.

    Attributes:
        names: the names of the K classes.
        counts: samples of each class.
        rows: number of samples.
        one_each: whether a sample has exactly one class.
    """

    names: tuple[str, ...]
    counts: tuple[int, ...]
    rows: int
    one_each: bool

    @classmethod
    def of(cls, names: tuple[str, ...], y: Any) -> Self | None:
        """Count targets y, class indices [N] or zeros and ones [N, K]; None if there are others."""
        if not names or not isinstance(y, Tensor) or y.ndim not in (1, 2):
            return None
        one_each = y.ndim == 1
        counts = torch.bincount(y.long(), minlength=len(names)) if one_each else y.long().sum(0)
        return cls(names, tuple(counts.tolist()), len(y), one_each)

    def balanced(self) -> list[float]:
        """Return rows / (K * count) for each class.

        Source: `sklearn.utils.class_weight.compute_class_weight` with class_weight="balanced".

        Raises:
            ModelError: a class has no sample.
        """
        self._check(self.counts)
        return [self.rows / (len(self.counts) * count) for count in self.counts]

    def positive(self) -> list[float]:
        """Return negatives / positives: of the second of two classes, or of each label.

        Raises:
            ModelError: there are not two classes with one each, or a class has no sample.
        """
        if self.one_each and len(self.names) != 2:
            raise ModelError(
                f"balanced weights of positives need two classes, got {len(self.names)}; use weight"
            )
        counts = self.counts[1:] if self.one_each else self.counts
        self._check(counts)
        return [(self.rows - count) / count for count in counts]

    def by_name(self, weights: dict[str, object]) -> list[object]:
        """Return weights by class name in the order of the classes.

        Raises:
            ModelError: a class is missing or unknown.
        """
        wrong = [name for name in weights if name not in self.names]
        absent = [name for name in self.names if name not in weights]
        if wrong or absent:
            what = f"there is no class {wrong[0]!r}" if wrong else f"{absent[0]!r} has no weight"
            raise ModelError(f"{what}; the classes are {', '.join(self.names[:12])}")
        return [weights[name] for name in self.names]

    def _check(self, counts: tuple[int, ...]) -> None:
        if 0 in counts:
            name = self.names[len(self.names) - len(counts) + counts.index(0)]
            raise ModelError(
                f"balanced weights need training samples of every class, but there is none of "
                f"{name!r}"
            )
