"""An average of a model's weights over its training, which is evaluated and kept in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # what `update_bn` looks for
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from papertrial.data.batches import Batches
from papertrial.data.streams import derive, generators_kept, seed_all
from papertrial.errors import ModelError
from papertrial.evaluate.precision import autocast
from papertrial.model_call import call_model


@dataclass(frozen=True)
class AverageRule:
    """When weights are averaged, in optimizer steps, and how.

    Attributes:
        decay: share of the old average in an exponential moving average; None for the mean of all.
        start: steps before the first update can come.
        every: steps between two updates, which come after multiples of it.
    """

    decay: float | None
    start: int
    every: int

    @property
    def first(self) -> int:
        """The number of steps after which the first update comes."""
        return (self.start // self.every + 1) * self.every

    def updates(self, steps: int) -> int:
        """Return the number of updates in a training of `steps`."""
        return max(0, steps // self.every - self.start // self.every)


class AveragedWeights:
    """An average of a model's weights, in a model of its own.

    An exponential moving average starts from the weights of its first update. Its buffers, such as
    the statistics of batch norm, are averaged likewise, as in torchvision's references; integers
    are copied, as in timm. The mean of all weights (stochastic weight averaging) needs statistics
    of its own: `refresh` computes them on the training batches of the epoch, with their
    augmentation, as `torch.optim.swa_utils.update_bn` does.

    Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization"
    (2018), arXiv:1803.05407; Tarvainen and Valpola (2017), arXiv:1703.01780, equation 3.

    Args:
        model: the model that is trained.
        rule: when its weights are averaged, and how.
        batches: the batches of the training.
        seed: the seed of the recipe. The pass over the batches draws from ("average", epoch).
        precision: the precision of the pass over the batches.

    Raises:
        ModelError: the model cannot be copied.
    """

    def __init__(
        self,
        model: nn.Module,
        rule: AverageRule,
        batches: Batches,
        *,
        seed: int,
        precision: str = "fp32",
    ) -> None:
        self.rule = rule
        self._trained = model
        self._batches = batches
        self._seed = seed
        self._precision = precision
        ema: Any = None
        if rule.decay is not None:
            ema = get_ema_multi_avg_fn(rule.decay)  # type: ignore[no-untyped-call]
        try:
            self._average = AveragedModel(model, multi_avg_fn=ema, use_buffers=ema is not None)
        except Exception as error:
            name = type(model).__name__
            raise ModelError(f"average: the model {name} cannot be copied: {error}") from error

    @property
    def model(self) -> nn.Module:
        """The model that has the average, after `refresh`."""
        return self._average.module

    @property
    def updates(self) -> int:
        """The number of weights in the average so far."""
        return int(self._average.n_averaged)

    @property
    def takes_passes(self) -> bool:
        """Whether `refresh` takes a pass over the training batches: for batch norm, of a mean."""
        is_mean = self.rule.decay is None
        return is_mean and any(isinstance(one, _BatchNorm) for one in self.model.modules())

    def update(self, step: int) -> None:
        """Add the weights of the trained model to the average if that is due after `step` steps."""
        if step <= self.rule.start or step % self.rule.every:
            return
        self._average.update_parameters(self._trained)
        pairs = zip(self.model.buffers(), self._trained.buffers(), strict=True)
        for kept, trained in pairs if self.rule.decay is not None else ():
            if not kept.is_floating_point():
                kept.copy_(trained)

    def refresh(self, step: int) -> None:
        """Prepare `model` for evaluation after `step` steps.

        Before the first update it gets the weights of the trained model. Later, the mean of all
        weights gets new statistics of batch norm.
        """
        if not self.updates:
            self.model.load_state_dict(self._trained.state_dict())
        elif self.rule.decay is None:
            epoch, device = (step - 1) // self._batches.steps, self._batches.device
            with generators_kept(device), autocast(device, self._precision):
                update_bn(self._inputs(epoch), _Called(self.model))

    def check_started(self, step: int) -> None:
        """Raise ModelError if a training that ended after `step` steps averaged nothing."""
        if not self.updates:
            raise ModelError(
                f"average: the training stopped after {step} steps, before anything was averaged; "
                "lower average.start, or change early_stopping"
            )

    def state_dict(self) -> dict[str, Tensor]:
        """Return the average and the number of weights in it."""
        return dict(self._average.state_dict())

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        self._average.load_state_dict(state)

    def _inputs(self, epoch: int) -> Iterator[Any]:
        """Yield the inputs of each batch of an epoch, with the generators seeded for it."""
        stream = derive(self._seed, "average", epoch)
        for step in range(self._batches.steps):
            seed_all(self._batches.device, stream + step)
            yield self._batches.batch(self._seed, epoch, step).x


class _Called(nn.Module):
    """Calls a model as the training does, also with named tensors."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.called = model

    def forward(self, x: Any) -> Any:
        """Return what the model returns."""
        return call_model(self.called, x)


def check_updates(rule: AverageRule, steps: int, per_epoch: int) -> None:
    """Raise ModelError if a training of `steps` would average nothing."""
    if rule.updates(steps) == 0:
        raise ModelError(
            f"average: the first weights would be averaged after {rule.first} steps, but the "
            f"training has {steps} steps, {per_epoch} in an epoch; lower average.start or "
            "average.every"
        )
