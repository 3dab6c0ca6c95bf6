"""From which point on a curve is confirmed, and the verdict on its declared point."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from papertrial.claims.judge import judge
from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach import Reach, Reading
from papertrial.claims.reach_curve import ReachCurve, explain_curve, reach_curves
from papertrial.claims.rule import GivenSd, Rule
from papertrial.claims.ruling import Ruling
from papertrial.claims.scores import Array
from papertrial.claims.seed_outcome import SeedOutcome

POINTS = (10, 20, 30, 40, 50)
TARGET = 3.28


def claim(by: int, reading: Reading = "each-step", sign: int = 1) -> JudgedClaim:
    reach, value = Reach(by, "step", POINTS, reading), sign * TARGET
    side = "at-most" if sign > 0 else "at-least"
    return JudgedClaim(
        "loss", "validation", "reaches", value, 0, value, value, side=side, reach=reach
    )


def outcomes(curves: Array) -> list[SeedOutcome]:
    """Outcomes of seeds [S] with curves [S, G]."""
    return [
        SeedOutcome(i, "finished", (tuple(map(float, row)),), f"w{i}")
        for i, row in enumerate(curves)
    ]


def drawn(means: list[float], seeds: int = 8, sd: float = 0.001) -> Array:
    draw = np.random.default_rng(7)
    return np.asarray(np.array(means) + sd * draw.standard_normal((seeds, len(means))))


def judged(
    claim: JudgedClaim, ended: list[SeedOutcome], **changes: object
) -> tuple[Ruling, ReachCurve]:
    rule = replace(Rule((claim,), tuple(range(10))), **changes)  # type: ignore[arg-type]
    rulings = judge(rule, ended)
    (curve,) = reach_curves(rule, ended, rulings)
    assert curve is not None
    return rulings[0], curve


FALLING = [3.4, 3.3, 3.27, 3.26, 3.25]


@pytest.mark.parametrize(
    ("by", "verdict"),
    [(20, "NOT REPRODUCED"), (30, "REPRODUCED"), (40, "REPRODUCED"), (50, "REPRODUCED")],
)
@pytest.mark.parametrize("reading", ["each-step", "each-seed"])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_falling_curve_is_confirmed_from_its_first_good_point_on(
    by: int, verdict: str, reading: Reading, sign: int
) -> None:
    ruling, curve = judged(claim(by, reading, sign), outcomes(sign * drawn(FALLING)))
    assert (ruling.verdict, curve.confirmed_from) == (verdict, 30)
    assert [point.confirmed for point in curve.points] == [False, False, True, True, True]
    assert [point.at for point in curve.points] == list(POINTS)


def test_a_curve_that_crosses_and_comes_back_has_not_reached_its_target() -> None:
    back = [3.4, 3.27, 3.29, 3.26, 3.25]
    ruling, curve = judged(claim(20), outcomes(drawn(back)))
    # At the declared step it is below the target, so nothing refutes the claim.
    assert (ruling.verdict, curve.confirmed_from) == ("UNDECIDED", 40)
    assert ruling.low < TARGET < ruling.high
    ruling, curve = judged(claim(20, "each-seed"), outcomes(drawn(back)))
    assert (ruling.verdict, curve.confirmed_from) == ("NOT REPRODUCED", 40)
    assert ruling.scores == tuple(drawn(back)[:, 2])


def test_a_bad_last_point_confirms_nothing() -> None:
    _, curve = judged(claim(30), outcomes(drawn([3.26, 3.26, 3.26, 3.26, 3.3])))
    assert curve.confirmed_from is None


@pytest.mark.parametrize("statistic", ["mean", "median"])
@pytest.mark.parametrize("horizon", ["anytime", "fixed"])
@pytest.mark.parametrize("reading", ["each-step", "each-seed"])
def test_the_claim_is_reproduced_exactly_if_its_declared_point_is_confirmed(
    statistic: str, horizon: str, reading: Reading
) -> None:
    draw, seen = np.random.default_rng(3), set[str]()
    for _ in range(60):
        means = TARGET + 0.001 * draw.uniform(-4, 2, len(POINTS))
        scores = means + 0.001 * draw.standard_normal((8, len(POINTS)))
        ruling, curve = judged(
            claim(30, reading), outcomes(scores), statistic=statistic, horizon=horizon
        )
        confirmed = curve.confirmed_from is not None and curve.confirmed_from <= 30
        assert (ruling.verdict == "REPRODUCED") == confirmed
        assert (ruling.verdict == "REPRODUCED") == (ruling.high <= TARGET)
        assert (ruling.verdict == "NOT REPRODUCED") == (ruling.low > TARGET)
        seen.add(ruling.verdict)
    assert seen >= {"REPRODUCED", "UNDECIDED"}


def test_the_first_confirmed_point_is_rarely_too_early() -> None:
    draw, wrong, trials = np.random.default_rng(5), 0, 400
    for _ in range(trials):
        scores = (
            TARGET
            + np.array([0.0, 0.0, 0.0, -0.01, -0.01])
            + 0.001 * (draw.standard_normal((10, len(POINTS))))
        )
        _, curve = judged(claim(40), outcomes(scores))
        assert curve.confirmed_from is not None
        wrong += curve.confirmed_from < 40
    assert wrong / trials <= 0.05


def test_a_given_sd_holds_from_the_declared_point_on() -> None:
    ruling, curve = judged(
        claim(40), outcomes(drawn(FALLING, 3)), sd=GivenSd(0.001, "known"), first_look=2
    )
    assert (ruling.verdict, curve.confirmed_from) == ("REPRODUCED", 40)
    assert curve.points[2].high == math.inf > curve.points[3].high


def test_before_the_first_look_no_point_is_confirmed() -> None:
    ruling, curve = judged(claim(30), outcomes(drawn(FALLING, 4)))
    assert (ruling.verdict, curve.confirmed_from) == ("UNDECIDED", None)
    assert all((point.low, point.high) == (-math.inf, math.inf) for point in curve.points)
    assert curve.points[0].mean == pytest.approx(3.4, abs=0.01)


def test_too_many_failed_seeds_confirm_nothing() -> None:
    failed = [SeedOutcome(i, "diverged") for i in (90, 91, 92)]
    ruling, curve = judged(claim(30), [*failed, *outcomes(drawn(FALLING))])
    assert (ruling.verdict, curve.confirmed_from) == ("UNDECIDED", None)


@pytest.mark.parametrize(("by", "verdict"), [(20, "NOT REPRODUCED"), (30, "REPRODUCED")])
def test_one_curve_decides_where_seeds_change_nothing(by: int, verdict: str) -> None:
    same = [replace(one, weights="w") for one in outcomes(np.array([FALLING] * 2))]
    ruling, curve = judged(claim(by), same)
    assert (ruling.verdict, curve.confirmed_from) == (verdict, 30)
    later = [replace(one, scores=((3.4, 3.3, 3.27, 3.29, 3.25),)) for one in same]
    ruling, curve = judged(claim(30), later)
    assert (ruling.verdict, ruling.low, curve.confirmed_from) == ("NOT REPRODUCED", 3.29, 50)


def test_other_claims_have_no_curve() -> None:
    one = JudgedClaim("loss", "test", "at-most", 1, 0, 1, 1, side="at-most")
    rule, ended = Rule((one,), tuple(range(5))), [SeedOutcome(0, "finished", ((1.0,),), "w")]
    assert reach_curves(rule, ended, judge(rule, ended)) == (None,)
    rule = Rule((claim(30),), tuple(range(5)))
    assert reach_curves(rule, (), judge(rule, ())) == (None,)


def test_where_a_curve_is_confirmed_in_words() -> None:
    of, (_, curve) = claim(40), judged(claim(40), outcomes(drawn(FALLING)))
    assert of.reach is not None
    assert explain_curve(of, of.reach, curve).startswith(
        "Confirmed from step 30 on: validation loss stays at 3.28 or better to the end"
    )
    nothing = explain_curve(of, of.reach, ReachCurve(curve.points, None))
    assert "not confirmed at any point" in nothing
    assert "step 50" in nothing
