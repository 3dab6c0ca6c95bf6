"""The parts of a report that runs give."""

from __future__ import annotations

import dataclasses

import pytest

from papertrial.errors import RunError
from papertrial.report.run_parts import RunParts, parts_of_runs
from papertrial.store.report_record import Report


def test_no_report_without_a_run() -> None:
    with pytest.raises(RunError, match="at least one finished run"):
        parts_of_runs([])


def test_a_report_has_a_field_for_each_part() -> None:
    assert {part.name for part in dataclasses.fields(RunParts)} <= set(Report.model_fields)
