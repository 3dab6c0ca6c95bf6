"""What claims come to: the verdict on all of them, and a line on each."""

from __future__ import annotations

from dataclasses import dataclass

from papertrial.claims.verdict import Verdict
from papertrial.store.report_record import ClaimResult, ExactResult
from papertrial.store.verification_records import ClaimLine, EarlierLook


@dataclass(frozen=True)
class Conclusion:
    """What a verification comes to.

    Attributes:
        verdict: on all claims together.
        headline: the sentence that says so.
        claims: the claims that seeds decide, then those that are not judged.
        exact: the claims that were counted.
        earlier: earlier looks at the seeds that the verdict rests on.
    """

    verdict: Verdict
    headline: str
    claims: tuple[ClaimResult, ...]
    exact: tuple[ExactResult, ...]
    earlier: tuple[EarlierLook, ...] = ()

    @property
    def lines(self) -> tuple[ClaimLine, ...]:
        """A line for each claim, with those that are not judged at the end."""
        judged = [claim for claim in self.claims if claim.not_judged is None]
        others = [claim for claim in self.claims if claim.not_judged is not None]
        return (*map(_line, judged), *map(_exact_line, self.exact), *map(_line, others))


def _line(result: ClaimResult) -> ClaimLine:
    return ClaimLine(**{name: getattr(result, name) for name in ClaimLine.model_fields})


def _exact_line(result: ExactResult) -> ClaimLine:
    return ClaimLine(
        metric=result.metric,
        split=result.split,
        kind="exact",
        value=result.value,
        tolerance=0.0,
        n=0,
        mean=result.ours,
        sd=None,
        low=None,
        high=None,
        holds_within=None,
        verdict=result.verdict,
        why=result.why,
        verdict_median=None,
        decided_at=None,
    )
