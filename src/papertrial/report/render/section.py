"""What a report is made of before it is HTML or Markdown: sections, tables, cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How a column is written: "note" is a sentence in a row of its own where there is room for one.
ColumnKind = Literal["text", "number", "verdict", "code", "note"]


Title = str | tuple[str, ColumnKind]  # a title alone is a text column


@dataclass(frozen=True)
class Column:
    """A column's heading and how its cells are written."""

    title: str
    kind: ColumnKind = "text"


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a second smaller line, and an address that the small line leads to."""

    text: str
    small: str = ""
    href: str = ""


@dataclass(frozen=True)
class Table:
    """A table with its caption; every row has one cell a column, the first names the row.

    `stacked` tables become one card a row on a narrow screen, all others scroll in their own box.
    """

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    stacked: bool = False


@dataclass(frozen=True)
class Card:
    """A sample that the model got wrong: what it is, what was said; "" for what is not known."""

    title: str
    truth: str
    predicted: str
    confidence: str
    image: str = ""
    text: str = ""


@dataclass(frozen=True)
class Section:
    """One heading and what stands below it.

    `anchor` is its id in the page, by which its plots are found too. `code` is a command.
    """

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    cards: tuple[Card, ...] = ()
    code: str = ""
    plots: bool = False


def address(url: object) -> str:
    """Return an address of the web, or nothing: a link of another scheme can run a script."""
    text = str(url or "").strip()
    return text if text.lower().startswith(("https://", "http://")) else ""


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return a row of plain cells."""
    return tuple(Cell(text) for text in texts)


def columns(*titles: Title) -> tuple[Column, ...]:
    """Return columns from their titles."""
    return tuple(Column(t) if isinstance(t, str) else Column(*t) for t in titles)
