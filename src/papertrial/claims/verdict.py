"""The verdict on one claim, and on several together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Verdict = Literal["REPRODUCED", "NOT REPRODUCED", "UNDECIDED"]


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return one verdict for several claims: the worst one, and UNDECIDED for no claims."""
    if "NOT REPRODUCED" in verdicts:
        return "NOT REPRODUCED"
    return "REPRODUCED" if verdicts and set(verdicts) == {"REPRODUCED"} else "UNDECIDED"
