"""Scores that are means over the last evaluations of a training."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from papertrial.vocabulary import Metrics, MetricValue


class MeanOfLast:
    """The mean of each metric of a split over its last evaluations.

    Args:
        count: the number of evaluations.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._seen: dict[str, dict[int, Metrics]] = {}

    def add(self, split: str, step: int, metrics: Metrics) -> None:
        """Add an evaluation after `step` steps; one of the same step replaces it."""
        seen = self._seen.setdefault(split, {})
        seen[step] = metrics
        for early in sorted(seen)[: -self.count]:
            del seen[early]

    def state_dict(self) -> dict[str, Any]:
        """Return the metrics of the last evaluations, by split and step."""
        return {"seen": {split: dict(one) for split, one in self._seen.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._seen = {split: dict(one) for split, one in state["seen"].items()}

    def mean(self, split: str) -> Metrics:
        """Return the means of the metrics of a split.

        A metric that is not a single number, such as a confusion matrix, is that of the last
        evaluation. So is every metric of a split that was evaluated once, as the training part is.
        """
        seen = self._seen[split]
        last = [seen[step] for step in sorted(seen)[-self.count :]]
        return {name: _mean(one[name] for one in last) for name in last[-1]}


def _mean(values: Iterable[MetricValue]) -> MetricValue:
    """Return the mean of numbers, None if one is undefined; of other values, the last one."""
    listed = list(values)
    numbers = [value for value in listed if isinstance(value, int | float)]
    if isinstance(listed[-1], dict | list) or len(listed) == 1:
        return listed[-1]
    return math.fsum(numbers) / len(numbers) if len(numbers) == len(listed) else None
