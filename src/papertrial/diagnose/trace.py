"""A model's run as it was: which layers and functions were called, and what came from where."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

RESHAPES = frozenset({"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"})
# What hands its numbers on: told as if it had not been there.
_SAME_NUMBERS = RESHAPES | frozenset(
    [
        "squeeze",
        "unsqueeze",
        "contiguous",
        "clone",
        "to",
        "float",
        "double",
        "half",
        "bfloat16",
        "dropout",
        "detach",
        "type",
    ]
)
_PASSING = (nn.Flatten, nn.Unflatten, nn.Identity, nn.modules.dropout._DropoutNd)
_LONGEST = 60  # characters of a label; beyond, what is inside its brackets is left out


@dataclass(frozen=True)
class Origin:
    """Where a tensor comes from.

    `label` says all ("relu(conv2)"), `maker` who made that many numbers a sample ("conv2"), and
    `shape` is that of the tensor before it was flattened.
    """

    label: str
    maker: str
    shape: tuple[int, ...]

    @property
    def is_input(self) -> bool:
        """Whether it is the model's own input."""
        return self.label == "the input"

    def __str__(self) -> str:
        return f"{self.label} {list(self.shape)}" if self.is_input else self.label


@dataclass
class Call:
    """A call of a function or a layer; `ends` are the first and last row of its result, if kept."""

    name: str  # "view", "conv2"
    arguments: tuple[Any, ...]
    given: tuple[int, ...] | None  # the shape of its first tensor
    origin: Origin | None  # of its first tensor
    shape: tuple[int, ...] | None = None  # of what it returned; None where it failed
    keywords: dict[str, Any] = field(default_factory=dict)
    ends: Tensor | None = None


def shape_of(value: Any) -> str:
    """Return a tensor's shape, as text; of another thing its type."""
    return str(list(value.shape)) if isinstance(value, Tensor) else type(value).__name__


def label_of(name: str, module: nn.Module) -> str:
    """Return what to call a module: "conv1"; with its class where its own name is a number."""
    if not name:
        return f"the model ({type(module).__name__})"
    number = name.rpartition(".")[2].isdigit()
    return f"{name} ({type(module).__name__})" if number else name


