"""The sections on the results: every metric, learning curves, classes, mistakes."""

from __future__ import annotations

from collections.abc import Iterator

from papertrial.numbers import count, number, percent, plural
from papertrial.report.render.names import has_other_side, one_line, score_name
from papertrial.report.render.section import (
    Card,
    Cell,
    ReportSection,
    TableBlock,
    cells,
    columns,
)
from papertrial.store.report_record import ConfusionMatrix, Report

LARGEST_MATRIX = 200  # classes; with more, a cell is less than two pixels on a phone
_LONGEST_TEXT = 1200  # characters of a text that are shown
_PAIRS = 10


def metrics(report: Report) -> Iterator[ReportSection]:
    """Yield the result section of all metrics: a value, or the mean and range over seeds."""
    found = [
        (score_name(split, name), spread)
        for split, values in report.metrics.items()
        for name, spread in values.items()
    ]
    if not found:
        return
    if all(spread.mean is None for _, spread in found):
        heads = columns("Metric", ("Value", "number"))
        rows = tuple(cells(name, number(spread.value)) for name, spread in found)
        table = TableBlock("Each metric of this run", heads, rows)
        yield ReportSection("metrics", "Metrics", tables=(table,))
        return
    heads = columns("Metric", *((t, "number") for t in ("Mean", "SD", "Lowest", "Highest")))
    rows = tuple(
        cells(
            name,
            *(
                number(value, spread.sd)
                for value in (spread.mean, spread.sd, spread.low, spread.high)
            ),
        )
        for name, spread in found
    )
    caption = f"Each metric{_of_ours(report)} over the finished seeds"
    table = TableBlock(caption, heads, rows)
    yield ReportSection("metrics", "All metrics", tables=(table,))


def _of_ours(report: Report) -> str:
    """Return " of ours" for the titles of results if the report compares recipes, else ""."""
    return " of ours" if has_other_side(report) else ""


def curves(report: Report) -> Iterator[ReportSection]:
    """Yield the result section of the learning curves, which has only plots."""
    if report.curves:
        yield ReportSection("curves", f"Learning curves{_of_ours(report)}", plots=True)


def classes(report: Report) -> Iterator[ReportSection]:
    """Yield the result section on each class, and on which classes are confused."""
    confusion, tables = report.confusion, list[TableBlock]()
    text: tuple[str, ...] = ()
    k = len(confusion.classes) if confusion else 0
    drawn = 0 < k <= LARGEST_MATRIX
    if k > LARGEST_MATRIX:
        text = (f"{k} classes are too many to draw a matrix of.",)
    pairs = _confused_pairs(confusion) if confusion and k > 2 else ()
    if pairs:
        heads = columns(
            "True class", "Predicted class", ("Samples", "number"), ("Of its class", "number")
        )
        tables.append(TableBlock("The most frequent confusions", heads, pairs))
    if report.per_class:
        heads = columns("Class", *((t, "number") for t in ("Precision", "Recall", "F1", "Support")))
        rows = tuple(
            cells(
                one_line(row.class_, 60),
                *(f"{value:.3f}" for value in (row.precision, row.recall, row.f1)),
                count(row.support),
            )
            for row in report.per_class
        )
        mean = "" if report.kind == "run" else ", means over the seeds"
        tables.append(TableBlock(f"Each class{_of_ours(report)}{mean}", heads, rows))
    if drawn or tables:
        title = "Confusion matrix and classes" if confusion else "Classes"
        title += _of_ours(report)
        yield ReportSection("classes", title, text, tables=tuple(tables), plots=drawn)


def _confused_pairs(confusion: ConfusionMatrix) -> tuple[tuple[Cell, ...], ...]:
    names = [one_line(name, 60) for name in confusion.classes]
    found = [
        (mean, i, j, sum(row))
        for i, row in enumerate(confusion.matrix)
        for j, mean in enumerate(row)
        if i != j and mean > 0
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return tuple(
        cells(names[i], names[j], count(mean), percent(mean / total))
        for mean, i, j, total in found[:_PAIRS]
    )


def mistakes(report: Report) -> Iterator[ReportSection]:
    """Yield the result section of the most confident wrong answers, or of the largest errors."""
    if not report.mistakes:
        return
    cards = tuple(
        Card(
            title=f"{wrong.split} row {wrong.row}, seed {wrong.seed}",
            truth=_label(wrong.truth),
            predicted=_label(wrong.predicted),
            confidence="" if wrong.confidence is None else percent(wrong.confidence),
            # Only an image that is in the page itself: the page never requests a URL.
            image=image if (image := wrong.image or "").startswith("data:image/") else "",
            text=_cut(wrong.text or ""),
        )
        for wrong in report.mistakes
    )
    of = plural(len(cards), "sample")
    model = "our model" if has_other_side(report) else "the model"
    title = "The most confident mistakes"
    text = f"{of} that {model} got wrong with the highest confidence."
    if not any(card.confidence for card in cards):  # a regression
        title, text = "The largest errors", f"{of} with the predictions that are furthest off."
    yield ReportSection("mistakes", f"{title}{_of_ours(report)}", (text,), cards=cards)


def _label(value: float | str) -> str:
    return one_line(value, 80) if isinstance(value, str) else number(value)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT].rstrip()}…"
