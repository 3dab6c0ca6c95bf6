"""The lines and tables that `papertrial data info` prints of a data card."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from papertrial.data.cards.card import DataCard

_WIDTH = 200  # characters of a table where there is no terminal


def print_card(card: DataCard) -> None:
    """Print a data card as text, section by section, as its page shows it."""
    from rich.console import Console
    from rich.table import Table

    from papertrial.report.render.data_card_sections import data_card_sections

    wide = None if Console().is_terminal else _WIDTH
    console = Console(width=wide, markup=False, highlight=False, emoji=False, soft_wrap=False)
    console.print(card.name)
    for section in data_card_sections(card):
        console.print(f"\n{section.title}")
        for line in section.text:
            console.print(f"  {line}")
        for block in section.tables:
            table = Table(box=None, padding=(0, 2))
            for column in block.columns:
                right = column.kind == "number"
                table.add_column(
                    column.title, justify="right" if right else "left", overflow="fold"
                )
            for row in block.rows:
                table.add_row(*(cell.text for cell in row))
            console.print(table)
        for line in section.notes:
            console.print(f"  - {line}", soft_wrap=True)
