"""Check before the training that an objective returns what the training needs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
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
from papertrial.training.objective import Objective, module_of, modules_in, supervised

_WHAT = "(loss, output)"
_NEAR = 1e-3  # relative: float32 or bf16 rounding of a mean


def check_objective(objective: Objective, batch: Batch, device: torch.device) -> None:
    """Try an objective on a batch in training mode; leave the model and its buffers as they were.

    These properties are checked:

    - It returns (loss, output): one finite number with a gradient, and an output as the task
      needs it, with a row for each sample.
    - The gradient reaches a parameter of the model.
    - It changes no weights itself, leaves backward() to the training, and the model in training
      mode.
    - Parameters of its own that can be trained are those of a module with `trains = True`.

    Raises:
        ModelError: it does not have these properties.
    """
    name, model = name_of(objective), objective.model
    _check_own_parameters(objective, name)
    before = [p.detach().clone() for p in model.parameters()]
    teachers = _parameters_of_attributes(objective)
    taught = [p.detach().clone() for p in teachers.values()]
    with _kept(objective, device):
        model.train()
        loss = _first_loss(objective, name, batch)
        _check_untouched(model, before, name)
        for (called, now), was in zip(teachers.items(), taught, strict=True):
            if not torch.equal(now, was):
                raise ModelError(
                    f"objective: {name} changes {called}, which a training that is resumed would "
                    "lose; make the objective a torch.nn.Module"
                )
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


@contextlib.contextmanager
def _kept(objective: Objective, device: torch.device) -> Iterator[None]:
    """Draw from a separate stream in the block, and restore the model and the objective."""
    with contextlib.ExitStack() as stack:
        for module in (objective.model, *modules_in(objective.function).values()):
            stack.enter_context(model_kept(module, device))
        for module in modules_in(objective.function).values():
            stack.enter_context(_parameters_kept(module))
        stack.enter_context(drawing_from(device, 0))
        yield


def _parameters_of_attributes(objective: Objective) -> dict[str, nn.Parameter]:
    """Return the parameters of the modules that an objective uses, {} if it is a module itself."""
    if module_of(objective.function) is not None:
        return {}
    return {
        f"{attribute}.{name}": parameter
        for attribute, module in modules_in(objective.function).items()
        for name, parameter in module.named_parameters()
    }


@contextlib.contextmanager
def _parameters_kept(module: nn.Module) -> Iterator[None]:
    """Restore the parameters of a module after a block, as an objective may update a teacher."""
    before = [(p, p.detach().clone()) for p in module.parameters()]
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, was in before:
                if not torch.equal(parameter, was):
                    parameter.copy_(was)


def _check_own_parameters(objective: Objective, name: str) -> None:
    """Raise ModelError for parameters of an objective that it does not declare."""
    own = [
        f"{attribute}.{parameter}".lstrip(".")
        for attribute, module in modules_in(objective.function).items()
        for parameter, values in module.named_parameters()
        if values.requires_grad
    ]
    module = module_of(objective.function)
    trains = getattr(module, "trains", False) is True
    if own and not trains:
        how = "" if module is not None else "make it a torch.nn.Module, and "
        raise ModelError(
            f"objective: {name} has parameters that require gradients ({', '.join(own[:3])}); "
            f"freeze them with requires_grad_(False), or {how}declare by the class attribute "
            "trains = True that the optimizer trains them"
        )
    if trains and not own:
        raise ModelError(f"objective: {name} has trains = True, but no parameter to train")


def _check_untouched(model: nn.Module, before: Sequence[Tensor], name: str) -> None:
    """Raise ModelError if an objective changed weights or mode, or computed gradients itself."""
    now = list(model.parameters())
    if not all(torch.equal(p, was) for p, was in zip(now, before, strict=True)):
        raise ModelError(
            f"objective: {name} changes the model's weights; return the loss, and leave the step "
            "to the optimizer"
        )
    if not model.training:
        raise ModelError(
            f"objective: {name} leaves the model in evaluation mode; call model.train() before it "
            "returns"
        )
    if any(p.grad is not None for p in now):
        raise ModelError(
            f"objective: {name} calls backward() itself; return the loss, or take the gradients "
            "that it needs with torch.autograd.grad"
        )


def _called(objective: Objective, name: str, batch: Batch) -> Any:
    """Return what an objective returns for a copy of a batch."""
    x, y = mapped(torch.clone, batch.x), mapped(torch.clone, batch.y)
    try:
        with objective.context:
            return objective.function(objective.model, x, y, objective.task_loss)
    except PapertrialError as error:
        raise ModelError(f"objective: {name}: {error}") from error
    except Exception as error:
        raise ModelError(
            f"objective: {name} fails on a batch of {row_count(batch.y)}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _first_loss(objective: Objective, name: str, batch: Batch) -> Tensor:
    """Return the loss of an objective for a copy of a batch, with its graph."""
    returned = _called(objective, name, batch)
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
        objective.task.check_output(output, batch.y)
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
    """Check that a batch can be computed in `objective.accumulate` parts.

    The loss of the whole batch must be the mean or the sum of those of its parts, each weighted by
    its samples, in evaluation mode, where batch norm and dropout do not couple samples. This cannot
    be seen of an objective that draws random numbers; it may declare `per_sample = True`.

    Returns:
        "mean" or "sum".

    Raises:
        ModelError: the loss of a sample depends on the other samples of the batch, or may do so.
    """
    rows = row_count(batch.y)
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
        else f"gives {whole:.6g} on a batch, and {values[0][0]:.6g} on its first part"
    )
    raise ModelError(
        f"accumulate: {objective.accumulate} computes a batch in parts, so the loss of a sample "
        f"must not depend on the others, but {_subject(objective)} {why}; remove accumulate"
    )


def check_loss_in_parts(objective: Objective, output: Tensor, y: Any, device: torch.device) -> None:
    """Check that a loss of outputs [B, ...] is the mean or the sum of those of its parts.

    It is not if classes have weights, which a mean divides by their sum in each part. A loss that
    draws random numbers cannot be tried.

    Raises:
        ModelError: it is neither.
    """
    rows, output = row_count(y), output.detach()
    pairs = zip(*(in_parts(v, objective.accumulate) for v in (output, y)), strict=True)
    with drawing_from(device, 0):
        before = generator_states(device)
        parts = [(float(objective.task_loss(*pair)), row_count(pair[1])) for pair in pairs]
        whole = float(objective.task_loss(output, y))
        if generator_states(device) != before:
            return
    totals = (sum(v * n / rows for v, n in parts), sum(v for v, _ in parts))
    if min(abs(total - whole) for total in totals) > _NEAR * abs(whole):
        raise ModelError(
            f"accumulate: {objective.accumulate} computes a batch in parts, but the loss gives "
            f"{whole:.6g} on a batch, and {totals[0]:.6g} as the mean of its parts: it couples "
            "samples, as class weights do in a mean; remove accumulate, or use reduction: sum"
        )


def _value(objective: Objective, batch: Batch, device: torch.device) -> tuple[float, bool]:
    """Return the loss of an objective in evaluation mode, and whether it drew random numbers."""
    with _kept(objective, device):
        objective.model.eval()
        before = generator_states(device)
        loss, _ = _called(objective, name_of(objective), batch)
        return float(loss.detach()), generator_states(device) != before


def _subject(objective: Objective) -> str:
    return "the loss" if objective.function is supervised else f"the objective {name_of(objective)}"


def name_of(objective: Objective) -> str:
    """Return the name of an objective for messages: that of its class or function."""
    function: Any = objective.function
    return str(getattr(getattr(function, "func", function), "__name__", type(function).__name__))
