"""Load the tensors of a file into a model by their names, and say what the model got."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from torch import Tensor, nn

from papertrial.errors import ModelError, nearest

_SHOWN = 6
_COUNTER = "num_batches_tracked"  # of batch norm, which files of 2017 and earlier do not have


@dataclass(frozen=True)
class LoadedWeights:
    """What a model got of a file of weights: names of tensors, parameters and buffers.

    Attributes:
        loaded: tensors of the model that were loaded.
        skipped: tensors of the model that were not to be loaded, and keep their initial values.
        missing: tensors of the model that the file does not have.
        unused: tensors of the file that the model does not have.
        changed: loaded tensors that were changed to fit, such as a convolution on fewer channels.
    """

    loaded: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """What was loaded, in words: a line for each kind that occurs."""
        kinds = {
            "skipped, initialised instead": self.skipped,
            "missing in the file, initialised instead": self.missing,
            "in the file, but not in the model": self.unused,
            "changed to fit the channels": self.changed,
        }
        more = (f"{kind}: {shown(names)}" for kind, names in kinds.items() if names)
        total = len({*self.loaded, *self.skipped, *self.missing})
        return (f"loaded {len(self.loaded)} of {total} tensors", *more)


def load_matching(
    model: nn.Module,
    tensors: Mapping[str, Tensor],
    where: str,
    *,
    skip: Sequence[str] = (),
    rename: Mapping[str, str] | None = None,
) -> LoadedWeights:
    """Load tensors into a model by their names.

    Args:
        model: the model; lazy layers have their sizes.
        tensors: tensors by name.
        where: the key of the recipe, for messages.
        skip: patterns of names in the model or, after `rename`, in the file, which are not loaded;
            "*" matches any text.
        rename: beginnings of names in the file, and what replaces them in the model.

    Returns:
        What was loaded.

    Raises:
        ModelError: a shape differs, nothing matches, or a pattern or a beginning matches no name.
    """
    given = _renamed(tensors, rename or {}, where)
    wanted = {name: t for name, t in model.state_dict().items() if isinstance(t, Tensor)}
    for pattern in skip:
        if not any(fnmatchcase(name, pattern) for name in (*given, *wanted)):
            raise ModelError(
                f"{where}.skip: {pattern!r} matches no name in the file or the model"
                f"{nearest(pattern, _patterns((*given, *wanted)))}; the model has "
                f"{shown(wanted)}"
            )
    left_out = {n for n in (*given, *wanted) if any(fnmatchcase(n, p) for p in skip)}
    used = {n: t for n, t in given.items() if n in wanted and n not in left_out}
    if not used:
        raise ModelError(
            f"{where}: no tensor of the file has the name of one in the model; the file has "
            f"{shown(given)}, the model {shown(wanted)}{_suggest_rename(given, wanted, where)}"
        )
    wrong = [n for n, t in used.items() if t.shape != wanted[n].shape]
    if wrong:
        each = (f"{n} {[*used[n].shape]} instead of {[*wanted[n].shape]}" for n in wrong[:_SHOWN])
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise ModelError(
            f"{where}: the file has tensors of other shapes than the model: {', '.join(each)}"
            f"{more}; leave them out with skip: [{', '.join(_owners(wrong))}], or change the model"
        )
    state = OrderedDict(used)
    # The names are those of the model, so its modules have nothing to rename from older versions.
    state._metadata = model.state_dict()._metadata  # type: ignore[attr-defined]
    try:
        model.load_state_dict(state, strict=False)
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"{where}: the model does not take the weights: {error}") from error
    places = {_place(wanted[n]) for n in used if wanted[n].numel()}
    return LoadedWeights(
        loaded=tuple(n for n in wanted if n in used),
        skipped=tuple(n for n in wanted if n in left_out),
        missing=tuple(
            n
            for n, t in wanted.items()
            if n not in used
            and n not in left_out
            and _place(t) not in places  # a shared tensor, loaded under another name
            and n.rpartition(".")[2] != _COUNTER
        ),
        unused=tuple(n for n in given if n not in wanted and n not in left_out),
    )


def shown(names: Iterable[str]) -> str:
    """Return the first of some names, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _renamed(
    tensors: Mapping[str, Tensor], rename: Mapping[str, str], where: str
) -> dict[str, Tensor]:
    """Return tensors with the beginnings of their names replaced; the longest beginning counts."""
    longest = sorted(rename, key=len, reverse=True)
    for beginning in longest:
        if not any(name.startswith(beginning) for name in tensors):
            raise ModelError(
                f"{where}.rename: no name in the file begins with {beginning!r}; the file has "
                f"{shown(tensors)}"
            )
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        beginning = next((one for one in longest if name.startswith(one)), "")
        new = rename.get(beginning, "") + name.removeprefix(beginning)
        if new in found:
            raise ModelError(f"{where}.rename: two tensors of the file get the name {new!r}")
        found[new] = tensor
    return found


def _suggest_rename(given: Iterable[str], wanted: Iterable[str], where: str) -> str:
    """Return the end of a message: the beginning that names differ in, if there is one."""
    ours, theirs = list(wanted), list(given)
    for cut in _cuts(theirs):
        if any(name[len(cut) :] in ours for name in theirs if name.startswith(cut)):
            return f'; if these are the same layers, set {where}.rename: {{"{cut}": ""}}'
    for cut in _cuts(ours):
        if any(name[len(cut) :] in theirs for name in ours if name.startswith(cut)):
            return f'; if these are the same layers, set {where}.rename: {{"": "{cut}"}}'
    return ""


def _cuts(names: Iterable[str]) -> Iterator[str]:
    """Yield the beginnings of names that end in a dot, each once."""
    yield from dict.fromkeys(
        name[: i + 1] for name in names for i, mark in enumerate(name) if mark == "."
    )


def _patterns(names: Iterable[str]) -> set[str]:
    listed = list(names)
    return {*listed, *(f"{cut}*" for cut in _cuts(listed))}


def _owners(names: Iterable[str]) -> list[str]:
    """Return a pattern for each module that has one of the tensors, as `skip` takes it."""
    owners = (name.rpartition(".")[0] for name in names)
    return list(dict.fromkeys(f'"{owner}.*"' if owner else '"*"' for owner in owners))


def _place(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype
