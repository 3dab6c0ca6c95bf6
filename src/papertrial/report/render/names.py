"""Names of claims, scores and axes in a report: the same in every table, sentence and plot."""

from __future__ import annotations

from papertrial import vocabulary
from papertrial.numbers import whole
from papertrial.store.report_record import ClaimResult, Report

_SHARES = ("accuracy", "precision", "recall", "f1", "auroc")
_KINDS = {"at-least": "at least", "at-most": "at most", "difference": "difference"}


def one_line(text: str, longest: int | None = None) -> str:
    """Return a name or another text of a report as one line, cut if it is too long."""
    line = " ".join(text.split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def score_name(split: str | None, metric: str) -> str:
    """Return the name of a score in a report: "test accuracy"; parameters belong to no split."""
    name = vocabulary.score_name(None if metric == "parameters" else split, metric)
    return name.replace("_", " ")


def has_other_side(report: Report) -> bool:
    """Return whether a report compares recipes, so that names need "ours"."""
    return report.kind != "run" and any(claim.versus for claim in report.claims)


def is_one_look(report: Report) -> bool:
    """Return whether a report's claims were judged once, so that there is no course to draw."""
    return report.unregistered is not None and report.unregistered.one_look


def _unit(metric: str) -> str:
    """Return the unit of a metric in the name of an axis; "" if it has none."""
    base = metric.split("/", maxsplit=1)[0]
    if any(name in base.split("_") for name in _SHARES):
        return "share, 0 to 1"
    return {
        "mae": "target's unit",
        "rmse": "target's unit",
        "mse": "target's unit, squared",
        "r2": "1 is best",
    }.get(base, "")


def axis(name: str, metric: str) -> str:
    """Return the name of an axis with its unit: "test accuracy (share, 0 to 1)"."""
    return f"{name} ({_unit(metric)})" if _unit(metric) else name


def claim_name(claim: ClaimResult) -> str:
    """Return the name of a claim in a report: "test accuracy, best of 5"."""
    name = score_name(claim.split, claim.metric)
    if claim.kind == "best-of":
        return f"{name}, best of {claim.runs or 'several'}"
    if claim.kind in ("reaches", "better"):  # in words: no number stands beside the name
        return name
    words = [_KINDS[word] for word in dict.fromkeys((claim.kind, claim.side)) if word in _KINDS]
    return ", ".join([name, *words])


def reported(claim: ClaimResult) -> str:
    """Return the reported number that follows the name of a claim; a count with all its digits."""
    return whole(claim.value) if claim.kind == "exact" else claim.reported


def name_and_number(claim: ClaimResult, longest: int | None = None) -> str:
    """Return the name of a claim and its reported number, cut after `longest` characters."""
    number = one_line(reported(claim), longest)
    if claim.kind in ("reaches", "better"):  # "validation loss reaches 3.28 by step 5,960"
        return f"{claim_name(claim)} {number}"
    return f"{claim_name(claim)}, reported {number}"
