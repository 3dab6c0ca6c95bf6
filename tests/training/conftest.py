"""A small training on the digits data, created for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.data.batches import Batches
from papertrial.data.column import Dataset
from papertrial.data.images.transforms import Normalize
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources.named_sets import loading
from papertrial.progress import finish
from papertrial.tasks.loss_requirements import Loss
from papertrial.tasks.make_task import make_task
from papertrial.training.loop import Progress, fit
from papertrial.training.objective import Objective
from papertrial.training.optim import Schedule
from papertrial.training.state import TrainState
from papertrial.vocabulary import Metric

CPU = torch.device("cpu")


@dataclass
class Training:
    """The arguments of `fit`; 100 rows in batches of 16 are 7 steps per epoch, the last of 4."""

    state: TrainState
    batches: Batches
    objective: Objective
    seed: int

    def steps(self, steps: int, **kwargs: Any) -> Iterator[Progress]:
        """Train until `steps` are done."""
        return fit(self.state, self.batches, self.objective, seed=self.seed, steps=steps, **kwargs)

    def weights(self) -> dict[str, Tensor]:
        """Copy the parameters and buffers."""
        return {name: value.clone() for name, value in self.state.model.state_dict().items()}


MakeTraining = Callable[..., Training]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Compute on one thread: the tensors are too small for more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """The first 100 digits."""
    dataset = finish(loading("digits", Path()))
    return Dataset(
        "digits", "image", dataset.train.rows(torch.arange(100)), classes=dataset.classes
    )


@pytest.fixture
def make_training(digits: Dataset) -> MakeTraining:
    """Return a maker of trainings; the initial weights are the same for every seed."""

    def make(
        optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] | None = None,
        scheduler: Callable[[torch.optim.Optimizer], Any] | None = None,
        *,
        interval: str = "epoch",
        monitor: str | None = None,
        seed: int = 0,
        dropout: float = 0.0,
        augment: Sequence[Any] = (),
        shuffle: bool = True,
        loss: Loss | None = None,
        model: nn.Module | None = None,
        batch_size: int = 16,
        precision: str = "fp32",
        accumulate: int = 1,
    ) -> Training:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            made = model or nn.Sequential(
                nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                nn.Dropout(dropout), nn.Linear(144, 10),
            )  # fmt: skip
        chosen = optimizer or (lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
        built = chosen(list(made.parameters()))
        pipeline = Pipeline("image", [Normalize()], augment)
        batches = Batches(
            digits.train,
            batch_size,
            shuffle=shuffle,
            pipeline=pipeline,
            state=pipeline.fit(digits.train.x),
            device=CPU,
        )
        objective = Objective(
            made,
            loss or nn.CrossEntropyLoss(),
            make_task("image-classification", digits),
            precision=precision,
            accumulate=accumulate,
            reduction=getattr(loss, "reduction", "mean"),
        )
        schedule = Schedule(scheduler and scheduler(built), interval, monitor and Metric(monitor))  # type: ignore[arg-type]
        return Training(TrainState(made, built, schedule), batches, objective, seed)

    return make
