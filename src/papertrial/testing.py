"""Assertions on reported numbers, for anyone's tests: they need neither torch nor pytest.

from papertrial.testing import assert_reproduced

def test_accuracy():
    assert_reproduced(scores, metric="accuracy", value=0.93, tolerance=0.01, kind="mean", n=3)
"""

from __future__ import annotations

import unittest
from typing import TYPE_CHECKING, Literal

import papertrial

if TYPE_CHECKING:
    from papertrial.judging.judgement import Judgement

Undecided = Literal["fail", "pass", "skip"]


def assert_reproduced(
    scores: object, *, undecided: Undecided = "fail", **claim: object
) -> Judgement:
    """Fail unless a claim is REPRODUCED by scores, one for each run.

    Args:
        scores: as `papertrial.judge` takes them.
        undecided: what to do with UNDECIDED: "fail"; "pass"; or "skip", which skips the test.
        claim: the arguments of `papertrial.judge`.

    Returns:
        the judgement, for further assertions.

    Raises:
        AssertionError: the claim is not reproduced; the message says why.
        PapertrialError: the scores or the claim are invalid.
    """
    judgement = _judged(scores, undecided, claim)
    if judgement.verdict == "UNDECIDED" and undecided == "skip":
        raise unittest.SkipTest(_why(judgement))  # pytest knows it too
    allowed = ("REPRODUCED", "UNDECIDED") if undecided == "pass" else ("REPRODUCED",)
    if judgement.verdict not in allowed:
        raise AssertionError(_why(judgement))
    return judgement


def assert_not_refuted(scores: object, **claim: object) -> Judgement:
    """Fail only if a claim is NOT REPRODUCED by scores; UNDECIDED passes.

    With few runs almost nothing is refuted, so this says little about a number that holds.

    Args and errors are those of `assert_reproduced`.
    """
    return assert_reproduced(scores, undecided="pass", **claim)


def _judged(scores: object, undecided: Undecided, claim: dict[str, object]) -> Judgement:
    if undecided not in ("fail", "pass", "skip"):
        raise papertrial.PapertrialError(
            f'undecided must be "fail", "pass" or "skip", got {undecided!r}'
        )
    return papertrial.judge(scores, **claim)  # type: ignore[arg-type]


def _why(judgement: Judgement) -> str:
    """Return the headline of a judgement, and the reason for each claim."""
    lines = [f"  {claim.metric}: {claim.verdict}; {claim.why}" for claim in judgement.claims]
    return "\n".join([judgement.headline, *lines])
