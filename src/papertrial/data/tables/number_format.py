"""Numbers as people write them: decimal commas, groups of thousands, currency and percent signs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from papertrial.data.numbers import is_number
from papertrial.data.tables.table_format import TableFormat

if TYPE_CHECKING:
    import pyarrow as pa

_EXPONENT = r"(?:[eE][+-]?\d+)?"
_COMMA = rf"[+-]?(?:\d*,\d+|\d+,){_EXPONENT}"  # 12,5
_GROUPED_BY_COMMA = r"[+-]?[1-9]\d{0,2}(?:,\d{3})+"  # 1,234: also a decimal comma, if only once
_POINTS_AND_COMMA = r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+,\d+"  # 1.234,5
_GROUPED_BY_POINT = r"[+-]?[1-9]\d{0,2}(?:\.\d{3})+"
_WHOLE = r"[+-]?\d+"
_SPACES = "[ \u00a0\u202f]"  # that group thousands: also those that do not break a line
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.*)?")
_PLACEHOLDER = re.compile(
    r"[^\w\s]{1,3}|none|nil|missing|unknown|undefined|not available|not known|n\.?[ad]\.?",
    re.IGNORECASE,
)
_SIGN = re.compile(r"([+-]?)([^\d\s.,+-]{0,4})\s*([\d.,\s]*\d[\d.,]*)\s*([^\d\s.,+-]{0,4})")


class Marks(NamedTuple):
    """The marks that the numbers of a file show, a cell that proves them, and its column."""

    decimal: Literal[","]
    thousands: str | None
    cell: str
    column: str
    columns: int


def plain_numbers(cells: pa.Array, form: TableFormat) -> pa.Array:
    """Return trimmed texts as Python writes numbers; null for other texts, if `form` has marks."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    if form.strip:
        signs = "|".join(re.escape(text.strip()) for text in form.strip)
        cells = pc.replace_substring_regex(cells, rf"^([+-]?)\s*(?:{signs})\s*", r"\1")
        cells = pc.replace_substring_regex(cells, rf"\s*(?:{signs})$", "")
    decimal, mark = _decimal(form), form.thousands
    if mark is not None:
        group = _SPACES if mark == " " else re.escape(mark)
        grouped = rf"^[+-]?\d{{1,3}}(?:{group}\d{{3}})+(?:{re.escape(decimal)}\d*)?$"
        plain = pc.replace_substring_regex(cells, group, "")
        cells = pc.if_else(pc.match_substring_regex(cells, grouped), plain, cells)
    if decimal == ",":
        null = pa.scalar(None, cells.type)
        cells = pc.if_else(pc.match_substring(cells, "."), null, cells)
        cells = pc.replace_substring(cells, ",", ".", max_replacements=1)
    return cells


def guess_marks(columns: Mapping[str, pa.ChunkedArray], form: TableFormat) -> Marks | None:
    """Return the marks of a table's numbers if they are decimal commas without doubt, else None.

    They are if every cell of a column is like 12,5 or whole, one of them cannot be a group of
    thousands, and no cell of a column of numbers has a decimal point.
    """
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    found: list[tuple[str, str]] = []
    thousands = None
    for name, chunked in columns.items():
        if not pc.any(pc.match_substring_regex(chunked, "[.,]")).as_py():
            continue
        present = _present(chunked, form)
        with_points = [p for p in (_GROUPED_BY_POINT, _POINTS_AND_COMMA) if _any(present, p)]
        if _all(present, rf"{_WHOLE}|[+-]?(?:\d*\.\d+|\d+\.){_EXPONENT}"):
            if not _all(present, rf"{_WHOLE}|{_GROUPED_BY_POINT}"):
                return None  # decimal points
            continue
        if not _all(
            present, rf"{_WHOLE}|{_COMMA}|{_GROUPED_BY_POINT}|{_POINTS_AND_COMMA}"
        ) or not _any(present, rf"{_COMMA}|{_POINTS_AND_COMMA}"):
            continue
        thousands = "." if _POINTS_AND_COMMA in with_points else thousands
        commas = present.filter(
            pc.match_substring_regex(present, rf"^(?:{_COMMA}|{_POINTS_AND_COMMA})$")
        )
        clear = commas.filter(
            pc.invert(pc.match_substring_regex(commas, rf"^(?:{_GROUPED_BY_COMMA})$"))
        )
        if len(clear):
            found.append((name, clear[0].as_py()))
    if not found:
        return None
    return Marks(",", thousands, found[0][1], found[0][0], len(found))


