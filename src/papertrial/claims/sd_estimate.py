"""How a test estimates the SD between seeds: from the scores, and from what else is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from papertrial.claims.scores import Array


@dataclass(frozen=True)
class SdEstimate:
    """The estimate of the SD between seeds that a t statistic divides by.

    Without further knowledge it is the SD s of the scores, with n - 1 degrees of freedom.

    Attributes:
        step: h, for scores that move in steps of h: 1/N for the accuracy on N samples. The estimate
            is then s^2 + h^2/12 in place of s^2, as equal scores may differ by up to h before they
            are rounded. Without it, 5 seeds on 100 samples give up to 77 % false verdicts; with it,
            2.6 % at most. 0 for scores that do not move in steps.
        least: an SD that the estimate never falls below, such as the one that a paper reports.
        pooled: an SD that a paper reports, which is pooled with ours; valid if both are equal.
        freedom: degrees of freedom of `pooled`, one less than the paper's runs; 0 without it.
    """

    step: float = 0.0
    least: float = 0.0
    pooled: float = 0.0
    freedom: int = 0

    def scatter(self, scatter: Array, nu: Array) -> Array:
        """Return nu s^2 [..., S] of the estimate, with `freedom` more degrees of freedom.

        Args:
            scatter: sums of squared deviations of the scores [..., S].
            nu: their degrees of freedom [S].
        """
        scatter = np.maximum(scatter + nu * self.step**2 / 12, nu * self.least**2)
        return scatter + self.freedom * self.pooled**2

    def in_units(self, unit: float) -> SdEstimate:
        """Return the same estimate for scores that are divided by `unit`."""
        return SdEstimate(self.step / unit, self.least / unit, self.pooled / unit, self.freedom)


FROM_SCORES = SdEstimate()  # from the scores alone
