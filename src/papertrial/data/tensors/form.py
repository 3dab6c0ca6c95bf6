"""The shape and type of a sample that is a tensor, as a run stores them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from pydantic import field_validator

from papertrial.data.column import NamedColumns, SampleColumn
from papertrial.record import Part


class TensorForm(Part):
    """The shape of one sample, and its dtype by the name that torch has for it: "float32"."""

    shape: tuple[int, ...]
    dtype: str

    @field_validator("dtype")
    @classmethod
    def _check_dtype(cls, name: str) -> str:
        if not isinstance(getattr(torch, name, None), torch.dtype):
            raise ValueError(f"torch has no dtype {name!r}")
        return name

    @property
    def torch_dtype(self) -> torch.dtype:
        """The dtype of a sample."""
        dtype: torch.dtype = getattr(torch, self.dtype)
        return dtype


def forms_of(column: SampleColumn) -> dict[str, TensorForm]:
    """Return the form of each tensor of a sample by name; that of a single one has the name ""."""
    named = column.columns if isinstance(column, NamedColumns) else {"": column}
    return {
        name: TensorForm(shape=tuple(one.shape), dtype=str(one.dtype).removeprefix("torch."))
        for name, one in named.items()
    }


def in_words(forms: Mapping[str, TensorForm]) -> str:
    """Return the forms of tensors for messages: "ids [12] int64, mask [12] float32"."""
    named = (f"{name} {list(form.shape)} {form.dtype}".lstrip() for name, form in forms.items())
    return ", ".join(named)
