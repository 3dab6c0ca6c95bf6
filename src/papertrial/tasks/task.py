"""The interface of tasks, and what a run stores of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator
from torch import Tensor

from papertrial.data.column import Dataset
from papertrial.data.kind import Kind, TargetKind
from papertrial.record import Part
from papertrial.tasks.target_transform import TargetTransform

Family = Literal["classification", "multilabel", "regression", "prediction"]


class ClassificationMeaning(Part):
    """The names of the classes, in the order of the outputs.

    With `probabilities`, one output for two classes is the probability of the second, not a logit.
    """

    family: Literal["classification"] = "classification"
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    probabilities: bool = False


class MultilabelMeaning(Part):
    """The names of the labels, in the order of the outputs."""

    family: Literal["multilabel"] = "multilabel"
    labels: Annotated[tuple[str, ...], Field(min_length=2)]
    probabilities: bool = False


class RegressionMeaning(Part):
    """The names of the feature columns, in the model's order, and of the target.

    `targets` has the names of several targets, in the order of the outputs. `transform` is that of
    the targets that the loss saw.
    """

    family: Literal["regression"] = "regression"
    features: tuple[str, ...]
    target: str
    targets: tuple[str, ...] = ()
    transform: TargetTransform | None = None


class TensorMeaning(Part):
    """Nothing: loss and metrics define what outputs mean.

    If the data name the classes of each position, `class_axis` of the outputs [B, ...] has them.
    """

    family: Literal["prediction"] = "prediction"
    classes: tuple[str, ...] = ()
    class_axis: int | None = None

    @model_validator(mode="after")
    def _check_axis(self) -> TensorMeaning:
        if bool(self.classes) != (self.class_axis is not None) or self.class_axis == 0:
            raise ValueError("classes need an axis of the outputs that is not the first")
        return self


Meaning = Annotated[
    ClassificationMeaning | MultilabelMeaning | RegressionMeaning | TensorMeaning,
    Field(discriminator="family"),
]


@dataclass(frozen=True)
class Prediction:
    """A prediction: a class, or a list of labels, with all probabilities; or numbers without.

    Numbers are one number, several by the names of their targets, or nested lists of an output of
    more dimensions. `output` is then what the model returned; None for other tasks.
    """

    prediction: str | float | list[Any] | dict[str, float]
    probabilities: dict[str, float] = field(default_factory=dict)
    output: Tensor | None = field(default=None, compare=False)


class Task(ABC):
    """What outputs and targets mean; B is the batch, K the classes, T the numbers predicted."""

    kinds: ClassVar[tuple[Kind, ...]]  # of samples that it takes
    targets: ClassVar[TargetKind]
    family: ClassVar[Family]
    metrics: ClassVar[tuple[str, ...]]  # reported if the recipe names none
    headline: ClassVar[str]  # the metric that progress shows

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the K classes or labels; () for regression."""
        return ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report must say of the unit of losses and metrics."""
        return ()

    @property
    def position_classes(self) -> tuple[str, ...]:
        """The names of the classes of each position of the outputs; () if they have none."""
        return ()

    @classmethod
    @abstractmethod
    def of(cls, dataset: Dataset) -> Self:
        """Return the task for the classes or columns of a set."""

    @classmethod
    @abstractmethod
    def from_meaning(cls, meaning: Meaning) -> Self:
        """Return the task that `meaning()` was called on; the family must be that of the class."""

    def for_probabilities(self) -> Self:
        """Return the task for a loss that takes probabilities, if it can have outputs like that."""
        return self

    def for_outputs(self, output: Tensor, loss: object) -> Self:
        """Return the task for outputs [B, ...] like this one, that the loss takes.

        Raises:
            ModelError: the outputs do not have the classes that the data name.
        """
        return self

    @abstractmethod
    def meaning(self) -> Meaning:
        """Return what a run stores of the task: what prediction needs to know."""

    @abstractmethod
    def check_output(self, output: Tensor, targets: Any) -> None:
        """Raise ModelError unless `output` [B, ...] has the shape that this task needs."""

    def in_original_unit(self, output: Tensor) -> Tensor:
        """Return raw outputs [B, ...] in the unit of the targets as stored.

        Only a regression whose targets are transformed has another unit in training.
        """
        return output

    def in_training_unit(self, output: Tensor) -> Tensor:
        """Return what `in_original_unit` returned as the raw outputs that a loss takes."""
        return output

    @abstractmethod
    def target(self, y: Any, output: Tensor) -> Any:
        """Return the targets y with the dtype and shape that a loss needs for `output`."""

    @abstractmethod
    def link(self, output: Tensor) -> Tensor:
        """Return what is reported for raw outputs [B, ...]: probabilities, or the numbers."""

    @abstractmethod
    def decode(self, output: Tensor) -> list[Prediction]:
        """Return a prediction for each row of raw outputs [B, ...]."""

    @abstractmethod
    def batch_score(self, output: Tensor, targets: Any) -> Tensor | None:
        """Return the headline metric of a training batch, a scalar; None if it is the loss."""
