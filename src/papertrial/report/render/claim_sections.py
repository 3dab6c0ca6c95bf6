"""What a report says of each claim: the table of verdicts, and where the paper's number falls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from papertrial.numbers import (
    NOTHING,
    as_written,
    band,
    between,
    margin,
    number,
    percent,
    plural,
    whole,
)
from papertrial.report.render.section import Cell, Section, Table, Title, address, columns
from papertrial.report.render.words import claim_name, finite, reported, scored

Report = Mapping[str, Any]


def claims(report: Report) -> Iterator[Section]:
    """Tell what was claimed, what ours are, and the verdict on each."""
    found: Sequence[Report] = report.get("claims") or ()
    if not found:
        return
    judged = report.get("kind") != "run"
    levels = sorted({level for claim in found if (level := claim.get("level"))})
    rows = tuple(_row(claim, judged, several=len(levels) > 1) for claim in found)
    heads: list[Title] = ["Claim", "Reported", ("Counts as the same", "number")]
    if judged:
        heads += [
            ("Mean", "number"),
            ("SD", "number"),
            ("Seeds", "number"),
            ("Interval", "number"),
            ("Holds within", "number"),
            ("Verdict", "verdict"),
            ("By median", "verdict"),
        ]
        caption = "Each claim, what is reported, what our seeds gave, and the verdict"
    else:
        heads += [("Ours", "number")]
        caption = "Each claim and what this run gave; one run decides nothing"
    if any(row[-1].text for row in rows):
        heads += [("Why", "note")]
    else:
        rows = tuple(row[:-1] for row in rows)
    table = Table(caption, columns(*heads), rows, stacked=True)
    certain = any(claim.get("deterministic") for claim in found)
    text = _how_to_read(levels, judged, certain)
    yield Section("claims", "Claims", text, _marks(found), (table,))


def _row(claim: Report, judged: bool, several: bool) -> tuple[Cell, ...]:
    spread, left_out = claim.get("sd"), claim.get("not_judged")
    small = ", ".join(
        str(part)
        for part in (
            claim.get("plus_minus"),
            claim.get("where"),
            "not read in the document named" if claim.get("unverified") else None,
        )
        if part
    )
    edges = claim.get("band") or (None, None)
    known = any(finite(edge) is not None for edge in edges)
    tolerance = finite(claim.get("tolerance"))
    row = [
        Cell(claim_name(claim), _sides(claim)),
        Cell(reported(claim), small, address(claim.get("url"))),
        Cell(
            band(*edges) if known else NOTHING,
            f"tolerance {as_written(tolerance)}" if tolerance is not None else "",
        ),
        Cell(number(finite(claim.get("mean")), spread)),
    ]
    if judged:
        n, decided = claim.get("n"), claim.get("decided_at")
        looked = finite(claim.get("mean")) is not None
        small = (
            f"at most {percent(claim['level'])} a side" if claim.get("level") and several else ""
        )
        if claim.get("deterministic"):
            small = "every seed gives it"
        row += [
            Cell(number(spread, spread)),
            Cell(str(n or NOTHING), f"decided at {decided}" if decided else ""),
            Cell(
                between(claim.get("low"), claim.get("high"), spread) if looked else NOTHING,
                small if looked else "",
            ),
            Cell(margin(claim.get("holds_within"), spread)),
            Cell(str(claim.get("verdict") or ("not judged" if left_out else NOTHING))),
            Cell(str(claim.get("verdict_median") or NOTHING)),
        ]
    return (*row, Cell(str(claim.get("why") or "")))


def _sides(claim: Report) -> str:
    """Name what a difference is taken to, and tell both of its sides."""
    versus = f"ours less that of {claim['versus']}" if claim.get("versus") else ""
    return "; ".join(filter(None, (versus, _arms(claim), str(claim.get("pairing") or ""))))


def _arms(claim: Report) -> str:
    """Return both sides of a difference: "ours 0.93, versus 0.91"."""
    arms = claim.get("arms") or {}
    told = [
        f"{word} {number(finite(arms[side].get('mean')), arms[side].get('sd'))}"
        for word, side in (("ours", "ours"), ("versus", "theirs"))
        if arms.get(side)
    ]
    return ", ".join(told)


def _how_to_read(levels: Sequence[float], judged: bool, certain: bool) -> tuple[str, ...]:
    if not judged:
        return ()
    within = (
        "“Holds within” is the smallest tolerance, either way, with which the claim would be "
        "reproduced, so that readers can apply their own."
    )
    if certain:
        exactly = "A number that every seed gives, bit for bit, is compared as it is."
        within = f"{exactly} {within}"
    if not levels:
        return (within,)
    errs = (
        f"at most {percent(levels[0])}" if len(levels) == 1 else "as often as is written below it"
    )
    return (f"Each side of an interval errs {errs}, at however many seeds one looks. {within}",)


def _marks(found: Sequence[Report]) -> tuple[str, ...]:
    optimistic = [
        f"Optimistic: {_told(claim)} is the best epoch on the test set, and so is ours. A number "
        "picked on the test set is higher than what new data would give."
        for claim in found
        if claim.get("optimistic")
    ]
    left_out = [
        f"Not judged: {_told(claim)}: {str(claim['not_judged']).rstrip('.')}."
        for claim in found
        if claim.get("not_judged")
    ]
    return (*optimistic, *left_out)


def _told(claim: Report) -> str:
    return f"{claim_name(claim)}, reported {reported(claim)}"


def exact(report: Report) -> Iterator[Section]:
    """Tell the claims that are decided without training."""
    found = report.get("exact") or ()
    if found:
        judged = report.get("kind") != "run"
        rows = tuple(
            (
                Cell(scored(claim.get("split"), claim["metric"])),
                Cell(
                    whole(claim.get("value")),
                    str(claim.get("where") or ""),
                    address(claim.get("url")),
                ),
                Cell(whole(claim.get("ours"))),
                *([Cell(str(claim.get("verdict") or NOTHING))] if judged else []),
                Cell(_counted(claim)),
            )
            for claim in found
        )
        titles: list[Title] = ["Claim", ("Reported", "number"), ("Ours", "number")]
        titles += [("Verdict", "verdict")] if judged else []
        heads = columns(*titles, ("Why", "note"))
        caption = "Claims decided by equality, without training"
        if not judged:
            caption = "Each claimed count and that of this run; no verdict is given of one run"
        if not any(row[-1].text for row in rows):
            heads, rows = heads[:-1], tuple(row[:-1] for row in rows)
        yield Section("exact", "Exact claims", tables=(Table(caption, heads, rows),))


def _counted(claim: Report) -> str:
    """Return why an exact claim is decided as it is, in words where the report has none."""
    if claim.get("why") or claim.get("verdict") is None:
        return str(claim.get("why") or "")
    value, ours = claim.get("value"), claim.get("ours")
    if value == ours:
        return "counted without training; the numbers are equal"
    if claim["verdict"] == "REPRODUCED":
        return "counted without training; the reported digits may stand for it"
    return "counted without training; the numbers are not equal"


def place(report: Report) -> Iterator[Section]:
    """Tell where the paper's number falls among ours; none of it decides anything."""
    sentences = [
        _placed(claim)
        for claim in report.get("claims") or ()
        if claim.get("place") or claim.get("prediction")
    ]
    if sentences:
        after = "This describes; it decides nothing: a prediction interval is wide with few seeds."
        yield Section("place", "Where the reported number falls", (after,), tuple(sentences))


def _placed(claim: Report) -> str:
    spread = claim.get("sd")
    parts = []
    where = claim.get("place")
    if where:
        below, above, equal = where["below"], where["above"], where["equal"]
        of = plural(below + above + equal, "score")
        found = f"{below} of our {of} lie below it, {above} above"
        found += f", {equal} equal it" if equal else ""
        z = finite(where.get("z"))
        if z is not None:
            side = "above" if z >= 0 else "below"
            found += f"; it is {_times(abs(z))} SD {side} our mean"
        parts.append(found)
    if claim.get("prediction"):
        low, high = claim["prediction"]
        parts.append(
            f"one more run of ours is expected {_range(low, high, spread)} "
            "(95 % prediction interval)"
        )
    return f"{_told(claim)}: {'; '.join(parts)}."


def _times(z: float) -> str:
    return f"{z:.2f}" if z < 100 else f"{z:,.0f}"


def _range(low: float | None, high: float | None, spread: float | None) -> str:
    if finite(low) is None or finite(high) is None:
        return "anywhere"
    return f"between {number(low, spread)} and {number(high, spread)}"
