"""Inputs of a model: images, rows of tables, texts and tensors, read as columns of samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from PIL import Image

from papertrial.data.column import DenseColumn, SampleColumn, column_of
from papertrial.data.images.predict_inputs import (
    ReadImage,
    find_images,
    from_array,
    from_pil,
    read_image,
)
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.kind import Kind
from papertrial.data.nested import row_count
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.predict_inputs import read_rows
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tensors.form import TensorForm
from papertrial.data.tensors.predict_inputs import (
    ARRAY_FILES,
    as_samples,
    other_sizes,
    read_tensors,
)
from papertrial.data.texts.predict_inputs import find_texts
from papertrial.data.texts.subword_tokenizer import SubwordTokenizer
from papertrial.data.texts.vocabulary import EmptyTextError, Vocabulary
from papertrial.data.texts.word_splits import WordSplit
from papertrial.errors import PredictionInputError
from papertrial.evaluate.input_states import (
    ImageInputsState,
    InputsState,
    TableInputsState,
    TensorInputsState,
    TextInputsState,
)

_FILES = (str, Path, Image.Image)


class ReadInputs(NamedTuple):
    """Samples, the name of each, and how each was changed, "" if it was not.

    Of images that are read one by one, `sizes` are the width and height before a change.
    """

    column: SampleColumn
    names: Sequence[str]
    notes: Sequence[str]
    sizes: Sequence[tuple[int, int] | None] = ()


class Inputs(ABC):
    """How the inputs of a model are read."""

    kind: ClassVar[Kind]

    @abstractmethod
    def state(self) -> InputsState:
        """Return what a run stores, from which `inputs_from` returns an equal object."""

    @abstractmethod
    def read(self, inputs: Any, batch_size: int) -> Iterator[ReadInputs]:
        """Yield the samples, at most `batch_size` images at a time.

        Raises:
            PredictionInputError: an input cannot be read as what the model takes.
        """


class ImageInputs(Inputs):
    """Images of one shape [C, H, W]: files, folders of files, PIL images, arrays of bytes.

    A file may also have one array of bytes [N, H, W] or [N, C, H, W]: .npy, .npz, .safetensors.
    Of the shape (C, 0, 0), images keep their sizes. With a grey range, its values become 0 and 255
    in images of more than 8 bits.
    """

    kind = "image"

    def __init__(self, shape: Sequence[int], grey_range: tuple[float, float] | None = None) -> None:
        channels, height, width = shape
        self.shape = (channels, height, width)
        self.grey_range = grey_range

    @property
    def varies(self) -> bool:
        """Whether images keep their sizes."""
        return self.shape[1:] == (0, 0)

    def state(self) -> ImageInputsState:
        """Return the shape and the grey range."""
        return ImageInputsState(shape=self.shape, range=self.grey_range)

    def read(self, inputs: Any, batch_size: int) -> Iterator[ReadInputs]:
        """Yield images; a note names the conversion of one with another size or mode."""
        items = _listed(inputs, _FILES, "give paths and PIL images, or one array; not both")
        if items is None:
            yield _dense(from_array(inputs, self.shape))
            return
        named: list[tuple[str, str | Path | Image.Image]] = []
        for index, item in enumerate(items):
            if isinstance(item, Image.Image):
                named.append((str(index), item))
            elif Path(item).suffix in ARRAY_FILES:
                yield from self._read_images(named, batch_size)
                named = []
                yield from self._read_arrays(Path(item), batch_size)
            else:
                named += [(str(path), path) for path in find_images([Path(item)])]
        yield from self._read_images(named, batch_size)

    def _read_arrays(self, path: Path, batch_size: int) -> Iterator[ReadInputs]:
        """Yield the images of a file with one array; each is named by the path and its index."""
        given = read_tensors(path)
        arrays = list(given.values()) if isinstance(given, Mapping) else [given]
        if len(arrays) != 1:
            raise PredictionInputError(f"{path}: must have one array of images, got {len(arrays)}")
        try:
            x = from_array(arrays[0], self.shape)
        except PredictionInputError as error:
            raise PredictionInputError(f"{path}: {error}") from error
        for start in range(0, len(x), batch_size):
            rows = range(start, min(start + batch_size, len(x)))
            names = [f"{path}:{row}" for row in rows]
            yield ReadInputs(DenseColumn(x[rows.start : rows.stop]), names, [""] * len(rows))

    def _read_images(
        self, named: Sequence[tuple[str, str | Path | Image.Image]], batch_size: int
    ) -> Iterator[ReadInputs]:
        for start in range(0, len(named), batch_size):
            images = [self._read_image(*one) for one in named[start : start + batch_size]]
            x = [image.pixels for image in images]
            yield ReadInputs(
                VaryingImages.of(x) if self.varies else DenseColumn(torch.stack(x)),
                [image.name for image in images],
                [image.converted for image in images],
                [image.size for image in images],
            )

    def _read_image(self, name: str, item: str | Path | Image.Image) -> ReadImage:
        if isinstance(item, Image.Image):
            return from_pil(item, self.shape, name, self.grey_range)
        return read_image(Path(item), self.shape, self.grey_range)


class TableInputs(Inputs):
    """Rows of a table: files whose columns are found by name, or numbers [N, F]."""

    kind = "table"

    def __init__(self, layout: Layout, form: TableFormat | None = None) -> None:
        self.layout = layout
        self.form = form or TableFormat()

    def state(self) -> TableInputsState:
        """Return the columns, and how cells are written."""
        return TableInputsState(layout=self.layout, **self.form.model_dump())

    def read(self, inputs: Any, batch_size: int) -> Iterator[ReadInputs]:
        """Yield the rows of each file, or of one array."""
        paths = _listed(inputs, (str, Path), "give paths of tables, or one array; not both")
        if paths is None:
            yield self._read_array(inputs)
            return
        for path in paths:
            x, notes = read_rows(Path(path), self.layout, self.form)
            names = [f"{path}:{row}" for row in range(1, len(x) + 1)]
            yield ReadInputs(DenseColumn(x), names, ["; ".join(notes), *[""] * (len(x) - 1)])

    def _read_array(self, values: Any) -> ReadInputs:
        features = self.layout.names
        if isinstance(values, list | tuple) and any(isinstance(v, Image.Image) for v in values):
            raise PredictionInputError("the model takes rows of a table, got an image")
        shift, wide = self.layout.offsets, torch.float32
        if shift.any():
            wide = torch.float64
        try:
            x = torch.as_tensor(values, dtype=wide)
        except (TypeError, ValueError, RuntimeError) as error:
            raise PredictionInputError(f"rows must be numbers: {error}") from error
        if x.ndim != 2 or x.shape[1] != len(features):
            rule = f"rows must be [N, {len(features)}] ({', '.join(features)})"
            raise PredictionInputError(f"{rule}, got {list(x.shape)}")
        if shift.any():
            x = (x - torch.from_numpy(shift)).to(torch.float32)
        missing = x.isnan() if self.layout.fills_missing else torch.zeros_like(x, dtype=torch.bool)
        if not (x.isfinite() | missing).all():
            raise PredictionInputError("rows must be finite numbers that float32 can hold")
        return _dense(x)


class TextInputs(Inputs):
    """Texts, or files and folders of texts."""

    kind = "text"

    def __init__(self, vocabulary: Vocabulary | SubwordTokenizer) -> None:
        self.vocabulary = vocabulary

    def state(self) -> TextInputsState:
        """Return the vocabulary or the tokenizer."""
        if isinstance(self.vocabulary, SubwordTokenizer):
            return TextInputsState(tokenizer=self.vocabulary.state())
        return TextInputsState(vocabulary=self.vocabulary.state())

    def zeros(self, rows: int) -> Any:
        """Return texts of token 0 as they are stored, enough tokens for any layer."""
        if isinstance(self.vocabulary, SubwordTokenizer):
            return self.vocabulary.zeros(rows)
        return torch.zeros(rows, 512, dtype=torch.int32)

    def put_largest(self, x: Any) -> None:
        """Set a token of a batch to the largest token number, in place."""
        if isinstance(self.vocabulary, SubwordTokenizer):
            self.vocabulary.put_largest(x)
        else:
            x[0, 0] = len(self.vocabulary) - 1

    def read(self, inputs: Any, batch_size: int) -> Iterator[ReadInputs]:
        """Yield the tokens of the texts; the path of a file or a folder stands for its texts.

        A note says how much of a text was cut off.
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
        yield ReadInputs(column, names, self._notes_on_length(texts))

    def _notes_on_length(self, texts: Sequence[str]) -> list[str]:
        """Return how much of each text was cut off, "" if nothing was."""
        known, most = self.vocabulary, self.vocabulary.max_length
        if most is None:
            return [""] * len(texts)
        if isinstance(known, SubwordTokenizer):
            lengths = known.whole_lengths(texts)
            return [f"cut from {n:,} to {most:,} tokens" if n > most else "" for n in lengths]
        whole = Vocabulary(known.words[2:], lower=known.lower, split=known.split).encode(texts)
        counts = (len(whole.sample(row)) for row in range(len(whole)))
        return [f"the first {most:,} of {n:,} words" if n > most else "" for n in counts]


