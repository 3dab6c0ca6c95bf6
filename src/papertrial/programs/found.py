"""A value as a reader finds it, and the text of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from papertrial.errors import ProgramFailedError

_NUMBER = re.compile(
    r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:nan|inf|infinity)",
    re.IGNORECASE | re.ASCII,
)
_SHOWN = 200
_MOST = 1000  # digits before or after the point


@dataclass(frozen=True)
class Found:
    """One value, before its unit is applied.

    Attributes:
        value: exactly what is written.
        step: None if the source has no steps.
        line: the 1-based line in the file; None where there are no lines.
        text: what is written there.
        has_percent_sign: whether a % sign follows the number.
    """

    value: Decimal
    step: int | None
    line: int | None
    text: str
    has_percent_sign: bool = False

    @property
    def where(self) -> str:
        """The line and the text, for messages."""
        return f'line {self.line}, "{self.text}"' if self.line is not None else f'"{self.text}"'


def parse_value(written: object, line: int | None) -> tuple[Decimal, bool]:
    """Return a number, and whether a % sign follows it.

    Raises:
        ProgramFailedError: this is not a number.
    """
    if isinstance(written, Decimal):
        return written, False
    if isinstance(written, int | float) and not isinstance(written, bool):
        return Decimal(str(written)), False
    text = written.strip() if isinstance(written, str) else ""
    number = text.removesuffix("%").rstrip()
    if not _NUMBER.fullmatch(number):
        shown = written if isinstance(written, str) else _as_json(written)
        raise ProgramFailedError(f'"{cut(shown)}"{on_line(line)} is not a number')
    return to_decimal(number), number != text


def to_decimal(number: str) -> Decimal:
    """Return a number exactly; beyond 1000 digits, the nearest float: infinite, or 0."""
    try:
        value = Decimal(number)
    except InvalidOperation:  # an exponent of 19 digits or more
        value = Decimal(float(number))
    return (
        value if not value.is_finite() or abs(value.adjusted()) < _MOST else Decimal(float(value))
    )


def parse_step(written: object, line: int | None) -> int:
    """Return a step or an epoch: a whole number.

    Raises:
        ProgramFailedError: this is not one.
    """
    value, _ = parse_value(written, line)
    if not value.is_finite() or value.adjusted() > 17 or value != int(value):
        raise ProgramFailedError(f'the step "{written}"{on_line(line)} is not a whole number')
    return int(value)


def on_line(line: int | None) -> str:
    """Return " on line 7", for messages."""
    return "" if line is None else f" on line {line}"


def cut(text: str) -> str:
    """Return a text in at most 200 characters."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _as_json(written: object) -> str:
    if written is None or isinstance(written, bool):
        return {None: "null", True: "true", False: "false"}[written]
    return "a list" if isinstance(written, list) else "an object"
