"""The section on the pre-registration: everything that was fixed before the first seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from papertrial.claims.error_words import errs_at_most
from papertrial.claims.rule import GivenSd
from papertrial.numbers import NOTHING, as_written, number, percent, plural
from papertrial.recipe.claims import Claim
from papertrial.report.render.section import Cell, ReportSection, TableBlock, Title, cells, columns
from papertrial.store.report_record import Report
from papertrial.store.verification_records import Preregistration, RegisteredClaim

TAMPER = (
    "The hash makes the rule tamper-evident, not tamper-proof: commit or publish this hash before "
    "the first seed to prove the order."
)


def preregistration(report: Report) -> Iterator[ReportSection]:
    """Yield the section on what was fixed before the first seed, and its hash."""
    if report.preregistration is None:
        return
    registered = report.preregistration.registered
    file = "preregistration.json" if report.laboratories is None else "labs.json"
    digest = cells(file, report.preregistration.sha256)
    tables = [
        TableBlock("The hash of what was fixed", columns("What", ("SHA-256", "code")), (digest,)),
        TableBlock(
            "The rule, fixed before the first seed started",
            columns("What", "Fixed as"),
            tuple(cells(name, value) for name, value in _rule_rows(registered)),
        ),
        _files(registered),
        _data(registered),
        _versions(registered),
        _judged_claims(registered),
        _stated_claims("exact", registered.exact),
        _stated_claims("not judged", registered.not_judged),
    ]
    shown = tuple(table for table in tables if table.rows)
    text = (_rule_in_words(registered), TAMPER)
    yield ReportSection("preregistration", "Pre-registration", text, tables=shown)


def unregistered(report: Report) -> Iterator[ReportSection]:
    """Yield the section on a rule that was not registered in advance."""
    if report.unregistered is None:
        return
    text = (
        "These scores existed before the rule, so nothing shows that it was not chosen by them.",
    )
    rows = tuple(cells(*line.split(": ", 1)) for line in report.unregistered.lines)
    table = TableBlock("The rule", columns("What", "How"), rows)
    yield ReportSection("unregistered", "Not registered in advance", text, tables=(table,))


def _rule_rows(registered: Preregistration) -> list[tuple[str, str]]:
    return [
        ("registered", registered.registered.isoformat(timespec="milliseconds")),
        ("method", str(registered.method)),
        ("recipe", registered.recipe),
        ("recipe hash", registered.recipe_hash),
        ("training hash", registered.training_hash),
        ("versus", ", ".join(registered.versus) or NOTHING),
        ("threads", str(registered.threads)),
        ("device", registered.device),
        ("alpha", as_written(registered.alpha)),
        ("statistic", registered.statistic),
        ("prior", as_written(registered.prior)),
        ("SD between seeds", _sd(registered.sd)),
        ("first look", str(registered.first_look)),
        ("horizon", registered.horizon),
        ("max diverged", as_written(registered.max_diverged)),
        ("seeds", ", ".join(map(str, registered.seeds)) or NOTHING),
        ("seeds from", registered.seeds_from or NOTHING),
        ("maximum", str(registered.maximum)),
        ("reported epoch", registered.reported_epoch),
        ("several claims", registered.several_claims),
        ("diverged", registered.diverged),
        ("deterministic", registered.deterministic),
    ]


def _sd(given: GivenSd | None) -> str:
    """Return what is registered of the SD between seeds."""
    if given is None:
        return "from our scores"
    runs = "" if given.n is None else f", {plural(given.n, 'run')}"
    return f"{as_written(given.value)} ({given.meaning}{runs})"


def _rule_in_words(registered: Preregistration) -> str:
    return (
        f"The claims are about the {registered.statistic} of the scores; nothing is decided before "
        f"{registered.first_look} finished seeds; at most {len(registered.seeds)} seeds are "
        f"trained; {errs_at_most(registered.rule)}; at most "
        f"{percent(registered.max_diverged)} of the seeds may fail."
    )


def _files(registered: Preregistration) -> TableBlock:
    """Return the table of files in the pre-registration: those that a training depends on."""
    rows = tuple(_rows_of_sides(registered.files))
    return TableBlock("Fixed in advance: files", columns("Of", "File", ("SHA-256", "code")), rows)


def _data(registered: Preregistration) -> TableBlock:
    """Return the table of the data in the pre-registration: the fingerprint of each split."""
    rows = tuple(_rows_of_sides(registered.data))
    heads = columns("Of", "Split", ("Fingerprint", "code"))
    return TableBlock("Fixed in advance: data", heads, rows)


def _rows_of_sides(sides: Sequence[Mapping[str, str]]) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of what the pre-registration has for each side, ours first."""
    names = ("this recipe", *(f"other side {i}" for i in range(1, len(sides))))
    for name, values in zip(names, sides, strict=False):  # no name is needed without sides
        yield from (cells(name, key, value or NOTHING) for key, value in values.items())


