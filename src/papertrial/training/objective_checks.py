"""Check before the training that an objective returns what the training needs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from papertrial.data.batches import Batch
from papertrial.data.nested import in_parts, mapped, row_count
from papertrial.data.streams import drawing_from, generator_states
from papertrial.diagnose.lent_model import model_kept
from papertrial.errors import ModelError, PapertrialError
from papertrial.model_call import main_output
from papertrial.tasks.loss_requirements import Reduction
from papertrial.training.objective import Objective, module_of

_WHAT = "(loss, output)"
_NEAR = 1e-3  # relative: float32 or bf16 rounding of a mean


def check_objective(objective: Objective, batch: Batch, device: torch.device) -> None:
    """Try an objective on a batch in training mode, and leave the model as it was.

    These properties are checked:

    - It returns (loss, output): one finite number with a gradient, and an output as the task
      needs it, with a row for each sample.
    - The gradient reaches a parameter of the model.
    - It changes no weights itself.
    - Parameters of its own that can be trained are declared by `trains = True`.

    Raises:
        ModelError: it does not have these properties.
    """
    name, module = name_of(objective), module_of(objective.function)
    _check_own_parameters(name, module)
    model = objective.model
    before = [p.detach().clone() for p in model.parameters()]
    with model_kept(model, device), drawing_from(device, 0):
        model.train()
        loss = _first_loss(objective, name, batch)
        try:
            reached = torch.autograd.grad(
                loss, [p for p in model.parameters() if p.requires_grad], allow_unused=True
            )
        except RuntimeError as error:
            raise ModelError(f"objective: {name}: no gradient of its loss: {error}") from error
        if all(gradient is None for gradient in reached):
            raise ModelError(
                f"objective: the loss that {name} returns has no gradient for the model; look for "
                "detach(), item() or torch.no_grad() in it"
            )
    if not all(torch.equal(p, was) for p, was in zip(model.parameters(), before, strict=True)):
        raise ModelError(
            f"objective: {name} changes the model's weights; return the loss, and leave the step "
            "to the optimizer"
        )


def _check_own_parameters(name: str, module: nn.Module | None) -> None:
    """Raise ModelError for parameters of an objective that it does not declare."""
    own = [] if module is None else [n for n, p in module.named_parameters() if p.requires_grad]
    trains = getattr(module, "trains", False) is True
    if own and not trains:
        raise ModelError(
            f"objective: {name} has parameters that require gradients ({', '.join(own[:3])}); "
            "freeze them with requires_grad_(False), or declare by the class attribute "
            "trains = True that the optimizer trains them"
        )
    if trains and not own:
        raise ModelError(f"objective: {name} has trains = True, but no parameter to train")


def _first_loss(objective: Objective, name: str, batch: Batch) -> Tensor:
    """Return the loss of an objective for a copy of a batch, with its graph."""
    model, task = objective.model, objective.task
    x, y = mapped(torch.clone, batch.x), mapped(torch.clone, batch.y)
    try:
        with objective.context:
            returned: Any = objective.function(model, x, y, objective.task_loss)
    except PapertrialError as error:
        raise ModelError(f"objective: {name}: {error}") from error
    except Exception as error:
        raise ModelError(
            f"objective: {name} fails on a batch of {row_count(batch.y)}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(returned, tuple | list) or len(returned) != 2:
        is_list = isinstance(returned, tuple | list)
        got = f"{len(returned)} items" if is_list else type(returned).__name__
        raise ModelError(f"objective: {name} must return {_WHAT}, got {got}")
    loss, output = returned[0], _main(returned[1], name)
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        got = str(list(loss.shape)) if isinstance(loss, Tensor) else type(loss).__name__
        raise ModelError(f"objective: {name} must return one number as the loss, got {got}")
    if not loss.requires_grad:
        raise ModelError(
            f"objective: the loss that {name} returns has no gradient; compute it from the model's "
            "output, without detach(), item() or torch.no_grad()"
        )
    if not torch.isfinite(loss):
        raise ModelError(f"objective: the first loss of {name} is {loss.item()}")
    try:
        task.check_output(output, batch.y)
    except ModelError as error:
        raise ModelError(f"objective: the output that {name} returns: {error}") from error
    return loss


def _main(output: Any, name: str) -> Tensor:
    """Return the tensor in what an objective returns as the output."""
    try:
        return main_output(output)
    except ModelError as error:
        raise ModelError(f"objective: the output that {name} returns: {error}") from error


def check_parts(objective: Objective, batch: Batch, device: torch.device) -> Reduction:
    """Check that an objective can be computed in `objective.accumulate` parts of a batch.

    The loss of the whole batch must be the mean or the sum of those of its parts, each weighted by
    its samples, in evaluation mode, where batch norm and dropout do not couple samples. This cannot
    be seen of an objective that draws random numbers; it may declare `per_sample = True`.

    Returns:
        "mean" or "sum".

    Raises:
        ModelError: the loss of a sample depends on the other samples of the batch, or may do so.
    """
    name, rows = name_of(objective), row_count(batch.y)
    pairs = zip(*(in_parts(v, objective.accumulate) for v in (batch.x, batch.y)), strict=True)
    parts = [Batch(*pair) for pair in pairs]
    whole, draws = _value(objective, batch, device)
    values = [(_value(objective, part, device)[0], row_count(part.y)) for part in parts]
    declared = getattr(objective.function, "per_sample", False) is True
    if draws and declared:
        return "mean"
    if not draws and abs(sum(value for value, _ in values) - whole) <= _NEAR * abs(whole):
        return "sum"
    mean = sum(value * count / rows for value, count in values)
    if not draws and abs(mean - whole) <= _NEAR * abs(whole):
        return "mean"
    why = (
        "draws random numbers, so that this cannot be tried; if it holds, give it the attribute "
        "per_sample = True"
        if draws
        else f"has a loss of {whole:.6g} on a batch, and of {values[0][0]:.6g} on its first part"
    )
    raise ModelError(
        f"accumulate: {objective.accumulate} computes a batch in parts, so the loss of a sample "
        f"must not depend on the others, but the objective {name} {why}; remove accumulate"
    )


def _value(objective: Objective, batch: Batch, device: torch.device) -> tuple[float, bool]:
    """Return the loss of an objective in evaluation mode, and whether it drew random numbers."""
    x, y = mapped(torch.clone, batch.x), mapped(torch.clone, batch.y)
    with model_kept(objective.model, device), drawing_from(device, 0):
        objective.model.eval()
        before = generator_states(device)
        value = float(objective.compute(x, y)[0].detach())
        return value, generator_states(device) != before


def name_of(objective: Objective) -> str:
    """Return the name of an objective for messages: that of its class or function."""
    function: Any = objective.function
    return str(getattr(getattr(function, "func", function), "__name__", type(function).__name__))
