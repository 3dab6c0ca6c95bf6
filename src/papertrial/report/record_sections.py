"""What a report keeps for a reviewer: seeds, attempts, pre-registration, provenance, command."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from papertrial.report.section import Cell, Section, Table, Title, cells, columns
from papertrial.report.words import NOTHING, number, one_line, plural, share

Report = Mapping[str, Any]
TAMPER = (
    "The hash makes the rule tamper-evident, not tamper-proof: commit or publish this hash before "
    "the first seed to prove the order."
)
_HASH = 12  # characters of a hash that tell two attempts apart


def diverged(report: Report) -> Iterator[Section]:
    """Tell how many seeds did not finish, and how many more there could be."""
    found = report.get("diverged")
    if not found:
        return
    sentences = [
        f"{found['count']} of {plural(found['of'], 'seed')} diverged or crashed; with 95 % "
        f"confidence the rate is at most {share(found.get('upper'))}.",
        "The claims are about runs that finish.",
    ]
    if found.get("highest") is not None:
        held = "it holds" if found.get("held") else "it does not hold"
        sentences.append(f"The highest rate that was allowed is {share(found['highest'])}: {held}.")
    yield Section("diverged", "Diverged and crashed seeds", (" ".join(sentences),))


def seeds(report: Report) -> Iterator[Section]:
    """Tell each seed's state and scores, and whether a verdict rests on it."""
    found = report.get("seeds") or ()
    if not found:
        return
    names = list(dict.fromkeys(name for seed in found for name in seed.get("scores") or {}))
    spreads = {name: _spread(found, name) for name in names}
    has_run, has_error = (any(seed.get(key) for seed in found) for key in ("run", "error"))
    heads: list[Title] = ["Seed", "State"]
    heads += [(name.replace("_", " "), "number") for name in names]
    heads += [("Seconds", "number"), "Used"]
    heads += [("Run", "code")] if has_run else []
    heads += ["Error"] if has_error else []
    rows = tuple(
        cells(
            str(seed["seed"]),
            str(seed["state"]),
            *(number((seed.get("scores") or {}).get(name), spreads[name]) for name in names),
            _seconds(seed.get("seconds")),
            "yes" if seed.get("used") else "no",
            *([str(seed.get("run") or "")] if has_run else []),
            *([one_line(seed.get("error") or "", 300)] if has_error else []),
        )
        for seed in found
    )
    table = Table("Every seed, in the order in which verdicts are taken", columns(*heads), rows)
    yield Section("seeds", "Seeds", tables=(table,))


def _spread(found: Sequence[Report], name: str) -> float:
    scores = [(seed.get("scores") or {}).get(name) for seed in found]
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return statistics.stdev(known) if len(known) > 1 else 0.0


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.1f}"


def attempts(report: Report) -> Iterator[Section]:
    """List every verification of this recipe that the run folder knows of."""
    found = report.get("attempts") or ()
    if not found:
        return
    has_rule = any(attempt.get("rule") for attempt in found)
    heads = columns(
        "Attempt", "Started", "State", ("Verdict", "verdict"), ("Seeds", "number"),
        *(["Rule"] if has_rule else []), ("Pre-registration", "code"), ("Path", "code"),
    )  # fmt: skip
    rows = tuple(
        cells(
            f"{i}, this one" if attempt.get("this") else str(i),
            str(attempt.get("started") or NOTHING),
            str(attempt.get("state") or NOTHING),
            str(attempt.get("verdict") or NOTHING),
            str(attempt.get("n") if attempt.get("n") is not None else NOTHING),
            *([str(attempt.get("rule") or NOTHING)] if has_rule else []),
            str(attempt.get("preregistration") or NOTHING)[:_HASH],
            str(attempt.get("path") or NOTHING),
        )
        for i, attempt in enumerate(found, start=1)
    )
    caption = "Every verification of this recipe that the run folder knows of"
    yield Section("attempts", "Attempts", tables=(Table(caption, heads, rows),))


def preregistration(report: Report) -> Iterator[Section]:
    """Tell what was fixed before the first seed, and its hash."""
    found = report.get("preregistration")
    if not found:
        return
    registered: Report = found.get("registered") or {}
    tables = [Table("The hash of what was fixed", columns("What", ("SHA-256", "code")), (
        cells("preregistration.json", found["sha256"]),
    ))]  # fmt: skip
    plain = tuple(
        cells(_key(name), value) for name, value in _flat(registered) if not _records(value)
    )
    if plain:
        heads = columns("What", "Fixed as")
        tables.append(Table("The rule, fixed before the first seed started", heads, plain))
    for name, value in registered.items():
        if _records(value):
            tables.append(_table_of(_key(name), value))
    text = (*_rule_in_words(registered), TAMPER)
    yield Section("preregistration", "Pre-registration", text, tables=tuple(tables))


