"""The section of a recipe with its data set, splits, batches and preparation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, Strict, Tag

from papertrial.recipe.plain_values import value_at
from papertrial.recipe.section import Section
from papertrial.recipe.slot import Slot, SourceSlot, TransformSlot
from papertrial.recipe.slots import expand
from papertrial.recipe.table_section import Columns
from papertrial.recipe.value_types import (
    BatchSize,
    GreyRange,
    Portion,
    Size,
    SourceName,
    SplitSeed,
)
from papertrial.vocabulary import TargetTransformName


class Splits(Section):
    """Which parts are split off the training part. Changing the training seed does not move them.

    The test part is split off first, then the validation part from the remaining rows. With
    `folds`, a run trains a model for each fold; its score is the mean over the folds.
    """

    validation: Portion = Field(
        default=None,
        description="Fraction or number of rows of the training part to use for validation. If "
        "omitted, there is no validation part unless the source has one. Only for a source without "
        "a validation part.",
    )
    test: Portion = Field(
        default=None,
        description="Fraction or number of rows to use for testing. Only for a source without a "
        "test part.",
    )
    folds: int | None = Field(
        default=None,
        ge=2,
        description="Cut the training part into this many folds, and test each one on a training "
        "on the others. Only for a source without a test part.",
    )
    repeats: int = Field(
        default=1,
        ge=1,
        le=10_000,
        description="Repeat the cross-validation, with other folds each time.",
    )
    fold: int | None = Field(
        default=None,
        ge=0,
        description="Train this fold alone, counted from 0 over all repetitions.",
    )
    draw: Literal["random", "last", "in-order"] = Field(
        default="random",
        description="Take random rows, or the last rows. Folds: shuffled rows; `in-order`, "
        "consecutive rows; `last`, each block of rows after a training on all rows before it.",
    )
    stratify: bool = Field(
        default=False, description="Keep the class proportions. Not for `draw: last`."
    )
    group: str | None = Field(
        default=None,
        description="Keep rows of a group together: a column of a table, `groups` for a function "
        "that returns them, or for folders a regular expression whose match in a file's path is "
        "its group. `validation` and `test` are then portions of the groups.",
    )
    seed: SplitSeed = Field(
        default=0,
        description="Seed of the splits and of `data.limit`, or `each`: the splits follow the seed "
        "of the training.",
    )

    @property
    def count(self) -> int:
        """The number of folds that a run trains; 0 for a single training."""
        return 0 if self.folds is None or self.fold is not None else self.folds * self.repeats


class Images(Section):
    """How your own images are converted. If omitted, all must have the same size and mode."""

    size: Size = Field(
        default=None,
        description="Resize every image to `[height, width]`, in pixels; or `varying` to keep the "
        "original sizes, for `augment` and `transform` to crop.",
    )
    mode: Literal["L", "RGB"] | None = Field(
        default=None, description="Convert every image to gray (`L`) or color (`RGB`)."
    )
    corrupt: Literal["error", "skip"] = Field(
        default="error",
        description="Report an image that cannot be decoded or found, or leave it out.",
    )
    range: GreyRange = Field(
        default=None,
        description="`[low, high]`: values of grey images of more than 8 bits that become 0 and "
        "255; values outside are clipped. If omitted, the upper 8 of 16 bits are kept.",
    )
    folder: str | None = Field(
        default=None,
        description="Folder that the paths of `source: image-table` are relative to. If omitted, "
        "that of the table.",
    )


class Parts(Section):
    """Which splits of a Hugging Face data set are the parts, by their names in the set.

    If the section is omitted, the splits train, validation and test are, and there may be no
    others. With it, only the named splits are read.
    """

    train: str = Field(default="train", description="Split to train on.")
    validation: str | None = Field(default=None, description="Split for validation.")
    test: str | None = Field(default=None, description="Split for the test.")

    @property
    def by_part(self) -> dict[str, str]:
        """The name of the split for each part that there is."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: name for part, name in named.items() if name is not None}


