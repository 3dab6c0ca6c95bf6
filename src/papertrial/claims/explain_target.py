"""How a target that a curve reaches was decided, in plain words."""

from __future__ import annotations

import math

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.reach import Reach
from papertrial.claims.ruling import Ruling
from papertrial.numbers import as_written, number, plural


def explain_target(claim: JudgedClaim, reach: Reach) -> str:
    """Explain what is claimed of a curve."""
    of = "The expected" if reach.reading == "each-step" else "In at least half of the seeds, the"
    points = len(reach.points) - reach.index
    end = f"the end of the training, {reach.at(reach.points[-1])}"
    when = f"from {reach.at(reach.by)} to {end}" if reach.has_later_points else f"at {end}"
    return (
        f"{of} {claim.score_name} is {claim.side.replace('-', ' ')} "
        f"{as_written(claim.value)} {when}: at {plural(points, 'evaluated point')}."
    )


def measured_of(reach: Reach) -> str:
    """Return in words which number of each seed was measured."""
    if reach.reading == "each-seed":
        return f"worst score {reach.since}"
    return f"score at {reach.at(reach.by)}"


def counted_of(reach: Reach) -> str:
    """Explain at which points of a curve evidence is counted."""
    if reach.reading == "each-seed":
        return (
            f"A seed counts for the claim if its worst score {reach.since} is on the good side, "
            "otherwise against it."
        )
    if not reach.has_later_points:
        return "Evidence against it is the same the other way round."
    return (
        f"It is counted at each evaluated point {reach.since}, and the least of these counts, "
        f"because all of them must hold. Evidence against it is counted at {reach.at(reach.by)} "
        "alone."
    )


def other_targets(claim: JudgedClaim, ruling: Ruling) -> str:
    """Return a sentence on the verdicts that other targets or bounds would have given."""
    what = "bound" if claim.reach is None else "target"
    if ruling.low > ruling.high:
        return f"On these scores, no single {what} is consistent with all looks."
    at_most = claim.side == "at-most"
    holds, fails = (ruling.high, ruling.low) if at_most else (ruling.low, ruling.high)
    easier, harder = ("more", "less than") if at_most else ("less", "more than")
    texts = []
    if math.isfinite(holds):
        texts.append(f"REPRODUCED with a {what} of {number(holds, ruling.sd)} or {easier}")
    if math.isfinite(fails):
        texts.append(f"NOT REPRODUCED with {harder} {number(fails, ruling.sd)}")
    if not texts:
        return f"On these scores, no {what} decides the claim."
    return f"On these scores, the claim is {', and '.join(texts)}."
