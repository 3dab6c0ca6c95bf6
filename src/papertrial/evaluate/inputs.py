"""What is given to predict -> columns of samples: images, rows of tables, texts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import torch
from PIL import Image

from papertrial.data.column import Column, DenseColumn
from papertrial.data.images.predict_inputs import (
    ReadImage,
    find_images,
    from_array,
    from_pil,
    read_image,
)
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.transforms import read_rows
from papertrial.data.texts.predict_inputs import find_texts
from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.errors import PredictionInputError, RunError

_FILES = (str, Path, Image.Image)


class Given(NamedTuple):
    """Samples, what to call each, and how each was changed ("" where it was not)."""

    column: Column
    names: Sequence[str]
    notes: Sequence[str]


class Inputs(ABC):
    """How a model's inputs are read; kept with a run as plain JSON."""

    kind: str

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """Return it as plain JSON."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it again from what `state` returned."""

    @abstractmethod
    def read(self, inputs: Any, batch_size: int) -> Iterator[Given]:
        """Yield the samples, images no more than `batch_size` at a time.

        Raises:
            PredictionInputError: an input that cannot be read as what the model takes.
        """


class ImageInputs(Inputs):
    """Images of one shape [C, H, W]: files, folders of them, PIL images, arrays of bytes."""

    kind = "image"

    def __init__(self, shape: Sequence[int]) -> None:
        channels, height, width = shape
        self.shape = (channels, height, width)

    def state(self) -> dict[str, Any]:
        """Return {"shape": [C, H, W]}."""
        return {"shape": list(self.shape)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it again from {"shape": [C, H, W]}."""
        return cls(state["shape"])

    def read(self, inputs: Any, batch_size: int) -> Iterator[Given]:
        """Yield images; those of another size or mode are converted, and a note says so."""
        items = _listed(inputs, _FILES, "give paths and PIL images, or one array; not both")
        if items is None:
            x = from_array(inputs, self.shape)
            yield Given(DenseColumn(x), [str(i) for i in range(len(x))], [""] * len(x))
            return
        named: list[tuple[str, Any]] = []
        for index, item in enumerate(items):
            is_image = isinstance(item, Image.Image)
            found = [item] if is_image else find_images([Path(item)])
            named += [(str(index if is_image else one), one) for one in found]
        for start in range(0, len(named), batch_size):
            images = [self._read(*one) for one in named[start : start + batch_size]]
            x = torch.stack([image.pixels for image in images])
            yield Given(DenseColumn(x), [i.name for i in images], [i.converted for i in images])

    def _read(self, name: str, item: Any) -> ReadImage:
        if isinstance(item, Image.Image):
            return from_pil(item, self.shape, name)
        return read_image(item, self.shape)


class TableInputs(Inputs):
    """Rows of a table: files whose columns are found by name, or numbers [N, F]."""

    kind = "table"

    def __init__(self, layout: Layout, delimiter: str | None = None) -> None:
        self.layout = layout
        self.delimiter = delimiter

    def state(self) -> dict[str, Any]:
        """Return the layout of the columns, and what stands between them in a file."""
        return {"layout": self.layout.state(), "delimiter": self.delimiter}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it again from what `state` returned."""
        return cls(Layout.from_state(state["layout"]), state["delimiter"])

    def read(self, inputs: Any, batch_size: int) -> Iterator[Given]:
        """Yield the rows of each file, or of one array."""
        paths = _listed(inputs, (str, Path), "give paths of tables, or one array; not both")
        if paths is None:
            yield self._numbers(inputs)
            return
        for path in paths:
            x, notes = read_rows(Path(path), self.layout, delimiter=self.delimiter)
            names = [f"{path}:{row}" for row in range(1, len(x) + 1)]
            yield Given(DenseColumn(x), names, ["; ".join(notes), *[""] * (len(x) - 1)])

    def _numbers(self, values: Any) -> Given:
        features = self.layout.names
        if isinstance(values, list | tuple) and any(isinstance(v, Image.Image) for v in values):
            raise PredictionInputError("the model takes rows of a table, got an image")
        try:
            x = torch.as_tensor(values, dtype=torch.float32)
        except (TypeError, ValueError, RuntimeError) as error:
            raise PredictionInputError(f"rows must be numbers: {error}") from error
        if x.ndim != 2 or x.shape[1] != len(features):
            rule = f"rows must be [N, {len(features)}] ({', '.join(features)})"
            raise PredictionInputError(f"{rule}, got {list(x.shape)}")
        missing = x.isnan() if self.layout.fills_missing else torch.zeros_like(x, dtype=torch.bool)
        if not (x.isfinite() | missing).all():
            raise PredictionInputError("rows must be finite numbers, as float32 holds them")
        return Given(DenseColumn(x), [str(i) for i in range(len(x))], [""] * len(x))


class TextInputs(Inputs):
    """Texts as they are, or files and folders of them."""

    kind = "text"

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def state(self) -> dict[str, Any]:
        """Return the vocabulary."""
        return self.vocabulary.state()

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Make it again from a vocabulary's state."""
        return cls(Vocabulary.from_state(state))

    def read(self, inputs: Any, batch_size: int) -> Iterator[Given]:
        """Yield the texts' tokens; a text that names a file or a folder stands for what it holds.

        A note tells what was cut off.
        """
        items = _listed(inputs, (str, Path), "texts must be strings or paths")
        if items is None:
            raise PredictionInputError(f"texts must be strings, got {type(inputs).__name__}")
        named = [pair for item in items for pair in find_texts(item)]
        names, texts = [name for name, _ in named], [text for _, text in named]
        try:
            column = self.vocabulary.encode(texts)
        except EmptyTextError as error:
            raise PredictionInputError(f"{names[error.row]!r} has no words") from error
        yield Given(column, names, self._cut(texts))

    def _cut(self, texts: Sequence[str]) -> list[str]:
        """Say of each text how much of it was cut off, "" where nothing was."""
        known, most = self.vocabulary, self.vocabulary.max_length
        if most is None:
            return [""] * len(texts)
        whole = Vocabulary(known.words[2:], lower=known.lower).encode(texts)
        counts = (len(whole.sample(row)) for row in range(len(whole)))
        return [f"the first {most:,} of {n:,} words" if n > most else "" for n in counts]


INPUTS: dict[str, type[Inputs]] = {c.kind: c for c in (ImageInputs, TableInputs, TextInputs)}


def inputs_from(described: dict[str, Any]) -> Inputs:
    """Make again what reads a run's inputs, from what the run keeps.

    Raises:
        RunError: it is not kept.
    """
    try:
        return INPUTS[described["pipeline"]["kind"]].from_state(described["inputs"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"the run does not say how its inputs are read ({error!r}): it was made by another "
            "version of papertrial; train it again"
        ) from error


def difference(one: Inputs | None, other: Inputs) -> str:
    """Say how one model's inputs are not those of another; "" where they are."""
    if one is None or one.kind != other.kind:
        return f"takes {one.kind if one else 'no'}s, not {other.kind}s"
    if isinstance(one, TableInputs) and isinstance(other, TableInputs):
        ours, theirs = list(one.layout.names), list(other.layout.names)
        return "" if ours == theirs else f"takes the columns {ours}, not {theirs}"
    if isinstance(one, ImageInputs) and isinstance(other, ImageInputs):
        same = one.shape[0] == other.shape[0]  # sizes may differ for networks that take any
        return "" if same else f"takes {one.shape[0]} channels, not {other.shape[0]}"
    return ""


def _listed(inputs: Any, kinds: tuple[type, ...], mixed: str) -> Sequence[Any] | None:
    """Return a list of the inputs that are named one by one; None for one array of all."""
    items = [inputs] if isinstance(inputs, kinds) else inputs
    if getattr(items, "ndim", 1) == 0:
        raise PredictionInputError(f"inputs come as a list or an array, got one number: {items}")
    if hasattr(items, "__len__") and len(items) == 0:
        raise PredictionInputError("there is nothing to predict; give at least one input")
    if not isinstance(items, list | tuple) or not any(isinstance(i, kinds) for i in items):
        return None
    if not all(isinstance(item, kinds) for item in items):
        raise PredictionInputError(mixed)
    return items
