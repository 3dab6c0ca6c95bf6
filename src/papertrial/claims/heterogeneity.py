"""Whether the scores of several laboratories come from one distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from papertrial.claims.scores import Array
from papertrial.claims.t_martingale import TIE
from papertrial.numbers import evidence


@dataclass(frozen=True)
class Heterogeneity:
    """The evidence that laboratories differ in their mean.

    Attributes:
        e: the e-value.
        needed: what it must reach.
    """

    e: float
    needed: float

    @property
    def found(self) -> bool:
        """Whether the laboratories differ by more than their seeds explain."""
        return self.e >= self.needed

    @property
    def text(self) -> str:
        """The result in words."""
        if self.found:
            return (
                f"the laboratories differ: evidence {evidence(self.e)}, needed "
                f"{evidence(self.needed, 'up')}; the bound on errors does not hold for scores "
                "whose mean depends on the laboratory"
            )
        return (
            f"no proof that the laboratories differ: evidence {evidence(self.e)}, needed "
            f"{evidence(self.needed, 'up')}; this is no proof that they agree"
        )


def heterogeneity(labs: Sequence[ArrayLike], *, prior: float = 1.0, step: float = 0.0) -> float:
    """Return the e-value against equal means of L laboratories, from the scores [S] of each.

    It is the likelihood ratio, with flat priors on the common mean and on log SD, of normal scores
    whose laboratories have effects of variance SD^2/prior against those without: with
    r_i = c/(c + n_i), N the number of scores, W the sum of n_i r_i, and m the mean of the
    laboratories' means with the weights n_i r_i,

        e = sqrt(N/W prod r_i) (SST / (SSW + sum n_i r_i (mean_i - m)^2))^((N - 1)/2)

    For n0 seeds in each it is r^((L-1)/2) (SST/(SSW + r SSB))^((L n0 - 1)/2). Laboratories without
    scores do not count. Valid for normal scores with equal SDs, and numbers of seeds that do not
    depend on the scores.

    Args:
        labs: the scores of each laboratory.
        prior: precision c of the prior on (effect of a laboratory)/SD.
        step: what the metric moves in; as in `SdEstimate`, each degree of freedom adds step^2/12.
    """
    scores = [x for x in (np.asarray(lab, dtype=np.float64) for lab in labs) if x.size]
    if len(scores) < 2:
        return 1.0
    x: Array = np.concatenate(scores)
    tied = float(np.ptp(x)) <= TIE * float(np.abs(x).max())
    x = x - x.mean()  # which avoids cancellation
    parts = np.split(x, np.cumsum([one.size for one in scores])[:-1])
    n = np.array([part.size for part in parts], dtype=np.float64)
    means = np.array([part.mean() for part in parts])
    weights = n * prior / (prior + n)
    within = sum(float(np.square(part - part.mean()).sum()) for part in parts)
    center = float(weights @ means / weights.sum())
    rounding = (x.size - 1) * step**2 / 12
    total = float(np.square(x).sum()) + rounding
    explained = within + float(weights @ np.square(means - center)) + rounding
    log_e = 0.5 * float(np.log(prior / (prior + n)).sum() + math.log(x.size / weights.sum()))
    if not tied:
        log_e += (x.size - 1) / 2 * math.log(total / explained)
    return math.exp(min(log_e, 700.0))
