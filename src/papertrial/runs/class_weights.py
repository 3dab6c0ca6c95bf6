"""Class weights of a loss: by class name, or `balanced`, as the lists that the loss is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.nn import functional

from papertrial.errors import ModelError
from papertrial.recipe.argument_types import takes_tensor, types_of
from papertrial.recipe.check_slots import BALANCED
from papertrial.recipe.resolve import resolve
from papertrial.recipe.schema import Recipe
from papertrial.tasks.class_counts import ClassCounts

_PER_CLASS = (nn.CrossEntropyLoss, nn.NLLLoss, nn.MultiMarginLoss)
_PER_CLASS_FUNCTIONS = (functional.cross_entropy, functional.nll_loss, functional.multi_margin_loss)
_PER_SAMPLE = (nn.BCEWithLogitsLoss, nn.BCELoss)
_PER_SAMPLE_FUNCTIONS = (
    functional.binary_cross_entropy_with_logits,
    functional.binary_cross_entropy,
)


def needs_classes(recipe: Recipe) -> bool:
    """Return whether the arguments of a recipe's loss depend on the classes of the data."""
    return _depends(recipe.loss.use, recipe.loss.kwargs)


def with_class_weights(
    where: str, use: str, kwargs: Mapping[str, Any], classes: ClassCounts | None
) -> dict[str, Any]:
    """Return the arguments of a loss with class weights as lists of numbers.

    `weight: balanced` is rows / (K * count) for each class, `pos_weight: balanced` is negatives /
    positives, both counted in the training part; weights by class name get the order of the
    classes.

    Args:
        where: the key path of the slot.
        use: the import path of the loss.
        kwargs: its arguments, with those of nested slots.
        classes: the classes of the training part; None if the task has none.

    Raises:
        ModelError: the weights do not fit the classes.
    """
    target = resolve(use)
    hints = types_of(target)
    changed = {}
    for key, value in kwargs.items():
        here = f"{where}.{key}"
        if isinstance(value, dict) and "use" in value:
            inner = {k: v for k, v in value.items() if k not in ("use", "args")}
            own = {k: v for k, v in value.items() if k in ("use", "args")}
            changed[key] = {**own, **with_class_weights(here, value["use"], inner, classes)}
        elif takes_tensor(hints.get(key)):
            try:
                changed[key] = _weights(target, key, value, classes)
            except ModelError as error:
                raise ModelError(f"{here}: {error}") from error
        else:
            changed[key] = value
    return changed


def _depends(use: object, kwargs: Mapping[str, Any]) -> bool:
    hints = types_of(resolve(use)) if isinstance(use, str) else {}
    return any(
        _depends(value["use"], value)
        if isinstance(value, dict) and "use" in value
        else takes_tensor(hints.get(key)) and _is_by_class(value)
        for key, value in kwargs.items()
    )


def _is_by_class(value: object) -> bool:
    return value == BALANCED or (isinstance(value, dict) and "use" not in value)


def _weights(target: Any, key: str, value: Any, classes: ClassCounts | None) -> Any:
    per_class = key == "weight" and _is_one_of(target, _PER_CLASS, _PER_CLASS_FUNCTIONS)
    if not _is_by_class(value):
        is_list = per_class and isinstance(value, list | tuple)
        if is_list and classes is not None and len(value) != len(classes.names):
            raise ModelError(
                f"needs a weight for each of the {len(classes.names)} classes, got "
                f"{len(value)}: {value}"
            )
        return value
    if classes is None:
        raise ModelError(f"needs a task whose targets are classes, got {value!r}; give numbers")
    if key == "weight" and _is_one_of(target, _PER_SAMPLE, _PER_SAMPLE_FUNCTIONS):
        raise ModelError("is not a weight of classes in this loss; use pos_weight")
    if key == "pos_weight":
        if isinstance(value, dict) and classes.one_each:
            raise ModelError(
                f"is one number, the weight of {classes.names[-1]!r}, got {value}; give the number"
            )
        return classes.positive() if value == BALANCED else classes.by_name(value)
    return classes.balanced() if value == BALANCED else classes.by_name(value)


def _is_one_of(target: Any, kinds: tuple[type, ...], functions: tuple[Any, ...]) -> bool:
    return (isinstance(target, type) and issubclass(target, kinds)) or target in functions
