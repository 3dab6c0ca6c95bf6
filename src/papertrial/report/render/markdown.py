"""A report as Markdown for a pull request: the same content without plots and images."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from papertrial.report.render.head_and_sections import head, sections
from papertrial.report.render.names import one_line
from papertrial.report.render.section import Card, Cell, ColumnKind, ReportSection, TableBlock
from papertrial.store.report_record import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]|~#$])")
_MENTION = re.compile(r"(@|\\#)(?=\w)")  # GitHub would notify a person, or link to an issue
_LONGEST_TEXT = 200  # characters of a sample's text: a cell is one line


def render_markdown(report: Report) -> str:
    """Return a report as GitHub's Markdown; an empty part has no section.

    Text of the report is escaped: it cannot be markup, HTML or a mention.
    """
    top = head(report)
    title = ": ".join(filter(None, (top.verdict, top.sentence)))
    lines = [f"# {escaped(title)}", "", escaped(top.eyebrow) + "."]
    source = f"[{escaped(top.paper or top.href)}]({_escaped_address(top.href)})" if top.href else ""
    source = source or escaped(top.paper)
    about = " ".join(part for part in (f"Source: {source}." if source else "", escaped(top.notes)))
    if about.strip():
        lines += ["", about.strip()]
    for _, title, found in top.boxes:
        lines += ["", f"**{title}**", "", *(f"- {escaped(text)}" for text in found)]
    for section in sections(report):
        lines += _section(section)
    lines += ["", "Plots and samples are in `report.html`, all numbers in `report.json`.", ""]
    return "\n".join(lines)


def escaped(text: str) -> str:
    """Return a text as one line that Markdown shows unchanged."""
    line = one_line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub(r"\1<!-- -->", _SPECIAL.sub(r"\\\1", line))


def _section(section: ReportSection) -> Iterator[str]:
    if section.plots and not section.tables:
        return  # its content is in its plots
    yield from ("", f"## {escaped(section.title)}")
    for text in section.text:
        yield from ("", escaped(text))
    for table in section.tables:
        yield from ("", *_table(table))
    if section.notes:
        yield from ("", *(f"- {escaped(note)}" for note in section.notes))
    if section.cards:
        yield from ("", *_cards(section.cards))
    if section.code:
        yield from ("", *_block(section.code))


def _table(table: TableBlock) -> Iterator[str]:
    yield f"{escaped(table.caption)}:"
    yield ""
    yield _row(escaped(column.title) for column in table.columns)
    yield _row("---:" if column.kind == "number" else "---" for column in table.columns)
    for row in table.rows:
        yield _row(_cell(c, column.kind) for c, column in zip(row, table.columns, strict=True))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell, kind: ColumnKind) -> str:
    text = code(cell.text) if kind == "code" else escaped(cell.text)
    small = escaped(cell.small)
    if cell.href:
        small = f"[{small or 'source'}]({_escaped_address(cell.href)})"
    return f"{text}<br>{small}" if small else text


def code(text: str) -> str:
    """Return a text as Markdown code in a table's cell, where a bar would end the cell."""
    line = one_line(text).replace("`", "'").replace("|", r"\|")
    return f"`{line}`" if line else ""


def _escaped_address(href: str) -> str:
    """Return a URL that cannot end its Markdown link or its cell."""
    for sign, escape in (("|", "%7C"), ("(", "%28"), (")", "%29"), ("<", "%3C"), (">", "%3E")):
        href = href.replace(sign, escape)
    return "".join(href.split())


def _cards(cards: tuple[Card, ...]) -> Iterator[str]:
    texts = any(card.text for card in cards)
    sure = any(card.confidence for card in cards)
    heads = ["Sample", "True", "Predicted"]
    heads += ["Confidence"] if sure else []
    heads += ["Text"] if texts else []
    yield _row(heads)
    yield _row("---:" if title == "Confidence" else "---" for title in heads)
    for card in cards:
        row = [escaped(text) for text in (card.title, card.truth, card.predicted)]
        row += [escaped(card.confidence)] if sure else []
        row += [code(one_line(card.text, _LONGEST_TEXT))] if texts else []
        yield _row(row)


def _block(text: str) -> list[str]:
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [fence, *text.splitlines(), fence]