def _named_words(value: object) -> object:
    """Return the slot that a name such as `whitespace` stands for; other values as they are."""
    return value_at(expand({"data": {"text": {"words": value}}}), "data.text.words")


class Window(Section):
    """The windows of a series that are its samples. If omitted, those of the named set."""

    length: int | None = Field(
        default=None,
        ge=1,
        description="Steps of an input. If omitted, 256 characters of `tiny-shakespeare`, or 336 "
        "hours of `etth1`.",
    )
    horizon: int | None = Field(
        default=None,
        ge=1,
        description="Steps after the input that are its target. Only for `etth1`; if omitted, 96.",
    )


class Text(Section):
    """How texts become token numbers. The vocabulary is learned from the training part only.

    With `tokenizer`, the model is called with `input_ids` and `attention_mask`, [B, T] each.
    """

    vocabulary: int = Field(
        default=25_000,
        ge=1,
        description="Number of words to keep, the most frequent first. An embedding needs two more "
        "rows: padding is 0, an unknown word is 1.",
    )
    min_frequency: int = Field(
        default=1,
        ge=1,
        description="Leave out words that occur less often in the training part. Only for a "
        "learned vocabulary.",
    )
    vocabulary_file: str | None = Field(
        default=None,
        description="File with one word per line, used instead of a learned vocabulary. "
        "`vocabulary` must be its number of words.",
    )
    tokenizer: str | None = Field(
        default=None,
        min_length=1,
        description="Tokenizer of a pretrained model, used instead of a vocabulary: a folder that "
        "has `tokenizer.json`, or `hf:NAME@COMMIT`. Needs the extra `transformers`.",
    )
    padding: Literal["longest", "max_length"] = Field(
        default="longest",
        description="With `tokenizer`: pad a batch to its longest text, or to `max_length`.",
    )
    words: Annotated[Slot, BeforeValidator(_named_words)] | None = Field(
        default=None,
        description="What splits a text into words, called as `words(text)`; it returns a list "
        "of words. `whitespace`, `basic-english`, `characters` for scripts without spaces between "
        "words, or a function of your own. If omitted, runs of letters and digits and runs of "
        "punctuation, or `characters` if most training texts are in such scripts.",
    )
    empty: Literal["error", "drop"] = Field(
        default="error",
        description="Texts without words: report them, or leave them out, in all parts.",
    )
    lower: bool = Field(default=True, description="Convert texts to lower case.")
    max_length: int | None = Field(
        default=None,
        ge=1,
        description="Tokens to keep of each text, the first ones. If omitted, all, or with "
        "`tokenizer` as many as it says.",
    )
    vectors: str | None = Field(
        default=None,
        description="Pre-trained word vectors for the embedding: a name such as `glove.6B.100d`, "
        "or a `.txt` or `.zip` file.",
    )
    bucket: int | None = Field(
        default=None,
        ge=1,
        description="Group texts of similar length into batches: shuffle, then sort by length "
        "within pools of this many batches. Needs `shuffle`.",
    )


def _named_sampler(value: object) -> object:
    """Return the slot that a sampler's name stands for; other values as they are."""
    return value_at(expand({"data": {"sampler": value}}), "data.sampler")


SOURCE_FORMS = ("source by name", "source with arguments")  # as pydantic names them in an error


def _form_of_source(value: object) -> str:
    return SOURCE_FORMS[isinstance(value, SourceSlot | Mapping)]


def _without_arguments(value: object) -> object:
    """Return a source in the form {use: NAME} as its name alone; other values as they are."""
    return value["use"] if isinstance(value, Mapping) and [*value] == ["use"] else value


_Source = Annotated[
    Annotated[SourceName, Tag(SOURCE_FORMS[0])] | Annotated[SourceSlot, Tag(SOURCE_FORMS[1])],
    Discriminator(_form_of_source),
    BeforeValidator(_without_arguments),
]
PATH_FORMS = ("one path", "path of each part")  # as pydantic names them in an error


