"""The spreads of `plan`: those of `--spread`, and for which claims each is."""

from __future__ import annotations

from typing import Any

import pytest

from papertrial.cli.spread import spreads_of
from papertrial.errors import ClaimError
from papertrial.recipe.claims import Claim


def made(**changes: Any) -> Claim:
    return Claim.model_validate({"metric": "accuracy", "value": 0.9, "tolerance": 0.01, **changes})


BARE = made()
PERCENT = made(value="90 %", tolerance="1 point")
POINTS = made(tolerance="1 point")
LOSS = made(metric="loss", value=1.5)


@pytest.mark.parametrize(
    ("claims", "given", "spreads"),
    [
        ([BARE], [], [[]]),
        ([BARE], ["0.003", "1e-2"], [[0.003, 0.01]]),
        ([BARE], ["0.3 points", "0.01"], [[0.003, 0.01]]),
        ([PERCENT], ["0.3 points", "1 pp"], [[0.003, 0.01]]),
        ([LOSS], ["2.5"], [[2.5]]),
        ([BARE, LOSS], ["0.003"], [[0.003], [0.003]]),
        ([BARE, LOSS], ["1.5"], [[], [1.5]]),  # no accuracy has an SD of 1.5
        ([PERCENT, LOSS], ["0.3 points"], [[0.003], []]),
        ([PERCENT, LOSS], ["0.3 points", "0.2"], [[0.003], [0.2]]),
        ([], ["0.2"], []),  # counts alone: no seed is trained
    ],
)
def test_each_claim_has_the_spreads_in_its_unit(
    claims: list[Claim], given: list[str], spreads: list[list[float]]
) -> None:
    assert spreads_of(claims, given) == spreads


@pytest.mark.parametrize(
    ("claims", "given", "told"),
    [
        ([PERCENT], "0.3", ['"0.3 points" or "30 points"', "test accuracy 90 %"]),
        ([POINTS], "0.3", ['"0.3 points" or "30 points"', "test accuracy 0.9"]),
        ([LOSS, PERCENT], "0.3", ['"0.3 points" or "30 points"', "test accuracy 90 %"]),
        ([PERCENT], "2", ['write "2 points",']),
        ([BARE], "2", ['write "2 points",']),
        ([LOSS], "0.3 points", ["test loss 1.5"]),
        ([BARE], "0.3 %", ["'0.3 %'"]),
        ([BARE], "0.3 points error", ["'0.3 points error'"]),
        ([BARE], "3k", ["'3k'"]),
        ([BARE], "", ["''"]),
    ],
)
def test_a_spread_in_no_certain_unit_is_refused(
    claims: list[Claim], given: str, told: list[str]
) -> None:
    with pytest.raises(ClaimError) as caught:
        spreads_of(claims, [given])
    for part in told:
        assert part in str(caught.value)


def test_all_that_is_wrong_is_told_together() -> None:
    with pytest.raises(ClaimError) as caught:
        spreads_of([PERCENT], ["0.3", "0.3 points", "nan", "0.06"])
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    for shown in ("'nan'", '"0.3 points" or "30 points"', '"0.06 points" or "6 points"'):
        assert sum(shown in line for line in lines) == 1
