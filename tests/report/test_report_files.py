"""report.json and its pages, written and read again."""

from __future__ import annotations

import json

import pytest

import papertrial as pt
from papertrial.errors import RunError
from papertrial.report.report_files import read_report, render_again, write_report
from papertrial.report.run_report import run_report
from papertrial.store.report_record import Report


def test_a_report_is_written_and_read_again(copy: pt.Run) -> None:
    report = run_report(copy)
    path = write_report(copy.path, report)
    assert path == copy.path / "report.html"
    assert read_report(copy.path) == report
    page, text = path.read_text(), (copy.path / "report.md").read_text()
    assert render_again(copy.path) == {"report.html": page, "report.md": text}
    for shown in ("test accuracy", "one run (seed 3)", "fingerprint"):
        assert shown in page
        assert shown in text
    assert page.count("data:image/png;base64,") == 12
    assert pt.load_run(copy.path).metrics == copy.metrics  # the run is as it was


def test_a_damaged_or_newer_report_is_refused_by_name(copy: pt.Run) -> None:
    report = run_report(copy)
    whole = json.loads(report.to_json())
    lacking = {key: value for key, value in whole.items() if key != "headline"}
    damaged = [
        ("[]", "it is not a JSON object"),
        ("{}", "no format version"),
        (json.dumps({**whole, "format": Report.FORMAT + 1}), "newer version"),
        (json.dumps(lacking), "headline"),
        (json.dumps({**whole, "claims": [3]}), "claims"),
        (json.dumps({**whole, "curves": [{}]}), "curves.0.split"),
        (json.dumps({**whole, "verdikt": None}), "verdikt"),
    ]
    for text, message in damaged:
        (copy.path / "report.json").write_text(text)
        for read in (read_report, render_again):
            with pytest.raises(RunError, match=message) as caught:
                read(copy.path)
            assert str(copy.path / "report.json") in str(caught.value)
