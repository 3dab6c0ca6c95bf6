"""One cell of a table of scores: a number, a missing score, or neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

_NUMBER = re.compile(r"[-+\u2212]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_PERCENT = re.compile(r"(%|percent)$", re.IGNORECASE)
# What a run without a score has in place of one.
_NOT_FINITE = ("nan", "inf", "+inf", "-inf", "infinity", "-infinity")
FAILED_WORDS = ("diverged", "crashed", "failed", "oom", "killed", "timeout")
_NO_SCORE = ("", "-", "na", "n/a", "none", "null", *_NOT_FINITE, *FAILED_WORDS)


@dataclass(frozen=True)
class Number:
    """The number of a cell; `percent` says whether a percent sign follows it."""

    value: Decimal
    percent: bool = False


def read_cell(cell: object, *, decimal_comma: bool) -> Number | None:
    """Return the number of a cell; None for a run without a score.

    Args:
        cell: a number or text.
        decimal_comma: whether a comma in text is a decimal point.

    Raises:
        ValueError: it is neither.
    """
    if cell is None:
        return None
    if isinstance(cell, bool):
        raise ValueError(f"must be a number, got {cell}")
    if isinstance(cell, Decimal):
        return Number(cell) if cell.is_finite() else None
    if isinstance(cell, int | float):
        # A float of numpy is a float with another repr.
        number = Decimal(cell) if isinstance(cell, int) else Decimal(repr(float(cell)))
        return Number(number) if number.is_finite() else None
    if isinstance(cell, list | tuple | Mapping):
        raise ValueError("must be one number, got several values")
    text = str(cell).strip()
    if text.lower() in _NO_SCORE:
        return None
    digits, signs = _PERCENT.subn("", text)
    digits = digits.strip()
    if decimal_comma and digits.count(",") == 1 and "." not in digits:
        digits = digits.replace(",", ".")
    if not _NUMBER.fullmatch(digits):
        hint = ""
        if "," in digits:
            hint = "; write a decimal point, or ; between columns for decimal commas"
        raise ValueError(f"must be a number, got {text!r}{hint}")
    return Number(Decimal(digits.replace("\u2212", "-")), percent=signs > 0)


def is_number(cell: str, *, decimal_comma: bool) -> bool:
    """Tell whether a cell of the first line is a number, and not the name of a column."""
    try:
        found = read_cell(cell, decimal_comma=decimal_comma)
        return found is not None or cell.lower() in _NOT_FINITE
    except ValueError:
        return False
