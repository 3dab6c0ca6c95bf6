"""The section of a recipe with the columns of a table, and how its file is written."""

from __future__ import annotations

import codecs
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict, WithJsonSchema

from papertrial.recipe.section import Section
from papertrial.recipe.value_types import TargetColumns

_DatePart = Literal[
    "year", "month", "day", "weekday", "day-of-year", "hour", "minute", "second", "days", "seconds"
]
_Names = Annotated[tuple[str, ...], Strict(False)]


def _days_each(value: object) -> object:
    """Return a list of columns as a mapping to the part that it stands for."""
    if isinstance(value, list | tuple):
        return {name: ["days"] for name in value}
    return value


def _check_encoding(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        is_text = codecs.lookup(value)._is_text_encoding
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        raise ValueError(
            f"unknown encoding {value!r}; one of Python's, such as utf-8, utf-16, cp1252, cp1250, "
            "cp949, shift_jis, gb18030 or big5"
        )
    return value


_Encoding = Annotated[str | None, AfterValidator(_check_encoding)]
_Dates = Annotated[
    dict[str, Annotated[tuple[_DatePart, ...], Strict(False), Field(min_length=1)]],
    BeforeValidator(_days_each),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}},
                {
                    "type": "object",
                    "additionalProperties": {
                        "type": "array",
                        "items": {"type": "string", "enum": list(_DatePart.__args__)},
                        "minItems": 1,
                    },
                },
            ]
        }
    ),
]


class Columns(Section):
    """Which columns of a table are used, and how."""

    target: TargetColumns = Field(
        default=None,
        description="Column to predict, required for tables and Hugging Face sets; or a list of "
        "the columns of several numbers (`regression`) or labels (`multilabel-classification`).",
    )
    text: str | None = Field(
        default=None, description="Column of texts. Required for `text-table`."
    )
    image: str | None = Field(
        default=None,
        description="Column of images of a Hugging Face data set, or of the paths of image files. "
        "Required for `image-table`.",
    )
    part: str | None = Field(
        default=None,
        description="Column that says of each row whether it is for `train`, `validation` or "
        "`test`. Only for `image-table`.",
    )
    features: _Names | None = Field(
        default=None, description="Input columns, in order. If omitted, all but the target."
    )
    exclude: _Names = Field(
        default=(), description="Columns that are not input columns, instead of `features`."
    )
    categorical: _Names = Field(
        default=(), description="Input columns to one-hot encode, one column for each category."
    )
    codes: _Names = Field(
        default=(),
        description="Input columns of categories to encode as one number for an embedding: the "
        "place of the category from 1, or 0 for none of the training part.",
    )
    unseen: Literal["error", "zeros"] = Field(
        default="error",
        description="Categories that the training part lacks: report them, or encode them as 0.",
    )
    dates: _Dates = Field(
        default={},
        description="Input columns of dates to turn into numbers: a list of columns, for days "
        "since 1970; or a mapping of columns to parts, of year, month, day, weekday (0 is Monday), "
        "day-of-year, hour, minute, second, days and seconds (both since 1970).",
    )
    missing: Literal["error", "drop", "mean", "median"] = Field(
        default="error",
        description="Missing cells: report them, drop their rows, or fill in the mean or median of "
        "the training part.",
    )
    missing_target: Literal["error", "drop"] = Field(
        default="error", description="Rows without a target: report them, or leave them out."
    )
    na_values: _Names | None = Field(
        default=None,
        description="How missing cells are written. If omitted, the empty cell and the usual "
        "spellings, such as NA, N/A, NULL and NaN.",
    )
    delimiter: str | None = Field(
        default=None,
        description="Character between columns. If omitted, a tab in `.tsv` files, else a comma; "
        "or what each row of the file shows.",
    )
    encoding: _Encoding = Field(
        default=None,
        description="Encoding of the text, such as `cp1252` or `shift_jis`. If omitted, UTF-8 or "
        "UTF-16, as the file shows; other files are guessed or refused.",
    )
    decimal: Literal[".", ","] | None = Field(
        default=None,
        description="Decimal mark of numbers. If omitted, a point, unless the file shows a comma.",
    )
    thousands: Literal[".", ",", " ", "'", "_"] | None = Field(
        default=None, description="Mark between groups of three digits. If omitted, none."
    )
    strip: _Names = Field(
        default=(),
        description="Text to remove from both ends of numbers, such as `$` or `%`.",
    )
    header: bool = Field(
        default=True, description="Whether the first row has the names of the columns."
    )
    names: _Names = Field(
        default=(),
        description="Names of the columns of a file without a header. If omitted, `column1` and so "
        "on.",
    )

    @property
    def date_parts(self) -> dict[str, tuple[str, ...]]:
        """The parts of the dates of a column that become numbers."""
        return {name: tuple(parts) for name, parts in self.dates.items()}

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns to predict."""
        return (self.target,) if isinstance(self.target, str) else (self.target or ())
