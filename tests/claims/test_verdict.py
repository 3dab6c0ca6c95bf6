"""One verdict for several claims."""

from __future__ import annotations

from papertrial.claims.verdict import overall

YES, NO, OPEN = "REPRODUCED", "NOT REPRODUCED", "UNDECIDED"


def test_one_verdict_for_several_claims() -> None:
    assert overall([YES, YES]) == YES
    assert overall([YES, OPEN]) == OPEN
    assert overall([OPEN, NO, YES]) == NO
    assert overall([]) == OPEN
