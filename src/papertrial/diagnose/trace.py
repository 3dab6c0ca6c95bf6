"""Trace a forward pass: which layers and functions are called, and where tensors come from."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from papertrial.model_call import output_of

RESHAPES = frozenset({"view", "reshape", "flatten", "unflatten", "view_as", "reshape_as"})
# Functions that pass their numbers on, so they are left out of where a tensor comes from.
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
_LONGEST = 60  # characters of a label; in a longer one, the text in brackets is left out


@dataclass(frozen=True)
class Origin:
    """Where a tensor comes from.

    Attributes:
        label: all functions and layers that made it, such as "relu(conv2)".
        maker: the last of them that changed the number of values per sample, such as "conv2".
        shape: the shape of the tensor before it was flattened.
    """

    label: str
    maker: str
    shape: tuple[int, ...]

    @property
    def is_input(self) -> bool:
        """Whether the tensor is the input of the model."""
        return self.label == "the input"

    def __str__(self) -> str:
        return f"{self.label} {list(self.shape)}" if self.is_input else self.label


@dataclass
class Call:
    """A call of a function or a layer.

    Attributes:
        name: such as "view" or "conv2".
        arguments: positional arguments, without tensors unless the call failed.
        given: the shape of its first tensor.
        origin: where its first tensor comes from.
        shape: the shape of the result; None if the call failed.
        keywords: keyword arguments without tensors.
        ends: the first and the last row of the result, if the trace keeps them.
    """

    name: str
    arguments: tuple[object, ...]
    given: tuple[int, ...] | None
    origin: Origin | None
    shape: tuple[int, ...] | None = None
    keywords: Mapping[str, object] = field(default_factory=dict)
    ends: Tensor | None = None


def label_of(name: str, module: nn.Module) -> str:
    """Return the name of a traced module: "conv1", or "0 (Linear)" if the name is a number."""
    if not name:
        return f"the model ({type(module).__name__})"
    number = name.rpartition(".")[2].isdigit()
    return f"{name} ({type(module).__name__})" if number else name


class Trace:
    """The calls of a forward pass, and where each tensor comes from.

    Args:
        keep_ends: whether to keep the first and the last row of every result, to compare two runs.
    """

    def __init__(self, keep_ends: bool = False) -> None:
        self.keep_ends = keep_ends
        self.calls: list[Call] = []
        self.failed: Call | None = None  # the first call that raised an exception
        self.running: list[tuple[str, nn.Module, tuple[object, ...]]] = []  # name, layer, input
        self._origins: Any = WeakIdKeyDictionary()

    def origin(self, value: object) -> Origin | None:
        """Return where a tensor comes from; None if that is not known."""
        origin: Origin | None = self._origins.get(value) if isinstance(value, Tensor) else None
        return origin

    @contextlib.contextmanager
    def of(self, model: nn.Module, x: Any) -> Iterator[None]:
        """Record the calls within the block, in which the model is called as model(x)."""
        for tensor in _tensors(x):
            self._origins[tensor] = Origin("the input", "the input", tuple(tensor.shape))
        names = {module: name for name, module in model.named_modules()}

        def enter(module: nn.Module, inputs: tuple[object, ...], named: dict[str, object]) -> None:
            self.entered(names.get(module, ""), module, (*inputs, *named.values()))

        def leave(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
            self.left(output)

        # Prepended, because the hook that initialises a lazy layer may refuse the input.
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
        """Whether a layer of torch.nn is running, whose inner calls are not recorded."""
        return bool(self.running) and is_layer(self.running[-1][1])

    def called(
        self, name: str, args: Sequence[object], kwargs: Mapping[str, object], output: object
    ) -> None:
        """Record a call of a function in the trace."""
        given = _tensors((args, kwargs))
        made = _tensors(output)
        if not made or not given:
            return
        self._record(name, args, kwargs, given[0], made[0])
        known = [origin for t in given if (origin := self.origin(t)) is not None]
        if known:
            self._derive(name, known, made, passes=name in _SAME_NUMBERS)

    def entered(self, name: str, module: nn.Module, inputs: tuple[object, ...]) -> None:
        """Record in the trace that a module is called."""
        self.running.append((name, module, inputs))

    def left(self, output: object) -> None:
        """Record in the trace that the innermost running module has returned."""
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
                # A user's block that only flattens does not change where a tensor comes from.
                shape = tuple(tensor.shape)
                now = self.origin(tensor)
                if layer or now is None or now.shape == shape:
                    self._origins[tensor] = Origin(label, label, shape)

    def _derive(
        self, name: str, known: Sequence[Origin], made: Sequence[Tensor], *, passes: bool
    ) -> None:
        """Set where the results of a call come from, given where its inputs come from."""
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
        args: Sequence[object],
        kwargs: Mapping[str, object],
        given: Tensor | None,
        made: Tensor,
    ) -> None:
        """Add a call that returned `made` to the trace."""
        call = _call(self, name, args, kwargs, given)
        call.shape = tuple(made.shape)
        if self.keep_ends and made.ndim and len(made):
            with torch._C.DisableTorchFunction():  # this call is not the model's
                call.ends = made.detach()[[0, -1]]
        self.calls.append(call)


class _Functions(TorchFunctionMode):
    """Reports each call of a torch function to a trace."""

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
                self.trace.failed.arguments = tuple(args)  # with tensors, whose shapes explain it
            raise
        if name != "get" and not self.trace.inside_layer:
            self.trace.called(name, args, kwargs, output)
        return output


def is_layer(module: nn.Module) -> bool:
    """Return whether a trace records a module as one layer: of torch.nn, without submodules."""
    own = type(module).__module__.startswith("torch.nn")
    return own and not next(module.children(), None)


def _call(
    trace: Trace,
    name: str,
    args: Sequence[object],
    kwargs: Mapping[str, object],
    given: Tensor | None,
) -> Call:
    """Return the traced record of a call that has not returned yet."""
    plain = tuple(a for a in args if not _tensors(a))  # so that the trace keeps no tensor alive
    shape = None if given is None else tuple(given.shape)
    named = {name: value for name, value in kwargs.items() if not _tensors(value)}
    return Call(name, plain, shape, trace.origin(given), keywords=named)


def _tensors(value: object) -> list[Tensor]:
    """Return the tensors in the arguments or in the result of a traced call."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def run(model: nn.Module, x: Any, *, keep_ends: bool = False) -> tuple[Trace, Any]:
    """Trace a forward pass [B, ...] without gradients; return its trace and its output.

    If the model fails, the exception is returned in place of the output.
    """
    trace = Trace(keep_ends)
    return trace, run_traced(trace, model, x)


def run_traced(trace: Trace, model: nn.Module, x: Any) -> Any:
    """Record a forward pass [B, ...] in the given trace; return its output as `run` does."""
    with torch.no_grad():
        try:
            with trace.of(model, x):
                return output_of(model, x)
        except Exception as error:
            return error