class PathParts(Section):
    """The table file of each part, if they are not `train`, `validation` and `test` in a folder."""

    train: str = Field(description="File to train on.")
    validation: str | None = Field(default=None, description="File for validation.")
    test: str | None = Field(default=None, description="File for the test, with its targets.")

    @property
    def by_part(self) -> dict[str, str]:
        """The file of each part that there is."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {part: file for part, file in named.items() if file is not None}


def _form_of_path(value: object) -> str:
    return PATH_FORMS[isinstance(value, PathParts | Mapping)]


_Path = Annotated[
    Annotated[str, Tag(PATH_FORMS[0])] | Annotated[PathParts, Tag(PATH_FORMS[1])],
    Discriminator(_form_of_path),
]


class Data(Section):
    """The data set, its splits and batches, and how samples are prepared."""

    source: _Source = Field(
        description="A named data set, a kind of files, `./file.py:function`, with arguments "
        "`{use: ./file.py:function, fold: 3}`, or a data set on the Hugging Face hub, "
        "`hf:NAME@COMMIT`; `hf:NAME:CONFIGURATION@COMMIT` if it has several configurations."
    )
    path: _Path | None = Field(
        default=None,
        description="File or folder of your own data; a function gets it as a pathlib.Path. For "
        "tables also the file of each part, `{train: a.csv, test: b.csv}`.",
    )
    parts: Parts | None = Field(
        default=None, description="Splits of a Hugging Face data set. If omitted, by their names."
    )
    image: Images | None = Field(
        default=None,
        description="Only for `source: image-folder` and `image-table`, and for `table.image`.",
    )
    table: Columns | None = Field(
        default=None, description="For tables; `features` also selects columns of a named table."
    )
    window: Window | None = Field(
        default=None, description="Only for `source: tiny-shakespeare` and `etth1`."
    )
    text: Text | None = Field(default=None, description="Only for texts.")
    target: Literal["given", "inputs"] = Field(
        default="given",
        description="`inputs` makes the prepared inputs the targets, as for an auto-encoder. Only "
        "for `task: prediction`.",
    )
    target_transform: TargetTransformName | None = Field(
        default=None,
        description="Transform of the targets that the loss sees, fitted on the training part: "
        "`standardize` (mean 0, SD 1), `minmax` (0 to 1), `log` or `log1p`; of several targets, "
        "each by itself. All metrics but `loss`, and predictions, are in the original unit. Only "
        "for `task: regression`.",
    )
    limit: int | None = Field(
        default=None,
        ge=2,
        description="Keep at most this many random rows of each part, for a quick try.",
    )
    splits: Splits = Field(default=Splits(), description="Parts to split off the training part.")
    batch_size: BatchSize = Field(
        description="Samples per optimizer step, or `full` for the whole training part."
    )
    shuffle: bool = Field(default=True, description="Shuffle the training part in each epoch.")
    drop_last: bool = Field(
        default=False,
        description="Leave out the last batch of an epoch if it is smaller than `batch_size`.",
    )
    sampler: Annotated[Slot, BeforeValidator(_named_sampler)] | None = Field(
        default=None,
        description="Draws the samples of each epoch: `balanced`, a class such as "
        "`torch.utils.data.WeightedRandomSampler`, or a function of your own. If omitted, each "
        "sample once.",
    )
    transform: Annotated[tuple[TransformSlot, ...], Strict(False)] = Field(
        default=(),
        description="Transforms of every sample, in order. Statistics such as means are computed "
        "on the training part, prepared as for an evaluation.",
    )
    augment: Annotated[tuple[Slot, ...], Strict(False)] = Field(
        default=(),
        description="Random changes to training images or tensors, in order, applied before "
        "`transform`.",
    )

    @property
    def source_name(self) -> str:
        """The name of the source; of a function its path, without its arguments."""
        return self.source if isinstance(self.source, str) else self.source.use

    @property
    def paths(self) -> tuple[str, ...]:
        """The files or folders of the user's data."""
        if self.path is None or isinstance(self.path, str):
            return () if self.path is None else (self.path,)
        return tuple(self.path.by_part.values())