class TensorInputs(Inputs):
    """Tensors of one form [N, ...], or several by name: arrays, .npy, .npz, .safetensors files.

    Sizes may differ from the form, such as the length of a sequence; a note then names both.
    """

    kind = "tensor"

    def __init__(self, forms: Mapping[str, TensorForm]) -> None:
        self.forms = dict(forms)

    def state(self) -> TensorInputsState:
        """Return the form of each tensor."""
        return TensorInputsState(forms=self.forms)

    def read(self, inputs: Any, batch_size: int) -> Iterator[ReadInputs]:
        """Yield the samples of each file, or of one array or mapping of arrays."""
        if isinstance(inputs, Mapping):
            yield self._read(inputs, "")
            return
        paths = _listed(inputs, (str, Path), "give paths of files, or one array; not both")
        if paths is None:
            yield self._read(inputs, "")
            return
        for path in paths:
            yield self._read(read_tensors(Path(path)), f"{path}:")

    def zeros(self, rows: int) -> Any:
        """Return samples of zeros, one tensor [rows, ...] or several by name."""
        made = {
            name: torch.zeros(rows, *form.shape, dtype=form.torch_dtype)
            for name, form in self.forms.items()
        }
        return made.get("", made)

    def _read(self, given: Any, prefix: str) -> ReadInputs:
        x = as_samples(given, self.forms)
        count = row_count(x)
        names, note = [f"{prefix}{i}" for i in range(count)], other_sizes(x, self.forms)
        return ReadInputs(column_of(x), names, [note] * count)


