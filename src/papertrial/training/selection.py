"""Choose the step that a run reports, and when to stop early."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from papertrial.errors import ModelError
from papertrial.vocabulary import Metric, MetricValue


class _Best:
    """The best value of a metric so far."""

    def __init__(self, metric: Metric, min_delta: float = 0.0) -> None:
        self.metric = metric
        self.value = math.inf if metric.lower_is_better else -math.inf
        self.min_delta = min_delta

    def improves(self, metrics: Mapping[str, MetricValue]) -> bool:
        """Return whether the metric of an evaluation is the best so far, and remember it if so.

        Raises:
            ModelError: the metric is not defined on this split.
        """
        value = metrics[self.metric.name]
        if not isinstance(value, int | float):
            raise ModelError(
                f"the metric {self.metric.name} is not defined on this split, so nothing can be "
                "chosen by it; name another one, or give the split samples of every class"
            )
        gain = self.value - value if self.metric.lower_is_better else value - self.value
        if gain > self.min_delta:
            self.value = float(value)
            return True
        return False


class BestWeights:
    """Keeps the weights of the step with the best `metric` on `split`; the first one in a tie."""

    def __init__(self, split: str, metric: Metric) -> None:
        self.split = split
        self.step = 0
        self._best = _Best(metric)
        self._weights: dict[str, Tensor] = {}

    @property
    def metric(self) -> Metric:
        """The metric that chooses the step."""
        return self._best.metric

    def offer(self, step: int, metrics: Mapping[str, MetricValue], model: nn.Module) -> None:
        """Keep the weights of the model after `step` if its metrics are the best so far."""
        if self._best.improves(metrics):
            self.step = step
            self._weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def restore(self, model: nn.Module) -> None:
        """Load the weights of the best step into the model."""
        model.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """Return the best step so far, its value and its weights."""
        return {"step": self.step, "value": self._best.value, "weights": dict(self._weights)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.step, self._best.value = state["step"], state["value"]
        self._weights = dict(state["weights"])


class EarlyStopping:
    """Stops a training when a validation metric has not improved for `patience` evaluations.

    Args:
        monitor: the metric.
        patience: number of evaluations without improvement after which to stop.
        min_delta: an improvement must be greater than this.
    """

    def __init__(self, monitor: Metric, patience: int = 3, min_delta: float = 0.0) -> None:
        self.patience = patience
        self._best = _Best(monitor, min_delta)
        self._waited = 0

    def should_stop(self, metrics: Mapping[str, MetricValue]) -> bool:
        """Return whether to stop, given the metrics of an evaluation of the validation split."""
        self._waited = 0 if self._best.improves(metrics) else self._waited + 1
        return self._waited >= self.patience

    def state_dict(self) -> dict[str, Any]:
        """Return the best value so far, and how many evaluations did not improve it."""
        return {"value": self._best.value, "waited": self._waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self._best.value, self._waited = state["value"], state["waited"]
