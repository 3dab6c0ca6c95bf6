"""A data card as sections and tables, which the page and the terminal show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from papertrial.data.cards.card import ColumnCard, DataCard, NumberFacts, PartCard, TextFacts
from papertrial.numbers import NOTHING, number, percent, plural
from papertrial.report.render.section import (
    Cell,
    ReportSection,
    TableBlock,
    Title,
    cells,
    columns,
)

_CLASSES = 50  # that a table lists
_SCRIPTS = 5
_VALUES = 3
_NUMBERS: tuple[Title, ...] = tuple(
    (name, "number") for name in ("Minimum", "Mean", "Median", "Maximum")
)


def data_card_sections(card: DataCard) -> list[ReportSection]:
    """Return the sections of a data card; a part of which nothing is known has none."""
    parts = list(card.parts.items())
    return [
        _overview(card),
        *_classes(card),
        *(one for name, part in parts for one in _columns(name, part)),
        *_images(parts),
        *_texts(card),
        *_tensors(parts),
        _duplicates(card),
        *_reading(card),
        *_checks(card),
        *(one for name, part in parts for one in _samples(name, part)),
    ]


def _overview(card: DataCard) -> ReportSection:
    facts = [
        ("Source", card.source),
        ("Samples are", f"{card.kind}s" if card.kind != "table" else "rows of a table"),
        ("Target", card.target or ""),
        ("Licence", card.licence),
        ("Homepage", card.homepage),
        ("Citation", card.citation),
        ("Splits that its description names", ", ".join(card.splits)),
    ]
    rows = tuple(
        cells(name, f"{part.rows:,}", _bytes(part.nbytes), part.fingerprint)
        for name, part in card.parts.items()
    )
    heads = columns("Part", ("Samples", "number"), ("Bytes", "number"), ("Fingerprint", "code"))
    table = TableBlock("Parts", heads, rows)
    text = tuple(f"{name}: {value}" for name, value in facts if value)
    return ReportSection("overview", "Overview", text, tables=(table,))


def _classes(card: DataCard) -> Iterator[ReportSection]:
    counted = {name: part.classes for name, part in card.parts.items() if part.classes}
    if not counted:
        return
    classes = list(dict.fromkeys(one for counts in counted.values() for one in counts))
    rows = []
    for label in classes[:_CLASSES]:
        shown = [Cell(label)]
        for counts in counted.values():
            count, total = counts.get(label, 0), sum(counts.values())
            shown += cells(f"{count:,}", percent(count / total))
        rows.append(tuple(shown))
    heads: list[Title] = ["Class"]
    for name in counted:
        heads += [(name, "number"), (f"Share of {name}", "number")]
    more = len(classes) - _CLASSES
    text = (plural(len(classes), "class").replace("classs", "classes"),)
    notes = (f"{more:,} more are not shown",) if more > 0 else ()
    table = TableBlock("Samples of each class", columns(*heads), tuple(rows))
    yield ReportSection("classes", "Classes", text, notes, tables=(table,))


def _columns(name: str, part: PartCard) -> Iterator[ReportSection]:
    if part.columns:
        heads = columns(
            "Column", "Type", ("Missing", "number"), ("Distinct", "number"), *_NUMBERS,
            "Most frequent values",
        )  # fmt: skip
        rows = tuple(_column(one) for one in part.columns)
        table = TableBlock(f"Columns of {name}", heads, rows)
        yield ReportSection(f"columns-{name}", f"Columns of {name}", tables=(table,))


def _column(column: ColumnCard) -> tuple[Cell, ...]:
    values = [f"{one.value} ({one.count:,})" for one in column.values[:_VALUES]]
    if column.texts is not None:
        values = [_in_words(column.texts)]
    kind = column.type if column.type != "other" else column.stored
    return cells(
        column.name,
        kind,
        f"{column.missing:,}",
        f"{column.distinct:,}",
        *_of(column.numbers),
        ", ".join(values) or NOTHING,
    )


def _in_words(texts: TextFacts) -> str:
    scripts = [f"{name} {percent(share)}" for name, share in [*texts.scripts.items()][:_SCRIPTS]]
    length = f"{number(texts.characters.median)} characters (median)"
    return ", ".join([length, *scripts])


def _of(numbers: NumberFacts | None) -> tuple[str, ...]:
    if numbers is None:
        return (NOTHING,) * 4
    return tuple(number(one) for one in (numbers.min, numbers.mean, numbers.median, numbers.max))


def _images(parts: Sequence[tuple[str, PartCard]]) -> Iterator[ReportSection]:
    rows = []
    for name, part in parts:
        if part.images is not None:
            sizes = {**part.images.sizes, "other sizes": part.images.other_sizes}
            for what, counts in (("size", sizes), ("mode", part.images.modes)):
                rows += [cells(name, what, one, f"{n:,}") for one, n in counts.items() if n]
    if rows:
        heads = columns("Part", "What", "Value", ("Images", "number"))
        table = TableBlock("Sizes (height x width, pixels) and modes", heads, tuple(rows))
        yield ReportSection("images", "Images", tables=(table,))


def _texts(card: DataCard) -> Iterator[ReportSection]:
    rows, notes = [], []
    for name, part in card.parts.items():
        if part.texts is not None:
            for what in ("characters", "words"):
                rows.append(cells(name, what, *_of(getattr(part.texts, what))))
            scripts = [f"{one} {percent(share)}" for one, share in part.texts.scripts.items()]
            notes.append(f"{name}: {', '.join(scripts[:_SCRIPTS]) or 'no letters'}")
            if part.texts.empty:
                notes.append(f"{name}: {plural(part.texts.empty, 'empty text')}")
    if rows:
        heads = columns("Part", "Length in", *_NUMBERS)
        table = TableBlock("Lengths of texts", heads, tuple(rows))
        text = ("Words are what is between spaces. Shares of letters by script are below.",)
        yield ReportSection("texts", "Texts", text, tuple(notes), tables=(table,))


def _tensors(parts: Sequence[tuple[str, PartCard]]) -> Iterator[ReportSection]:
    rows = []
    for name, part in parts:
        for tensor, one in (part.tensors or {}).items():
            shape = " x ".join(map(str, one.shape)) or "single"
            rows.append(cells(name, tensor, shape, one.dtype, *_of(one.numbers)))
    if rows:
        heads = columns("Part", "Tensor", "Shape", "Type", *_NUMBERS)
        table = TableBlock("Tensors of a sample", heads, tuple(rows))
        yield ReportSection("tensors", "Tensors", tables=(table,))


def _duplicates(card: DataCard) -> ReportSection:
    found = card.duplicates
    rows = [cells(f"within {name}", f"{count:,}") for name, count in found.repeated.items()]
    rows += [
        cells(f"in {' and '.join(names.split('/'))}", f"{count:,}")
        for names, count in found.shared.items()
    ]
    table = TableBlock("Exact duplicates", columns("Where", ("Count", "number")), tuple(rows))
    text = (f"Compared: {found.of}.",)
    return ReportSection("duplicates", "Duplicates", text, tables=(table,))


def _reading(card: DataCard) -> Iterator[ReportSection]:
    if card.notes:
        yield ReportSection(
            "reading", "Reading the data", notes=tuple(note.text for note in card.notes)
        )


def _checks(card: DataCard) -> Iterator[ReportSection]:
    if card.checks:
        rows = tuple(cells(one.file, one.state, one.sha256) for one in card.checks)
        heads = columns("File", "State", ("SHA-256", "code"))
        table = TableBlock("Files that the description of the set names", heads, rows)
        yield ReportSection("checksums", "Checksums", tables=(table,))


def _samples(name: str, part: PartCard) -> Iterator[ReportSection]:
    if part.samples:
        rows = tuple(cells(one.name, one.label or NOTHING, one.text) for one in part.samples)
        table = TableBlock(f"Samples of {name}", columns("Sample", "Label", "Content"), rows)
        yield ReportSection(f"samples-{name}", f"Samples of {name}", tables=(table,))


def _bytes(nbytes: int | None) -> str:
    return NOTHING if nbytes is None else f"{nbytes:,}"
