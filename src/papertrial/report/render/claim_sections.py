"""The sections on the claims: the verdicts, and where the reported numbers fall."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from papertrial.claims.error_words import valid_scores
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
from papertrial.report.render.names import (
    claim_name,
    is_one_look,
    name_and_number,
    reported,
    score_name,
)
from papertrial.report.render.section import (
    Cell,
    ReportSection,
    TableBlock,
    Title,
    columns,
    web_address,
)
from papertrial.store.report_record import ClaimResult, ExactResult, Report


def claims(report: Report) -> Iterator[ReportSection]:
    """Yield the section of the claims, our results and the verdicts."""
    found = report.claims
    if not found:
        return
    judged = report.kind != "run"
    levels = sorted({claim.level for claim in found if claim.level})
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
        caption = "Each claim, the reported number, the result of our seeds, and the verdict"
    else:
        heads += [("Ours", "number")]
        caption = "Each claim and the result of this run; one run decides nothing"
    if any(row[-1].text for row in rows):
        heads += [("Why", "note")]
    else:
        rows = tuple(row[:-1] for row in rows)
    table = TableBlock(caption, columns(*heads), rows, stacked=True)
    certain = any(claim.deterministic and claim.level is None for claim in found)
    registered = report.preregistration and report.preregistration.registered
    scores = valid_scores(registered.rule) if registered else "normal scores"
    if report.unregistered is not None:
        scores = report.unregistered.scores
    looks = "at this one look" if is_one_look(report) else "however many seeds are looked at"
    text = _how_to_read(levels, scores, looks, certain=certain) if judged else ()
    yield ReportSection("claims", "Claims", text, _marks(found), (table,))


def _row(claim: ClaimResult, judged: bool, several: bool) -> tuple[Cell, ...]:
    spread = claim.sd
    source = (
        claim.plus_minus,
        claim.where,
        "not read in the source itself" if claim.unverified else None,
    )
    known = any(edge is not None for edge in claim.band)
    row = [
        Cell(claim_name(claim), _sides(claim)),
        Cell(reported(claim), ", ".join(filter(None, source)), web_address(claim.url)),
        Cell(band(*claim.band) if known else NOTHING, _tolerance(claim)),
        Cell(number(claim.mean, spread), "" if claim.curve is None else claim.curve.score),
    ]
    if judged:
        decided = claim.decided_at
        row += [
            Cell(number(spread, spread)),
            Cell(str(claim.n or NOTHING), f"decided at {decided}" if decided else ""),
            _interval(claim, several),
            Cell(margin(claim.holds_within, spread)),
            Cell(claim.verdict or ("not judged" if claim.not_judged else NOTHING)),
            Cell(claim.verdict_median or NOTHING),
        ]
    return (*row, Cell(claim.why))


def _tolerance(claim: ClaimResult) -> str:
    """Return the small print of the band; a target has no tolerance."""
    return "" if claim.kind == "reaches" else f"tolerance {as_written(claim.tolerance)}"


def _interval(claim: ClaimResult, several: bool) -> Cell:
    """Return the cell of a claim's interval, which shows its level if the table has `several`."""
    if claim.mean is None:
        return Cell(NOTHING)
    small = [f"at most {percent(claim.level)} a side"] if claim.level and several else []
    if claim.deterministic and claim.about == "test-set":
        small = ["every seed gives it"]
    if claim.about == "new-samples":
        small.append("on new test samples")
    if claim.curve is not None and claim.curve.reading == "each-step" and not claim.deterministic:
        small.append(f"of the worst from {claim.curve.place} on")
    return Cell(between(claim.low, claim.high, claim.sd), ", ".join(small))


def _sides(claim: ClaimResult) -> str:
    """Return the small print of a difference in the section on claims: what it compares, scores."""
    return "; ".join(filter(None, (claim.versus, _side_scores(claim), claim.pairing)))


def _side_scores(claim: ClaimResult) -> str:
    """Return the scores of both sides in the section on claims, "ours 0.93, versus 0.91", or ""."""
    if claim.arms is None:
        return ""
    ours, theirs = claim.arms.ours, claim.arms.theirs
    return f"ours {number(ours.mean, ours.sd)}, versus {number(theirs.mean, theirs.sd)}"