class Trace:
    """What happened when a model ran.

    Args:
        keep_ends: keep the first and the last row of every result, to compare two runs.
    """

    def __init__(self, keep_ends: bool = False) -> None:
        self.keep_ends = keep_ends
        self.calls: list[Call] = []
        self.failed: Call | None = None  # the function whose call raised
        self.running: list[tuple[str, nn.Module, tuple[Any, ...]]] = []  # name, layer, its input
        self._origins: Any = WeakIdKeyDictionary()

    def origin(self, value: Any) -> Origin | None:
        """Return where a tensor comes from, where that is known."""
        origin: Origin | None = self._origins.get(value) if isinstance(value, Tensor) else None
        return origin

    @contextlib.contextmanager
    def of(self, model: nn.Module, x: Any) -> Iterator[None]:
        """Record what happens inside; `x` is what the model will be given."""
        for tensor in _tensors(x):
            self._origins[tensor] = Origin("the input", "the input", tuple(tensor.shape))
        names = {module: name for name, module in model.named_modules()}

        def enter(module: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
            self.entered(names.get(module, ""), module, (*inputs, *named.values()))

        def leave(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            self.left(output)

        # Ahead of a lazy layer's own hook, which may be what refuses the input.
        hooks: list[Any] = [
            m.register_forward_pre_hook(enter, prepend=True, with_kwargs=True) for m in names
        ]
        hooks += [m.register_forward_hook(leave) for m in names]
        try:
            with _Functions(self):
                yield
        finally:
            for hook in hooks:
                hook.remove()

    @property
    def inside_layer(self) -> bool:
        """Whether a layer of torch.nn is running, whose own calls say nothing more."""
        return bool(self.running) and is_layer(self.running[-1][1])

    def called(self, name: str, args: Sequence[Any], kwargs: dict[str, Any], output: Any) -> None:
        """Record a function's call."""
        given = _tensors((args, kwargs))
        made = _tensors(output)
        if not made or not given:
            return
        self._record(name, args, kwargs, given[0], made[0])
        known = [origin for t in given if (origin := self.origin(t)) is not None]
        if known:
            self._derive(name, known, made, passes=name in _SAME_NUMBERS)

    def entered(self, name: str, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        """Record that a module is called."""
        self.running.append((name, module, inputs))

    def left(self, output: Any) -> None:
        """Record that the innermost module that is running has returned."""
        name, module, inputs = self.running.pop()
        made, given = _tensors(output), _tensors(inputs)
        label = label_of(name, module)
        layer = is_layer(module)
        if made and (layer or name):
            self._record(label, (), {}, given[0] if given else None, made[0])
        known = [origin for t in given[:1] if (origin := self.origin(t)) is not None]
        if layer and known and isinstance(module, _PASSING):
            self._derive(label, known, made, passes=True)
        elif layer and known and label == name and not list(module.parameters()):
            self._derive(name.rpartition(".")[2], known, made, passes=False)
        elif layer or (name and not isinstance(module, nn.Sequential)):
            for tensor in made:
                # A block of the user's own that only flattens has made nothing.
                shape = tuple(tensor.shape)
                now = self.origin(tensor)
                if layer or now is None or now.shape == shape:
                    self._origins[tensor] = Origin(label, label, shape)

    def _derive(
        self, name: str, known: Sequence[Origin], made: Sequence[Tensor], *, passes: bool
    ) -> None:
        first = known[0]
        inside = ", ".join(dict.fromkeys(origin.label for origin in known))
        label = f"{name}({inside})"
        label = label if len(label) <= _LONGEST else f"{name}(...)"
        for tensor in made:
            shape = tuple(tensor.shape)
            if passes:
                self._origins[tensor] = first
            else:
                maker = first.maker if shape == first.shape and not first.is_input else label
                self._origins[tensor] = Origin(label, maker, shape)

    def _record(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: dict[str, Any],
        given: Tensor | None,
        made: Tensor,
    ) -> None:
        call = _call(self, name, args, kwargs, given)
        call.shape = tuple(made.shape)
        if self.keep_ends and made.ndim and len(made):
            with torch._C.DisableTorchFunction():  # not a call of the model's
                call.ends = made.detach()[[0, -1]]
        self.calls.append(call)


class _Functions(TorchFunctionMode):
    """Hands each call of a torch function on to a trace."""

    def __init__(self, trace: Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__name__", type(func).__name__).strip("_")
        try:
            output = func(*args, **kwargs)
        except Exception:
            if self.trace.failed is None:
                given = next(iter(_tensors((args, kwargs))), None)
                self.trace.failed = _call(self.trace, name, args, kwargs, given)
                self.trace.failed.arguments = tuple(args)  # whole, to tell of their shapes
            raise
        if name != "get" and not self.trace.inside_layer:
            self.trace.called(name, args, kwargs, output)
        return output


def is_layer(module: nn.Module) -> bool:
    """Tell whether a module is one of torch.nn's with no other inside."""
    own = type(module).__module__.startswith("torch.nn")
    return own and not next(module.children(), None)


def _call(
    trace: Trace, name: str, args: Sequence[Any], kwargs: dict[str, Any], given: Tensor | None
) -> Call:
    plain = tuple(a for a in args if not _tensors(a))  # a record of a run keeps no tensors alive
    shape = None if given is None else tuple(given.shape)
    named = {name: value for name, value in kwargs.items() if not _tensors(value)}
    return Call(name, plain, shape, trace.origin(given), keywords=named)


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def run(model: nn.Module, x: Any, *, keep_ends: bool = False) -> tuple[Trace, Any]:
    """Return the record of one forward pass [B, ...] without gradients, and its output.

    The output is the exception where the model failed.
    """
    trace = Trace(keep_ends)
    return trace, run_traced(trace, model, x)


def run_traced(trace: Trace, model: nn.Module, x: Any) -> Any:
    """Record one forward pass [B, ...] in a trace, and return its output as `run` does."""
    with torch.no_grad():
        try:
            with trace.of(model, x):
                return model(x)
        except Exception as error:
            return error
