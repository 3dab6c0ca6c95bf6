"""The content of a report before it is HTML or Markdown: sections, tables, cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How a column is rendered; the page shows a "note", a sentence, in a separate row.
ColumnKind = Literal["text", "number", "verdict", "code", "note"]

Title = str | tuple[str, ColumnKind]  # a title alone is a text column


@dataclass(frozen=True)
class TableColumn:
    """A column's heading and how its cells are rendered."""

    title: str
    kind: ColumnKind = "text"


@dataclass(frozen=True)
class Cell:
    """A cell: its text, a second line in small print, and the URL that this line links to."""

    text: str
    small: str = ""
    href: str = ""


@dataclass(frozen=True)
class TableBlock:
    """A table with its caption; every row has a cell for each column, the first names the row.

    On a narrow screen each row of a `stacked` table becomes a card; other tables scroll.
    """

    caption: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    stacked: bool = False


@dataclass(frozen=True)
class Card:
    """A sample that the model got wrong; "" for what is unknown."""

    title: str
    truth: str
    predicted: str
    confidence: str
    image: str = ""
    text: str = ""


@dataclass(frozen=True)
class ReportSection:
    """A heading and the content below it.

    `anchor` is its id in the page, and the key of its plots. `code` is a command.
    """

    anchor: str
    title: str
    text: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tables: tuple[TableBlock, ...] = ()
    cards: tuple[Card, ...] = ()
    code: str = ""
    plots: bool = False


def web_address(url: str | None) -> str:
    """Return a URL if a cell of a section may link to it, else "".

    Only a URL of the web may be a link: one with another scheme can run a script.
    """
    text = (url or "").strip()
    return text if text.lower().startswith(("https://", "http://")) else ""


def cells(*texts: str) -> tuple[Cell, ...]:
    """Return the plain cells of a row in a table of a section."""
    return tuple(Cell(text) for text in texts)


def columns(*titles: Title) -> tuple[TableColumn, ...]:
    """Return the columns of a table in a section from their titles."""
    return tuple(TableColumn(t) if isinstance(t, str) else TableColumn(*t) for t in titles)
