"""The section on laboratories: who trained what, what each scored, whether they differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from papertrial.report.render.html import render_html
from papertrial.report.render.laboratory_sections import laboratories
from papertrial.report.render.markdown import render_markdown
from papertrial.store.laboratory_records import (
    LabDifference,
    Laboratories,
    LaboratoryLine,
    LabScores,
)
from papertrial.store.report_record import Report

HOSTILE = "<script>alert(1)</script>|`x`"


def lab(number: int, claims: int, **more: Any) -> LaboratoryLine:
    scores = LabScores(n=5, mean=0.9312, sd=0.0123, low=0.9, high=None, verdict="UNDECIDED")
    seeds = tuple(range(5 * number - 5, 5 * number))
    about = {
        "name": f"laboratory {number}", "folder": f"lab{number}", "preregistration": "ab" * 32,
        "registered": "2026-11-27T12:00:00.000+00:00", "state": "finished",
        "registered_seeds": seeds, "seeds": seeds, "failed": 0, "device": "cpu", "hardware": (),
        "threads": 1, "host": "a-host", "verdict": "UNDECIDED", "scores": (scores,) * claims,
    }  # fmt: skip
    return LaboratoryLine(**{**about, **more})


def combined(verification: Report, changed: Callable[..., Any], **more: Any) -> Report:
    claims = sum(claim.not_judged is None for claim in verification.claims)
    one = LabDifference(evidence=5.6, needed=20.0, found=False, text="no proof that they differ")
    about = {
        "combine": "same-setup", "registration": "cd" * 32, "of": 2, "without": (),
        "lines": (lab(1, claims), lab(2, claims)), "differences": (one,) * claims,
    }  # fmt: skip
    seeds = tuple(changed(seed, laboratory="laboratory 1") for seed in verification.seeds)
    found = Laboratories(**{**about, **more})
    result: Report = changed(verification, kind="combination", seeds=seeds, laboratories=found)
    return result


def test_a_report_of_one_laboratory_has_no_such_section(verification: Report) -> None:
    assert list(laboratories(verification)) == []
    assert "Laboratory" not in render_markdown(verification)


def test_each_laboratory_and_each_claim(verification: Report, changed: Callable[..., Any]) -> None:
    report = combined(verification, changed)
    (section,) = laboratories(report)
    places, *scores = section.tables
    assert [row[0].text for row in places.rows] == ["laboratory 1", "laboratory 2"]
    assert places.rows[0][0].small == "a-host"
    judged = [claim for claim in report.claims if claim.not_judged is None]
    assert len(scores) == len(section.notes) == len(judged)
    assert [cell.text for cell in scores[0].rows[1]] == [
        "laboratory 2", "5", "0.931", "0.012", "at least 0.900", "UNDECIDED",
    ]  # fmt: skip
    assert section.text[0].startswith("2 laboratories of the 2 that labs.json registered")


def test_what_is_missing_is_said(verification: Report, changed: Callable[..., Any]) -> None:
    claims = sum(claim.not_judged is None for claim in verification.claims)
    lines = (lab(1, claims, seeds=(0, 1, 2)), lab(3, claims, hardware=("H100",)))
    report = combined(verification, changed, of=3, without=(2,), lines=lines)
    (section,) = laboratories(report)
    assert section.text[0].endswith("without number 2.")
    rows = [[cell.text for cell in row] for row in section.tables[0].rows]
    assert rows[0][1] == "0 to 2 (of 5 registered)"
    assert rows[1][4] == "H100"
    (apart,) = laboratories(combined(verification, changed, registration=None))
    assert apart.text[0].startswith("2 laboratories, registered apart")
    assert "could have left one out" in apart.text[2]


def test_the_pages_show_it_and_escape_it(verification: Report, changed: Callable[..., Any]) -> None:
    claims = sum(claim.not_judged is None for claim in verification.claims)
    lines = (lab(1, claims, folder=HOSTILE, host=HOSTILE), lab(2, claims))
    report = combined(verification, changed, lines=lines)
    page, text = render_html(report), render_markdown(report)
    assert f"Verification of {report.recipe} by 2 laboratories" in page
    assert "<script>alert" not in page
    assert text.count("<script>alert") == 1  # in code, which Markdown shows as it is
    assert r"`<script>alert(1)</script>\|'x'`" in text
    assert "| Seed | Laboratory | State |" in text
    assert "labs.json" in text
