"""Reports of the verifications that are tested here have no drawings, which take a second each."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _reports_have_no_plots(without_plots: None) -> None:
    """Write reports without drawings."""
