"""JSON documents as frozen, typed records with a format version."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar, Self

import pydantic_core
from pydantic import BaseModel, ConfigDict, ValidationError

from papertrial.errors import RunError

_FORMAT = "format"
_MOST_PROBLEMS = 3  # of a damaged file that one message lists


class Part(BaseModel):
    """A typed part of a document: frozen, with exactly its own keys and finite numbers only."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    def to_plain(self) -> dict[str, Any]:
        """Return the record's values as `json.dumps` takes them."""
        return self.model_dump(mode="json")


class Record(Part):
    """A whole document. `FORMAT` counts up with every change that an older reader cannot read."""

    FORMAT: ClassVar[int] = 1

    def to_json(self, *, indent: int | None = 2) -> str:
        """Return the record as JSON text with its format version; `indent=None` gives one line.

        Parts of a file name or of a message that are not Unicode become "?".
        """
        plain = {_FORMAT: self.FORMAT, **self.to_plain()}
        text = json.dumps(plain, indent=indent, allow_nan=False, ensure_ascii=False)
        return text.encode(errors="replace").decode()

    @staticmethod
    def is_json(text: bytes | str) -> bool:
        """Return whether the text of a record is JSON: a line that a crash cut short is not."""
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            return False
        return True

    @staticmethod
    def field(text: bytes | str, key: str) -> object:
        """Return one top-level value of a JSON record of any kind; None if it has none."""
        try:
            plain = json.loads(text)
        except (ValueError, RecursionError):
            return None
        return plain.get(key) if isinstance(plain, dict) else None

    @classmethod
    def from_json(cls, text: bytes | str, where: str | Path) -> Self:
        """Read a record from JSON text, and check its format version, keys and types.

        Args:
            text: the JSON text.
            where: the file, and for a file of lines the line, that messages name.

        Raises:
            RunError: the text is not such a document, is damaged, or has another format version.
        """
        try:
            plain = pydantic_core.from_json(text)  # 3 times as fast as json.loads
        except ValueError as error:
            raise RunError(f"{where} is damaged: it is not JSON: {error}") from error
        if not isinstance(plain, dict):
            raise RunError(f"{where} is damaged: it is not a JSON object")
        found = plain.pop(_FORMAT, None)
        if type(found) is not int:
            raise RunError(
                f"{where} is damaged or of an older papertrial: it has no format version"
            )
        if found != cls.FORMAT:
            age = "newer" if found > cls.FORMAT else "older"
            raise RunError(
                f"{where} has format {found}, this papertrial reads format {cls.FORMAT}: "
                f"open it with the {age} version that wrote it"
            )
        try:
            # As JSON, where a list is what a tuple is written as.
            return cls.model_validate_json(pydantic_core.to_json(plain, inf_nan_mode="constants"))
        except ValidationError as error:
            raise RunError(f"{where} is damaged: {_problems_of(error)}") from error


def finite_or_none(value: float) -> float | None:
    """Return a number as a JSON record holds it: None for infinity and NaN, which JSON lacks."""
    return float(value) if math.isfinite(value) else None


def _problems_of(error: ValidationError) -> str:
    """Return the first problems of a damaged JSON record in one line, each with its key path."""
    found = error.errors(include_url=False)
    listed = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found[:_MOST_PROBLEMS]]
    more = len(found) - len(listed)
    return " ".join("; ".join(listed).split()) + (f"; and {more} more" if more > 0 else "")