def inputs_from(state: InputsState, split: WordSplit | None = None) -> Inputs:
    """Return the inputs of a model from what `state()` returned.

    `split` splits texts into words, where they are not split in the usual way.

    Raises:
        DataError: that is not what split the texts of the state.
    """
    if isinstance(state, ImageInputsState):
        return ImageInputs(state.shape, state.range)
    if isinstance(state, TableInputsState):
        known = {key: getattr(state, key) for key in TableFormat.model_fields}
        return TableInputs(state.layout, TableFormat(**known))
    if isinstance(state, TensorInputsState):
        return TensorInputs(state.forms)
    if state.tokenizer is not None:
        return TextInputs(SubwordTokenizer.from_state(state.tokenizer))
    assert state.vocabulary is not None, "the state has one of the two"
    return TextInputs(Vocabulary.from_state(state.vocabulary, split))


def difference(one: Inputs, other: Inputs) -> str:
    """Return how the inputs of one model differ from those of another, "" if they do not."""
    if one.kind != other.kind:
        return f"takes {one.kind}s, not {other.kind}s"
    ours: object = None
    theirs: object = None
    what = ""
    if isinstance(one, TextInputs) and isinstance(other, TextInputs):
        return _difference_of_texts(one, other)
    if isinstance(one, TableInputs) and isinstance(other, TableInputs):
        what, ours, theirs = "the columns ", list(one.layout.names), list(other.layout.names)
    if isinstance(one, ImageInputs) and isinstance(other, ImageInputs):
        same = one.shape[0] == other.shape[0]  # a network may accept images of any size
        return "" if same else f"takes {one.shape[0]} channels, not {other.shape[0]}"
    if isinstance(one, TensorInputs) and isinstance(other, TensorInputs):
        what, ours, theirs = "the tensors ", list(one.forms), list(other.forms)
    return "" if ours == theirs else f"takes {what}{ours}, not {theirs}"


def _difference_of_texts(one: TextInputs, other: TextInputs) -> str:
    ours, theirs = one.state().tokenizer, other.state().tokenizer
    if (ours is None) != (theirs is None):
        return f"takes {'words of a vocabulary' if ours is None else 'tokens of a tokenizer'}"
    return "" if ours == theirs else "has another tokenizer"


def _listed(inputs: Any, kinds: tuple[type, ...], mixed: str) -> Sequence[Any] | None:
    """Return a model's inputs as a list if they are given one by one; None for one array."""
    items = [inputs] if isinstance(inputs, kinds) else inputs
    if getattr(items, "ndim", 1) == 0:
        raise PredictionInputError(f"inputs must be a list or an array, got one number: {items}")
    if hasattr(items, "__len__") and len(items) == 0:
        raise PredictionInputError("there is nothing to predict; give at least one input")
    if not isinstance(items, list | tuple) or not any(isinstance(i, kinds) for i in items):
        return None
    if not all(isinstance(item, kinds) for item in items):
        raise PredictionInputError(mixed)
    return items


def _dense(x: torch.Tensor) -> ReadInputs:
    """Return inputs that are given as one array [N, ...], and name them by their index."""
    return ReadInputs(DenseColumn(x), [str(i) for i in range(len(x))], [""] * len(x))