def number_advice(cells: Sequence[str], form: TableFormat, *, among_numbers: bool) -> str:
    """Return what to set so that cells of a column that are not numbers are read; "" if unknown.

    Args:
        cells: the distinct cells, trimmed.
        form: how the table's cells are written.
        among_numbers: whether the other cells of the column are numbers.
    """
    if form.strip:
        signs = "|".join(re.escape(text.strip()) for text in form.strip)
        cells = [re.sub(rf"(?<![^+-])\s*(?:{signs})\s*|\s*(?:{signs})$", "", one) for one in cells]
    others = [cell for cell in cells if not _PLACEHOLDER.fullmatch(cell)]
    if not others:
        if not among_numbers or len(cells) > 2:
            return ""
        listed = ", ".join(f'"{word}"' for word in ("", *cells))
        return f"if it means a missing value, set data.table.na_values: [{listed}]"
    cells = others
    if all(_ISO_DATE.fullmatch(cell) for cell in cells):
        return (
            "list the column in data.table.dates to turn the dates into numbers, or in "
            "data.table.exclude"
        )
    if all(re.fullmatch(rf"[+-]?\d{{1,3}}(?:{_SPACES}\d{{3}})+(?:[.,]\d+)?", c) for c in cells):
        return 'set data.table.thousands: " "'
    marks = _comma_advice(cells) if _decimal(form) == "," else _point_advice(cells)
    return marks or _sign_advice(cells)


def _comma_advice(cells: Sequence[str]) -> str:
    """Return advice on numbers of a table with decimal commas."""
    if all(re.fullmatch(f"{_GROUPED_BY_POINT}|{_POINTS_AND_COMMA}", cell) for cell in cells):
        return 'set data.table.thousands: "." if points separate thousands'
    if all(re.fullmatch(rf"[+-]?\d*\.\d+{_EXPONENT}", cell) for cell in cells):
        return 'write decimals with a comma as in the rest, or set data.table.decimal: "."'
    return ""


def _point_advice(cells: Sequence[str]) -> str:
    """Return advice on numbers of a table with decimal points."""
    if all(re.fullmatch(rf"{_GROUPED_BY_COMMA}(?:\.\d+)?", cell) for cell in cells):
        if any("." in cell or cell.count(",") > 1 for cell in cells):
            return 'set data.table.thousands: ","'
        whole, part = cells[0].replace(",", ""), cells[0].replace(",", ".")
        return (
            f'set data.table.thousands: "," if {cells[0]} is {whole}, or data.table.decimal: "," '
            f"if it is {part}"
        )
    if all(re.fullmatch(f"{_COMMA}|{_POINTS_AND_COMMA}", cell) for cell in cells):
        grouped = any(re.fullmatch(_POINTS_AND_COMMA, cell) for cell in cells)
        more = ' and data.table.thousands: "."' if grouped else ""
        return f'set data.table.decimal: ","{more}'
    return ""


def _sign_advice(cells: Sequence[str]) -> str:
    signs: dict[str, None] = {}
    for cell in cells:
        found = _SIGN.fullmatch(cell)
        around = [text for text in (found[2], found[4]) if text] if found else []
        if not around or any(is_number(text) for text in around):
            return ""
        signs.update(dict.fromkeys(around))
    if len(signs) > 3:
        return ""
    listed = ", ".join(f'"{sign}"' for sign in signs)
    return f"set data.table.strip: [{listed}] to read the number without it"


def _decimal(form: TableFormat) -> str:
    return form.decimal or ("," if form.thousands == "." else ".")


def _present(chunked: pa.ChunkedArray, form: TableFormat) -> pa.Array:
    """Return the trimmed cells of a column that are not missing, without what is stripped."""
    import pyarrow as pa  # noqa: PLC0415  (slow to import)
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    cells = pc.utf8_trim_whitespace(chunked.cast(pa.large_string()).combine_chunks())
    cells = cells.filter(pc.invert(pc.is_in(cells, value_set=pa.array(form.missing, cells.type))))
    return plain_numbers(cells, TableFormat(strip=form.strip))


def _all(cells: pa.Array, pattern: str) -> bool:
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    return bool(pc.all(pc.match_substring_regex(cells, f"^(?:{pattern})$"), min_count=0).as_py())


def _any(cells: pa.Array, pattern: str) -> bool:
    import pyarrow.compute as pc  # noqa: PLC0415  (slow to import)

    return bool(pc.any(pc.match_substring_regex(cells, f"^(?:{pattern})$"), min_count=0).as_py())
