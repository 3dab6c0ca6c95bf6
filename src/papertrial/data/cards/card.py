"""The record of a data card, which `papertrial data info --json` prints."""

from __future__ import annotations

from typing import Literal

from papertrial.reading_note import ReadingNote
from papertrial.record import Part

CardKind = Literal["image", "table", "text", "tensor"]
ColumnType = Literal["number", "whole number", "category", "text", "other"]


class NumberFacts(Part):
    """The range, the mean and the median of numbers."""

    min: float
    mean: float
    median: float
    max: float


class ValueCount(Part):
    """A value as it is written, and how often it occurs."""

    value: str
    count: int


class TextFacts(Part):
    """Texts: lengths in characters and in words between spaces, and the share of each script."""

    characters: NumberFacts
    words: NumberFacts
    scripts: dict[str, float]
    empty: int


class ColumnCard(Part):
    """A column of a table, or the targets of a set.

    `stored` is the type in the file, `values` the most frequent values of a column that is not
    text. `numbers` is None without numbers, `texts` without texts.
    """

    name: str
    type: ColumnType
    stored: str
    missing: int
    distinct: int
    numbers: NumberFacts | None = None
    values: tuple[ValueCount, ...] = ()
    texts: TextFacts | None = None


class ImageFacts(Part):
    """The sizes "height x width" and the modes of images, with counts, most frequent first.

    `other_sizes` counts the images of sizes that are not listed.
    """

    sizes: dict[str, int]
    other_sizes: int
    modes: dict[str, int]


class TensorCard(Part):
    """The shape and type of a sample's tensor, and its values; None if they are not real."""

    shape: tuple[int, ...]
    dtype: str
    numbers: NumberFacts | None


class SampleCard(Part):
    """A sample, shortened: its name, its class or target, its text or cells."""

    name: str
    label: str
    text: str


class PartCard(Part):
    """A part of a set; what does not apply to its kind is None or empty.

    `fingerprint` is that of its samples, as runs record it, for a loaded set; of its files, for a
    folder; of its rows, for a table. `classes` counts the samples of each class.
    """

    rows: int
    nbytes: int | None
    fingerprint: str
    classes: dict[str, int] | None = None
    columns: tuple[ColumnCard, ...] = ()
    images: ImageFacts | None = None
    texts: TextFacts | None = None
    tensors: dict[str, TensorCard] | None = None
    samples: tuple[SampleCard, ...] = ()


class DuplicateFacts(Part):
    """Exact duplicates: by part those of an earlier sample of it, and by "train/test" shared ones.

    `of` says what is compared: samples with or without targets, rows, or files.
    """

    of: str
    repeated: dict[str, int]
    shared: dict[str, int]


class FileCheck(Part):
    """A file that a description of a set names, and whether its content is as described."""

    file: str
    sha256: str
    state: Literal["verified", "wrong checksum", "not there"]


class DataCard(Part):
    """What a set holds.

    Attributes:
        name: of the set, its file or folder, or its recipe.
        source: what was described: a path, the name of a set, or a recipe.
        kind: of its samples.
        target: the column or number to predict; None if unknown.
        licence, homepage, citation: as its publishers say; "" if unknown.
        files: how many files were read; None if they are not counted.
        parts: its parts by name; "all" if it has a single one.
        duplicates: exact duplicates, within parts and between them.
        notes: what reading left out, converted, guessed or filled.
        splits: the splits that a description in the folder names.
        checks: files that a description in the folder names, with their checksums.
        sheet: the file of sample images that was written; None without one.
    """

    name: str
    source: str
    kind: CardKind
    target: str | None = None
    licence: str = ""
    homepage: str = ""
    citation: str = ""
    files: int | None = None
    parts: dict[str, PartCard]
    duplicates: DuplicateFacts
    notes: tuple[ReadingNote, ...] = ()
    splits: tuple[str, ...] = ()
    checks: tuple[FileCheck, ...] = ()
    sheet: str | None = None