def _how_to_read(
    levels: Sequence[float], scores: str, looks: str, *, certain: bool
) -> tuple[str, ...]:
    within = (
        "“Holds within” is the smallest tolerance, in either direction, with which the claim would "
        "be reproduced, so that readers can apply a tolerance of their choice."
    )
    if certain:
        exactly = "A number that every seed gives, bit for bit, is compared as it is."
        within = f"{exactly} {within}"
    if not levels:
        return (within,)
    errs = f"at most {percent(levels[0])}" if len(levels) == 1 else "shown below it"
    return (
        f"For {scores}, the chance that a side of an interval is wrong is {errs}, {looks}. "
        f"{within}",
    )


def _marks(found: Sequence[ClaimResult]) -> tuple[str, ...]:
    optimistic = [
        f"Optimistic: {name_and_number(claim)} is the best epoch on the test set, and so is ours. "
        "A number chosen on the test set is higher than new data would give."
        for claim in found
        if claim.optimistic
    ]
    left_out = [
        f"Not judged: {name_and_number(claim)}: {claim.not_judged.rstrip('.')}."
        for claim in found
        if claim.not_judged
    ]
    return (*optimistic, *left_out)


def exact(report: Report) -> Iterator[ReportSection]:
    """Yield the section of the claims that are decided without training."""
    if not report.exact:
        return
    judged = report.kind != "run"
    rows = tuple(
        (
            Cell(score_name(claim.split, claim.metric)),
            Cell(whole(claim.value), claim.where or "", web_address(claim.url)),
            Cell(whole(claim.ours)),
            *([Cell(claim.verdict or NOTHING)] if judged else []),
            Cell(_why_exact(claim)),
        )
        for claim in report.exact
    )
    titles: list[Title] = ["Claim", ("Reported", "number"), ("Ours", "number")]
    titles += [("Verdict", "verdict")] if judged else []
    heads = columns(*titles, ("Why", "note"))
    caption = (
        "Claims decided by equality, without training"
        if judged
        else "Each claimed count and that of this run; one run is not a verdict"
    )
    if not any(row[-1].text for row in rows):
        heads, rows = heads[:-1], tuple(row[:-1] for row in rows)
    yield ReportSection("exact", "Exact claims", tables=(TableBlock(caption, heads, rows),))


def _why_exact(claim: ExactResult) -> str:
    """Return why an exact claim is decided as it is, for its row in the section on claims."""
    if claim.why or claim.verdict is None:
        return claim.why
    if claim.value == claim.ours:
        return "counted without training; the numbers are equal"
    if claim.verdict == "REPRODUCED":
        return "counted without training; the reported digits may stand for it"
    return "counted without training; the numbers are not equal"


def place(report: Report) -> Iterator[ReportSection]:
    """Yield the section on where the numbers of claims fall among ours; it decides nothing."""
    sentences = tuple(
        _place_in_words(claim) for claim in report.claims if claim.place or claim.prediction
    )
    if sentences:
        after = "This describes; it decides nothing: a prediction interval is wide with few seeds."
        yield ReportSection("place", "Where the reported number falls", (after,), sentences)


def _place_in_words(claim: ClaimResult) -> str:
    parts, where = list[str](), claim.place
    if where:
        of = plural(where.below + where.above + where.equal, "score")
        found = f"{where.below} of our {of} are below it, {where.above} above"
        found += f", {where.equal} equal it" if where.equal else ""
        if where.z is not None:
            side = "above" if where.z >= 0 else "below"
            found += f"; it is {_times(abs(where.z))} SD {side} our mean"
        parts.append(found)
    if claim.prediction:
        low, high = (number(edge, claim.sd) for edge in claim.prediction)
        parts.append(
            f"one more run of ours is expected between {low} and {high} (95 % prediction interval)"
        )
    return f"{name_and_number(claim)}: {'; '.join(parts)}."


def _times(z: float) -> str:
    return f"{z:.2f}" if z < 100 else f"{z:,.0f}"
