"""What commands print with --json, as typed records: the interface for scripts.

Keys are not removed, renamed or given another type within a minor version; new ones may be added.
`papertrial schema NAME` prints the JSON Schema of an answer.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from papertrial.claims.verdict import Verdict
from papertrial.record import Part
from papertrial.store.laboratory_records import Laboratories
from papertrial.store.verification_records import ClaimLine


class VerifyAnswer(Part):
    """The answer of `papertrial verify --json`.

    Attributes:
        recipe: the name of the recipe.
        verdict: on all claims together.
        report: the HTML report.
        verification: the folder of the verification.
        preregistration: the SHA-256 of preregistration.json.
        seeds: those that ended, in the order in which verdicts were taken.
        claims: the claims, in the recipe's order.
        headline: the verdict in a sentence.
        deviations: in what the recipe says that it deviates from the paper.
        warnings: what the report warns of, such as seeds that all have the same score.
    """

    recipe: str
    verdict: Verdict
    report: str
    verification: str
    preregistration: str
    seeds: tuple[int, ...]
    claims: tuple[ClaimLine, ...]
    headline: str
    deviations: tuple[str, ...]
    warnings: tuple[str, ...]


class JudgeAnswer(Part):
    """The answer of `papertrial judge --json`: that of `verify`, and more.

    Attributes:
        recipe: the name of the recipe with the claims; None without one.
        verdict: on all claims together.
        report: the HTML report; None without --out.
        verification, preregistration: None, as nothing was registered.
        seeds: of the runs that finished, or their numbers from 1.
        claims: those that the scores decide, then those that they cannot.
        headline: the verdict in a sentence.
        deviations: in what the recipe says that it deviates from the paper.
        registered: false: the rule was not registered before the scores existed.
        note: what that costs, in words.
        scores: the name of the table.
        warnings: what a reader should know about the claims and the scores.
    """

    recipe: str | None
    verdict: Verdict
    report: str | None
    verification: str | None
    preregistration: str | None
    seeds: tuple[int, ...]
    claims: tuple[ClaimLine, ...]
    headline: str
    deviations: tuple[str, ...]
    registered: bool
    note: str
    scores: str
    warnings: tuple[str, ...]


class RegisterAnswer(Part):
    """The answer of `papertrial register --json`.

    Attributes:
        recipe: the name of the recipe.
        verification: the folder of the verification.
        preregistration: the SHA-256 of preregistration.json.
        registered: when it was written, in ISO 8601, UTC.
        new: false if an earlier registration was found.
        commit: the git commit that holds it; None without --git.
        digest: the file with the SHA-256; None without --ots.
    """

    recipe: str
    verification: str
    preregistration: str
    registered: str
    new: bool
    commit: str | None
    digest: str | None


class LabOfRegistration(Part):
    """A laboratory of a common registration: the path of its recipe, and its seeds."""

    recipe: str
    seeds: tuple[int, ...]


class RegisterLabsAnswer(Part):
    """The answer of `papertrial register --labs N --json`.

    Attributes:
        recipe: the name of the recipe.
        folder: the folder of the registration.
        registration: the SHA-256 of labs.json.
        registered: when it was written, in ISO 8601, UTC.
        new: false if an earlier registration was found.
        laboratories: in the order in which their seeds count.
        commit: the git commit that holds it; None without --git.
        digest: the file with the SHA-256; None without --ots.
    """

    recipe: str
    folder: str
    registration: str
    registered: str
    new: bool
    laboratories: tuple[LabOfRegistration, ...]
    commit: str | None
    digest: str | None


class CombineAnswer(Part):
    """The answer of `papertrial combine --json`: that of `verify`, and more.

    Attributes:
        recipe: the name of the recipe.
        verdict: on all claims together.
        report: the HTML report.
        verification: the folder of the combination.
        preregistration: the SHA-256 of labs.json; None if the laboratories were registered apart.
        seeds: those that ended, in the order in which verdicts were taken.
        claims: the claims, in the recipe's order.
        headline: the verdict in a sentence.
        deviations: in what the recipe says that it deviates from the paper.
        laboratories: how they were combined, each of them, and whether they differ.
        warnings: what a reader should know before the verdict.
    """

    recipe: str
    verdict: Verdict
    report: str
    verification: str
    preregistration: str | None
    seeds: tuple[int, ...]
    claims: tuple[ClaimLine, ...]
    headline: str
    deviations: tuple[str, ...]
    laboratories: Laboratories
    warnings: tuple[str, ...]


class FindingLine(Part):
    """A finding of `papertrial audit --json`.

    Attributes:
        check: the name of the check.
        ok: whether everything agrees.
        message: what was compared and agrees, or what differs and where.
        warning: nothing differs, but a reader should know it.
    """

    check: str
    ok: bool
    message: str
    warning: bool


class AuditAnswer(Part):
    """The answer of `papertrial audit --json`.

    Attributes:
        verification: the folder of the verification.
        ok: whether nothing differs.
        seed: the seed that was trained again; None if none was.
        findings: all findings.
    """

    verification: str
    ok: bool
    seed: int | None
    findings: tuple[FindingLine, ...]


_TITLES = {"data-info": "data info"}  # of others, what follows the command is an option


def answer_schema(answer: type[BaseModel], command: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a command's answer, which allows keys to be added."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"papertrial {_TITLES.get(command, command.replace('-', ' --'))} --json",
        **_without_notes(answer.model_json_schema(mode="serialization")),
    }


def _without_notes(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a JSON Schema without titles, docstrings and the refusal of other keys."""
    left_out = ("title", "description", "default", "additionalProperties")
    names = ("properties", "$defs")  # whose keys are names, which may be "title"
    plain = dict[str, Any]()
    for key, value in schema.items():
        if key in names:
            plain[key] = {name: _without_notes(part) for name, part in value.items()}
        elif isinstance(value, list):
            plain[key] = [_without_notes(x) if isinstance(x, dict) else x for x in value]
        elif isinstance(value, dict) and key != "additionalProperties":
            plain[key] = _without_notes(value)
        elif key not in left_out:
            plain[key] = value
    if "properties" in plain:
        plain["required"] = list(plain["properties"])  # a command prints all keys
    return plain