def _rule_in_words(registered: Report) -> tuple[str, ...]:
    """Return the rule as a sentence, of those of its parts that are there."""
    parts = []
    if registered.get("statistic"):
        parts.append(f"the claims are about the {registered['statistic']} of the scores")
    if registered.get("first_look"):
        parts.append(f"nothing is decided before {registered['first_look']} finished seeds")
    if isinstance(registered.get("seeds"), list):
        parts.append(f"{len(registered['seeds'])} seeds at most are trained")
    if registered.get("alpha") is not None:
        parts.append(f"each side errs with a chance of at most {share(registered['alpha'])}")
    if registered.get("max_diverged") is not None:
        parts.append(f"at most {share(registered['max_diverged'])} of the seeds may fail")
    if not parts:
        return ()
    sentence = "; ".join(parts)
    return (f"{sentence[0].upper()}{sentence[1:]}.",)


def _records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def _flat(tree: Report, above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        name = f"{above}.{key}" if above else str(key)
        if isinstance(value, dict) and value:
            yield from _flat(value, name)
        elif _records(value):
            if above:
                yield name, _plain(value)
            else:
                yield name, value
        else:
            yield name, _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join("none" if v is None else _nested(v) for v in value) or NOTHING
    if isinstance(value, dict):
        return "; ".join(f"{_key(key)} {_nested(v)}" for key, v in value.items()) or NOTHING
    return str(value)


def _nested(value: Any) -> str:
    return f"({_plain(value)})" if isinstance(value, list | dict) else _plain(value)


def _stated(claim: Report) -> str:
    """Return what a recipe states of a claim, in words: kind, runs, digits, tolerance."""
    parts = [str(claim.get("kind") or "")]
    if claim.get("n") is not None:
        parts.append(plural(claim["n"], "run"))
    if claim.get("printed") is not None:
        cut = " cut off" if claim.get("rounding") == "truncated" else ""
        parts.append(f"printed{cut} as {claim['printed']}")
    if claim.get("tolerance") is not None:
        parts.append(f"tolerance {claim['tolerance']}")
    if claim.get("relative_tolerance") is not None:
        parts.append(f"tolerance {claim['relative_tolerance']} of the value")
    if claim.get("versus") is not None:
        parts.append(f"versus {_nested(claim['versus'])}")
    if claim.get("best_epoch_on_test"):
        parts.append("the best epoch on the test split")
    return ", ".join(filter(None, parts)) or NOTHING


def _table_of(name: str, records: list[Report]) -> Table:
    keys = list(dict.fromkeys(key for record in records for key in record))
    told = [key for key in keys if any(record.get(key) is not None for record in records)]
    rows = tuple(
        (Cell(str(i)), *(Cell(_said(key, record.get(key))) for key in told))
        for i, record in enumerate(records, start=1)
    )
    return Table(f"Fixed beforehand: {name}", columns("No.", *(_key(key) for key in told)), rows)


def _said(key: str, value: Any) -> str:
    return _stated(value) if key == "stated" and isinstance(value, dict) else _plain(value)


def _key(name: str) -> str:
    return name.replace("_", " ")


def provenance(report: Report) -> Iterator[Section]:
    """Tell what the numbers were made with, and where they lie."""
    found = [tuple(pair) for pair in report.get("provenance") or ()]
    if report.get("path"):
        found.append(("folder", report["path"]))
    if found:
        rows = tuple(cells(str(name), _plain(value)) for name, value in found)
        table = Table("What the numbers were made with", columns("What", "Which"), rows)
        yield Section("provenance", "Provenance", tables=(table,))


def not_covered(report: Report) -> Iterator[Section]:
    """List what the hashes and copies do not cover."""
    found = report.get("not_covered") or ()
    if found:
        text = (
            "The training hash covers the recipe, its code outside installed packages and the "
            "files that it names. It does not cover what is listed here. Files that compiled code "
            "opens on its own, environment variables and the network are not watched."
        )
        rows = tuple(cells(str(note)) for note in found)
        table = Table("What is not covered", columns("What"), rows)
        yield Section("not-covered", "Not covered", (text,), tables=(table,))


def command(report: Report) -> Iterator[Section]:
    """Give the one command that runs it again."""
    if report.get("command"):
        yield Section("command", "Run it again", code=str(report["command"]))
