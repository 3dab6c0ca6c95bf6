"""`papertrial.testing`: assertions on reported numbers."""

from __future__ import annotations

import subprocess
import sys
import unittest
from pathlib import Path

import pytest

import papertrial as pt
from papertrial.testing import assert_not_refuted, assert_reproduced

FIVE = [3.274, 3.276, 3.279, 3.272, 3.275]  # UNDECIDED at 5 %
SIX = [*FIVE, 3.277]
HIGH = [3.294, 3.296, 3.299, 3.292, 3.295, 3.297]
KEYS = {"metric": "loss", "value": 3.28, "kind": "at-most"}


def test_a_claim_that_holds_passes_and_returns_the_judgement() -> None:
    assert assert_reproduced(SIX, **KEYS).verdict == "REPRODUCED"
    assert assert_not_refuted(SIX, **KEYS).verdict == "REPRODUCED"


def test_a_claim_that_fails_says_why() -> None:
    for check in (assert_reproduced, assert_not_refuted):
        with pytest.raises(AssertionError) as caught:
            check(HIGH, **KEYS)
        first, second = str(caught.value).splitlines()
        assert first.startswith("NOT REPRODUCED: 6 runs")
        assert "loss: NOT REPRODUCED; after 6 seeds" in second


def test_undecided_fails_unless_it_is_allowed() -> None:
    with pytest.raises(AssertionError, match="a decision takes about 6 seeds"):
        assert_reproduced(FIVE, **KEYS)
    assert assert_reproduced(FIVE, undecided="pass", **KEYS).verdict == "UNDECIDED"
    assert assert_not_refuted(FIVE, **KEYS).verdict == "UNDECIDED"
    with pytest.raises(unittest.SkipTest, match="UNDECIDED"):
        assert_reproduced(FIVE, undecided="skip", **KEYS)
    with pytest.raises(AssertionError):
        assert_reproduced(HIGH, undecided="skip", **KEYS)


def test_wrong_input_is_no_failed_assertion() -> None:
    with pytest.raises(pt.PapertrialError, match="undecided must be"):
        assert_reproduced(SIX, undecided="ignore", **KEYS)  # type: ignore[arg-type]
    with pytest.raises(pt.PapertrialError, match="value: is missing"):
        assert_reproduced(SIX, metric="loss", kind="at-most")


def test_pytest_shows_a_skip(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "from papertrial.testing import assert_reproduced\n"
        "def test_undecided():\n"
        f"    assert_reproduced({FIVE}, undecided='skip', **{KEYS})\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 skipped" in done.stdout
