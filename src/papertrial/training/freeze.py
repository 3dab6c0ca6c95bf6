"""Parameters that a training does not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from papertrial.errors import ModelError, nearest
from papertrial.numbers import plural

_SHOWN = 8


@dataclass(frozen=True)
class Frozen:
    """What of a model is not trained.

    Attributes:
        tensors: the number of frozen parameter tensors.
        parameters: the number of their elements.
        of: the number of elements of all parameters.
        batch_norms: the number of batch norm layers whose parameters are frozen.
        fixed: whether these normalise with stored statistics, which do not change.
    """

    tensors: int
    parameters: int
    of: int
    batch_norms: int
    fixed: bool

    @property
    def text(self) -> str:
        """What is frozen, in words."""
        count = plural(self.tensors, "tensor")
        words = f"{self.parameters:,} of {self.of:,} parameters are frozen, in {count}"
        if not self.batch_norms:
            return words
        layers = plural(self.batch_norms, "frozen batch norm layer")
        return f"{words}; the statistics of {layers} are {'fixed' if self.fixed else 'updated'}"


def freeze(model: nn.Module, patterns: Sequence[str], *, fix_batch_norm: bool = False) -> Frozen:
    """Freeze the parameters of a model whose names match one of the patterns.

    Args:
        model: the model.
        patterns: of names of parameters; "*" matches any text.
        fix_batch_norm: keep frozen batch norm layers in evaluation mode also in training, so that
            their statistics do not change. Otherwise they normalise each batch by its own
            statistics, and update the stored ones, as torch does.

    Raises:
        ModelError: a pattern matches no parameter, or no parameter is left to train.
    """
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    every = [name for shared in names.values() for name in shared]
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in every):
            more = f" and {len(every) - _SHOWN} more" if len(every) > _SHOWN else ""
            near = nearest(pattern, {*every, *_groups(every)})
            raise ModelError(
                f"freeze: {pattern!r} matches no parameter, whose names are "
                f"{', '.join(every[:_SHOWN])}{more}{near}"
            )
    frozen = [
        p
        for p in model.parameters()
        if any(fnmatchcase(name, pattern) for name in names[id(p)] for pattern in patterns)
    ]
    for parameter in frozen:
        parameter.requires_grad_(False)
    if not any(p.requires_grad for p in model.parameters()):
        raise ModelError(
            "freeze: all parameters are frozen, so there is nothing to train; freeze fewer"
        )
    norms = [m for path, m in model.named_modules() if _is_frozen_norm(path, m, patterns)]
    if fix_batch_norm:
        for module in norms:
            module.register_forward_pre_hook(_in_evaluation_mode)
    return Frozen(
        tensors=len(frozen),
        parameters=sum(p.numel() for p in frozen),
        of=sum(p.numel() for p in model.parameters()),
        batch_norms=len(norms),
        fixed=fix_batch_norm,
    )


def _is_frozen_norm(path: str, module: nn.Module, patterns: Sequence[str]) -> bool:
    """Return whether a module is batch norm whose parameters, or else buffers, match a pattern."""
    if not isinstance(module, _BatchNorm) or module.running_mean is None:
        return False
    own = list(module._parameters if module.affine else module._buffers)
    return all(
        any(fnmatchcase(f"{path}.{name}".lstrip("."), pattern) for pattern in patterns)
        for name in own
    )


def _in_evaluation_mode(module: nn.Module, inputs: Any) -> None:
    """Put a module in evaluation mode before it is called; the training sets all modules."""
    module.eval()


def _groups(names: Sequence[str]) -> set[str]:
    return {f"{name[: i + 1]}*" for name in names for i, mark in enumerate(name) if mark == "."}
