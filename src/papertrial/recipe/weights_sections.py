"""The sections of a recipe on the weights that a training starts from, and those it leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    Strict,
    Tag,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import core_schema

from papertrial.recipe.section import Section


def _as_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Texts = Annotated[
    tuple[str, ...],
    BeforeValidator(_as_list),
    Strict(False),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
]


class InitFrom(Section):
    """Weights from which training starts, and which of them are used.

    `init_from: runs/x` is short for `init_from: {weights: runs/x}`.
    """

    weights: str = Field(
        min_length=1,
        description="Folder of a finished run, a `.safetensors` file, or a state dict that "
        "`torch.save` wrote (`.pt`, `.pth`). A run also brings its vocabulary or its columns.",
    )
    skip: Texts = Field(
        default=(),
        description="Names of tensors that are not loaded, with `*` for any text: `fc.*`.",
    )
    rename: dict[str, str] = Field(
        default={},
        description="Beginnings of names in the file, and what replaces them: "
        '`{"encoder.": "backbone."}`.',
    )

    @property
    def whole(self) -> bool:
        """Whether all tensors are loaded under their own names."""
        return not self.skip and not self.rename


# The two forms of `init_from`, as pydantic names them in the key path of an error.
INIT_FORMS = ("path of a start", "parts of a start")


def _form_of_start(value: object) -> str:
    return INIT_FORMS[isinstance(value, Mapping | InitFrom)]


Start = Annotated[
    Annotated[str, Tag(INIT_FORMS[0])] | Annotated[InitFrom, Tag(INIT_FORMS[1])],
    Discriminator(_form_of_start),
]


class Freeze(Section):
    """Parameters that are not trained. `freeze: "backbone.*"` is short for `{match: ...}`."""

    match: Annotated[Texts, Field(min_length=1)] = Field(
        description="Name or names of parameters, with `*` for any text: `backbone.*`."
    )
    batch_norm: Literal["updated", "fixed"] = Field(
        default="updated",
        description="What frozen batch norm layers do in training: normalise by the batch and "
        "update their statistics, as torch does, or use their stored statistics, which stay `fixed`"
        ".",
    )

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, value: object) -> object:
        return {"match": value} if isinstance(value, str | list | tuple) else value

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        texts = {"type": "array", "items": {"type": "string"}}
        return _or_text(core, handler, {"type": "string"}, texts)


def _or_text(
    core: core_schema.CoreSchema, handler: GetJsonSchemaHandler, *forms: dict[str, Any]
) -> dict[str, Any]:
    return {"anyOf": [*forms, handler.resolve_ref_schema(handler(core))]}
