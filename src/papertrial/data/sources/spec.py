"""What to load, and the protocol of everything that can be loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from papertrial.data.column import Dataset
from papertrial.data.images.decode import ImageSize, Mode
from papertrial.data.kind import KINDS, Kind, TargetKind
from papertrial.data.tables.layout import Layout
from papertrial.data.tables.learn_layout import Encoding
from papertrial.data.tables.table_file import TableFile
from papertrial.data.tables.table_format import TableFormat
from papertrial.progress import Steps

Missing = Literal["error", "drop", "mean", "median"]
Corrupt = Literal["error", "skip"]


@dataclass(frozen=True)
class ImageOptions:
    """How the images of a folder are decoded.

    Args:
        size: (H, W) to resize to; None if all images have the same size; "varying" to keep the
            size of each.
        mode: "L" or "RGB" to convert to; None if all images are grey, or all in colour.
        corrupt: whether an image that cannot be decoded is an error or skipped.
        grey_range: the values of images with more than 8 bits that become 0 and 255; None to keep
            the upper 8 of 16 bits.
        folder: the folder that the paths in a table are relative to; None for that of the table.
    """

    size: ImageSize | Literal["varying"] | None = None
    mode: Mode | None = None
    corrupt: Corrupt = "error"
    grey_range: tuple[float, float] | None = None
    folder: Path | None = None


@dataclass(frozen=True)
class TableOptions:
    """How a table is read.

    Args:
        targets: the columns to predict, at least one.
        text: the column of texts, of a table of texts.
        image: the column of images, of a Hugging Face data set, or of the paths of their files.
        part: the column that names the part of each row, of a table of images; "" for none.
        features: the columns to learn from, in this order; None for all but the target.
        exclude: the columns that are not learned from; for `features` of None.
        encoding: the features that hold categories or dates, and how they are encoded. Of its
            `fills_missing`, `missing` decides.
        missing: what to do about missing cells in the features. "error": refuse them. "drop": drop
            their rows. "mean" and "median": keep a missing number as NaN, for
            `papertrial.transforms.Impute` to fill; a missing category is then none of them.
        missing_target: whether a row without a target is an error or dropped.
        form: how the cells of table files are written; see `papertrial.data.tables.table_file`.
        group: the column whose rows with the same value no split separates; it is not a feature
            unless `features` names it.
    """

    targets: tuple[str, ...] = ()
    text: str = ""
    image: str = ""
    part: str = ""
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    encoding: Encoding = field(default_factory=Encoding)
    missing: Missing = "error"
    missing_target: Literal["error", "drop"] = "error"
    form: TableFormat = field(default_factory=TableFormat)
    group: str | None = None


@dataclass(frozen=True)
class WindowOptions:
    """The windows that the samples of a series are; None for those of the set.

    Args:
        length: steps of an input.
        horizon: steps after the input that are its target.
    """

    length: int | None = None
    horizon: int | None = None


@dataclass(frozen=True)
class Arguments:
    """The arguments of a function that returns a set, after the path of its data.

    `args` are positional arguments, and `kwargs` those by name.
    """

    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class SourceSpec:
    """A source, and everything that decides what is loaded from it.

    Args:
        source: the name of a set, a kind of the user's own files, or a function.
        path: the user's own files.
        files: the table file of each part, instead of `path`; None to find them in `path`.
        arguments: arguments of a function, beside `path`.
        parts: the name of the split of a Hugging Face data set for each part; None to find them.
        targets: what targets are, if the source does not say.
        kinds: the kinds of samples that the task takes.
        images: how images are decoded.
        table: how a table is read.
        window: the windows of a series.
        layout: the layout of a table's columns, if it is known from another table; it then replaces
            `table.features` and `table.encoding`.
        classes: the classes of a table in order, if they are known from another table; this one
            need not have all of them.
        seed: seeds the random generators that a function may use, whatever the training's seed.
        keeps_empty: whether texts without words are kept, for the caller to drop; if not, they are
            an error.
        download: whether files of a named set may be downloaded if they are absent.
    """

    source: str | Callable[..., object]
    path: Path = Path()
    files: Mapping[str, Path] | None = None
    arguments: Arguments = field(default_factory=Arguments)
    parts: Mapping[str, str] | None = None
    targets: TargetKind = "classes"
    kinds: tuple[Kind, ...] = KINDS
    images: ImageOptions = field(default_factory=ImageOptions)
    table: TableOptions = field(default_factory=TableOptions)
    window: WindowOptions = field(default_factory=WindowOptions)
    layout: Layout | None = None
    classes: tuple[str, ...] | None = None
    seed: int = 0
    keeps_empty: bool = False
    download: bool = True

    @property
    def name(self) -> str:
        """The name of the source, for messages; of a function with the arguments of the recipe."""
        if isinstance(self.source, str):
            return self.source
        name, given = str(getattr(self.source, "__name__", "function")), self.arguments
        named = (f"{key}={value!r:.40}" for key, value in given.kwargs.items())
        words = ", ".join([*(f"{value!r:.40}" for value in given.args), *named])
        return f"{name}({words})" if words else name


class LoadedSet(NamedTuple):
    """A data set, and if it was read from a table file, the layout of its columns.

    `table` is then the table of the training part, with columns that are not features as well. Its
    rows are those of the training part.
    """

    dataset: Dataset
    layout: Layout | None = None
    table: TableFile | None = None

    @property
    def form(self) -> TableFormat:
        """How the cells of the table are written."""
        return TableFormat() if self.table is None else self.table.form


class Source(Protocol):
    """A kind of source."""

    def __call__(self, spec: SourceSpec, folder: Path) -> Steps[LoadedSet]:
        """Load the set that `spec` describes, yielding progress.

        Args:
            spec: what to load.
            folder: the data folder, with the files of named sets and the cache of decoded images.

        Raises:
            DataError: the data are absent or not valid; the message names the file, or the part
                and the row.
        """
        ...
