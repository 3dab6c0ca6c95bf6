"""The records of what reads the inputs of a model, as a run keeps them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from papertrial.data.tables.layout import Layout
from papertrial.data.tables.table_format import TableFormat
from papertrial.data.tensors.form import TensorForm
from papertrial.data.texts.subword_tokenizer import SubwordTokenizerState
from papertrial.data.texts.vocabulary import VocabularyState
from papertrial.record import Part


class ImageInputsState(Part):
    """The shape [C, H, W] of the images; (C, 0, 0) if their sizes vary.

    `range` has the values of images with more than 8 bits that become 0 and 255.
    """

    kind: Literal["image"] = "image"
    shape: tuple[int, int, int]
    range: tuple[float, float] | None = None


class TableInputsState(TableFormat):
    """The columns, and how the cells of files are written."""

    kind: Literal["table"] = "table"
    layout: Layout


class TextInputsState(Part):
    """What encodes the texts: a vocabulary, or the tokenizer of a pretrained model."""

    kind: Literal["text"] = "text"
    vocabulary: VocabularyState | None = None
    tokenizer: SubwordTokenizerState | None = None

    @model_validator(mode="after")
    def _check_one(self) -> TextInputsState:
        if (self.vocabulary is None) == (self.tokenizer is None):
            raise ValueError("texts need a vocabulary or a tokenizer")
        return self


class TensorInputsState(Part):
    """The form of each tensor of a sample by name; that of a single one has the name ""."""

    kind: Literal["tensor"] = "tensor"
    forms: dict[str, TensorForm]


InputsState = Annotated[
    ImageInputsState | TableInputsState | TextInputsState | TensorInputsState,
    Field(discriminator="kind"),
]
