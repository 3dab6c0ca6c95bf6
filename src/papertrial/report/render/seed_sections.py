"""The sections on seeds: what varied between them, those that did not finish, a table of all."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from papertrial.numbers import NOTHING, number, percent, plural
from papertrial.report.render.names import is_one_look, name_and_number, one_line
from papertrial.report.render.section import ReportSection, TableBlock, Title, cells, columns
from papertrial.store.report_record import Report, SeedRow

_BESIDE_THE_VERDICT = (
    "This decides nothing: would a verdict stand if each failed seed had the worst "
    "score, and how many finished seeds scored far worse than the others?"
)


def varied(report: Report) -> Iterator[ReportSection]:
    """Yield the section on what differed between seeds, and what was the same for all."""
    if report.varied or report.fixed:
        run = report.kind == "run"
        text = [f"Varied: {one_line(report.varied)}"] if report.varied else []
        text += ["The same for every seed:"] if report.fixed and not run else []
        title = "Setting" if run else "What varied and what did not"
        yield ReportSection("varied", title, tuple(text), tuple(map(one_line, report.fixed)))


def diverged(report: Report) -> Iterator[ReportSection]:
    """Yield the section on seeds that did not finish, and on those that finished but collapsed."""
    found = report.diverged
    if found is None:
        return
    held = "it holds" if found.held else "it does not hold"
    text = (
        f"{found.count} of {plural(found.of, 'seed')} diverged or crashed; with 95 % confidence "
        f"the rate is at most {percent(found.upper)}. The claims are about runs that finish. The "
        f"highest rate that was allowed is {percent(found.highest)}: {held}."
    )
    notes = tuple(
        f"{name_and_number(claim, 60)}: {note}" for claim in report.claims for note in claim.notes
    )
    texts = (text, _BESIDE_THE_VERDICT) if notes else (text,)
    yield ReportSection("diverged", "Failed and collapsed seeds", texts, notes)


def seeds(report: Report) -> Iterator[ReportSection]:
    """Yield the section of the seeds: state, scores, and whether a verdict rests on them."""
    found = report.seeds
    if not found:
        return
    names = list(dict.fromkeys(name for seed in found for name in seed.scores))
    spreads = {name: _sd([s.scores[name] for s in found if name in s.scores]) for name in names}
    has_seconds = any(seed.seconds is not None for seed in found)
    has_run, has_error = any(seed.run for seed in found), any(seed.error for seed in found)
    has_labs = any(seed.laboratory for seed in found)
    heads: list[Title] = ["Seed", *(["Laboratory"] if has_labs else []), "State"]
    heads += [(name.replace("_", " "), "number") for name in names]
    heads += [("Seconds", "number")] if has_seconds else []
    heads += ["Used"]
    heads += [("Run", "code")] if has_run else []
    heads += ["Error"] if has_error else []
    rows = tuple(
        cells(
            str(seed.seed),
            *([seed.laboratory or NOTHING] if has_labs else []),
            seed.state,
            *(number(seed.scores.get(name), spreads[name]) for name in names),
            *([_seconds(seed)] if has_seconds else []),
            "yes" if seed.used else "no",
            *([seed.run or ""] if has_run else []),
            *([one_line(seed.error, 300)] if has_error else []),
        )
        for seed in found
    )
    caption = "Every seed, in the order in which it counts towards the verdicts"
    if is_one_look(report):
        caption = "Every run; their order does not matter. Without seeds they are counted from 1"
    yield ReportSection("seeds", "Seeds", tables=(TableBlock(caption, columns(*heads), rows),))


def _seconds(seed: SeedRow) -> str:
    return NOTHING if seed.seconds is None else f"{seed.seconds:,.1f}"


def _sd(scores: list[float]) -> float:
    return statistics.stdev(scores) if len(scores) > 1 else 0.0
