"""What a report says of the scores: what varied, every metric, classes, mistakes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from papertrial.numbers import NOTHING, count, number, percent, plural
from papertrial.report.render.section import Card, Cell, Section, Table, cells, columns
from papertrial.report.render.words import (
    finite,
    has_other_side,
    one_line,
    scored,
)

Report = Mapping[str, Any]
LARGEST_MATRIX = 200  # classes; a cell of more is less than two pixels on a phone
_LONGEST_TEXT = 1200  # characters of a text that are shown
_PAIRS = 10


def varied(report: Report) -> Iterator[Section]:
    """Tell what differed between seeds, and what was the same for all."""
    what, fixed = report.get("varied"), report.get("fixed") or ()
    if what or fixed:
        run = report.get("kind") == "run"
        text = [f"Varied: {one_line(what)}"] if what else []
        text += ["The same for every seed:"] if fixed and not run else []
        title = "Setting" if run else "What varied and what did not"
        yield Section("varied", title, tuple(text), tuple(map(one_line, fixed)))


def metrics(report: Report) -> Iterator[Section]:
    """Tell every metric of every split: a value of a run, mean and range of a verification."""
    found = [
        (split, name, value)
        for split, values in (report.get("metrics") or {}).items()
        for name, value in values.items()
    ]
    if not found:
        return
    if all(set(value) <= {"value"} for _, _, value in found):
        heads = columns("Metric", ("Value", "number"))
        rows = tuple(
            cells(scored(split, name), number(value.get("value"))) for split, name, value in found
        )
        yield Section("metrics", "Metrics", tables=(Table("Each metric of this run", heads, rows),))
        return
    heads = columns("Metric", *((t, "number") for t in ("Mean", "SD", "Lowest", "Highest")))
    rows = tuple(
        cells(
            scored(split, name),
            number(finite(value.get("mean")), value.get("sd")),
            number(value.get("sd"), value.get("sd")),
            *(number(finite(value.get(key)), value.get("sd")) for key in ("low", "high")),
        )
        for split, name, value in found
    )
    table = Table(f"Each metric{_whose(report)} over the finished seeds", heads, rows)
    yield Section("metrics", "All metrics", tables=(table,))


def _whose(report: Report) -> str:
    """Say whose numbers these are where differences bring other recipes with them."""
    return " of ours" if has_other_side(report) else ""


def curves(report: Report) -> Iterator[Section]:
    """Name the section of the learning curves; they are plots alone."""
    if report.get("curves"):
        yield Section("curves", f"Learning curves{_whose(report)}", plots=True)


def classes(report: Report) -> Iterator[Section]:
    """Tell how each class fares, and which are taken for which."""
    confusion, per_class = report.get("confusion"), report.get("per_class") or ()
    tables = []
    text: tuple[str, ...] = ()
    k = len(confusion["classes"]) if confusion else 0
    drawn = 0 < k <= LARGEST_MATRIX
    if k > LARGEST_MATRIX:
        text = (f"{k} classes are too many to draw a matrix of.",)
    pairs = _pairs(confusion) if confusion and k > 2 else ()
    if pairs:
        heads = columns(
            "True class", "Taken for", ("Samples", "number"), ("Of its class", "number")
        )
        tables.append(Table("What is mistaken for what most often", heads, pairs))
    if per_class:
        heads = columns("Class", *((t, "number") for t in ("Precision", "Recall", "F1", "Support")))
        rows = tuple(
            cells(
                one_line(row["class"], 60),
                *(_fraction(row.get(key)) for key in ("precision", "recall", "f1")),
                count(row.get("support")),
            )
            for row in per_class
        )
        mean = "" if report.get("kind") == "run" else ", means over the seeds"
        tables.append(Table(f"Each class{_whose(report)}{mean}", heads, rows))
    if drawn or tables:
        title = "Confusion matrix and classes" if confusion else "Classes"
        title += _whose(report)
        yield Section("classes", title, text, tables=tuple(tables), plots=drawn)


def _fraction(value: float | None) -> str:
    return NOTHING if finite(value) is None else f"{value:.3f}"


def _pairs(confusion: Report) -> tuple[tuple[Cell, ...], ...]:
    names = [one_line(name, 60) for name in confusion["classes"]]
    found = [
        (mean, i, j, sum(row))
        for i, row in enumerate(confusion["matrix"])
        for j, mean in enumerate(row)
        if i != j and mean > 0
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return tuple(
        cells(names[i], names[j], count(mean), percent(mean / total))
        for mean, i, j, total in found[:_PAIRS]
    )


def mistakes(report: Report) -> Iterator[Section]:
    """Show the samples that were got wrong with the most confidence, or missed by the most."""
    found = report.get("mistakes") or ()
    if not found:
        return
    cards = tuple(
        Card(
            title=f"{wrong['split']} row {wrong['row']}, seed {wrong['seed']}",
            truth=_label(wrong["truth"]),
            predicted=_label(wrong["predicted"]),
            confidence="" if (sure := wrong.get("confidence")) is None else percent(sure),
            # Nothing but an image that lies in the page itself: no address is ever asked.
            image=image if (image := wrong.get("image") or "").startswith("data:image/") else "",
            text=_cut(wrong.get("text") or ""),
        )
        for wrong in found
    )
    of = plural(len(cards), "sample")
    whose, model = ("", "the model") if not has_other_side(report) else (" of ours", "our model")
    title, text = "The most confident mistakes", f"{of} that {model} got wrong and was surest of."
    if not any(card.confidence for card in cards):  # a regression
        title, text = "The largest errors", f"{of} with the predictions that are furthest off."
    title += whose
    yield Section("mistakes", title, (text,), cards=cards)


def _label(value: object) -> str:
    return number(value) if isinstance(value, float) else one_line(value, 80)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT].rstrip()}…"