def _versions(registered: Preregistration) -> TableBlock:
    """Return the table of the versions in the pre-registration: libraries and packages."""
    found = {**registered.versions, **registered.packages}
    rows = tuple(cells(name, version or NOTHING) for name, version in found.items())
    return TableBlock("Fixed in advance: versions", columns("Of", "Version"), rows)


def _judged_claims(registered: Preregistration) -> TableBlock:
    """Return the table of registered claims; the step of a score follows from the data."""
    claims, steps = registered.claims, [claim.step for claim in registered.rule.claims]
    heads: list[Title] = [
        "No.", "Metric", "Split", "Kind", ("Value", "number"), ("Tolerance", "number"),
        ("Printed, from", "number"), ("Printed, to", "number"), ("Runs", "number"),
        "Side", "Best epoch on test", ("Step", "number"), ("Reported SD", "number"), "Stated",
    ]  # fmt: skip
    has_versus = any(claim.versus is not None for claim in claims)
    rows = tuple(
        cells(
            str(i),
            claim.metric,
            NOTHING if claim.split == "none" else claim.split,
            claim.kind,
            *map(as_written, (claim.value, claim.tolerance, claim.low, claim.high)),
            NOTHING if claim.runs is None else str(claim.runs),
            claim.side,
            "yes" if claim.best_epoch_on_test else "no",
            number(step) if step else NOTHING,
            as_written(claim.reported_sd) if claim.reported_sd else NOTHING,
            _stated(claim.stated),
            *([_other_side(claim)] if has_versus else []),
        )
        for i, (claim, step) in enumerate(zip(claims, steps, strict=True), start=1)
    )
    heads += ["Versus"] if has_versus else []
    return TableBlock("Fixed in advance: claims", columns(*heads), rows)


def _other_side(claim: RegisteredClaim) -> str:
    return NOTHING if claim.versus is None else f"other side {claim.versus + 1}"


def _stated_claims(name: str, claims: Sequence[Claim]) -> TableBlock:
    """Return the table of registered claims that no seed decides, as the recipe states them."""
    optional = {
        "Where": [claim.where or "" for claim in claims],
        "Notes": [claim.notes or "" for claim in claims],
        "Not judged": [claim.not_judged or "" for claim in claims],
    }
    shown = {head: texts for head, texts in optional.items() if any(texts)}
    rows = tuple(
        cells(
            str(i),
            claim.metric,
            NOTHING if claim.metric == "parameters" else claim.split,
            NOTHING if claim.value is None else _as_stated(claim.value),
            _stated(claim),
            *(texts[i - 1] or NOTHING for texts in shown.values()),
        )
        for i, claim in enumerate(claims, start=1)
    )
    heads = columns("No.", "Metric", "Split", ("Value", "number"), "Stated", *shown)
    return TableBlock(f"Fixed in advance: {name}", heads, rows)


def _stated(claim: Claim) -> str:
    """Return a registered claim as its recipe states it: kind, runs, digits, tolerance."""
    parts: list[str] = [claim.kind]
    if claim.n is not None:
        parts.append("unknown runs" if isinstance(claim.n, str) else plural(claim.n, "run"))
    if claim.pairing is not None:
        parts.append(f"pairing: {claim.pairing}")
    if claim.printed is not None:
        cut = " cut off" if claim.rounding == "truncated" else ""
        parts.append(f"printed{cut} as {claim.printed}")
    if claim.tolerance is not None:
        parts.append(f"tolerance {_as_stated(claim.tolerance)}")
    if claim.relative_tolerance is not None:
        parts.append(f"tolerance {_as_stated(claim.relative_tolerance)} of the value")
    if claim.best_epoch_on_test:
        parts.append("the best epoch on the test split")
    if claim.about == "new-samples":
        parts.append("about new samples")
    return ", ".join(parts)


def _as_stated(number: float | str) -> str:
    return number if isinstance(number, str) else as_written(number)
