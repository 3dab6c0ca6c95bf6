"""One error budget for a long series of ideas: at which level each idea is tested (e-LOND).

e-LOND accepts idea t if its e-value reaches 1/alpha_t, where

    alpha_t = alpha gamma_t (R + 1),

gamma_1, gamma_2, ... are fixed in advance and sum to 1, and R ideas were accepted before. Source:
Xu & Ramdas 2024, "Online multiple testing with e-values" (AISTATS), algorithm e-LOND.

What it guarantees, for e-values with any dependence (such as ideas that share one baseline):

- the false discovery rate, the expected share of false ones among the accepted ideas, is at most
  alpha. An idea that is accepted falsely adds 1/(accepted ideas) <= 1/(R + 1) to that share, and
  1 <= alpha_t e_t, so that it adds at most alpha gamma_t E[e_t] <= alpha gamma_t to its mean;
- if no idea is an improvement, every acceptance is false and that share is 1 as soon as there is
  one. The probability to accept anything at all is then at most alpha.

It does not matter in which order ideas are decided: R only grows, so an idea that was left
undecided may be decided later, at the level that holds then.
"""

from __future__ import annotations

from dataclasses import dataclass

from papertrial.errors import ClaimError


@dataclass(frozen=True)
class OnlineBudget:
    """How an error budget is divided among ideas 1, 2, 3, ...; the series never ends.

    The first `ideas` have half of the budget in equal shares, 1/(2 N) each. All later ones share
    the other half: idea t has N/(2 t (t - 1)), and these sum to 1/2 as well.

    Attributes:
        alpha: the budget.
        ideas: N, how many ideas are expected; with more, the shares become smaller and smaller.
    """

    alpha: float
    ideas: int

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 0.5:
            raise ClaimError(f"0 < alpha < 0.5 must hold, got {self.alpha}")
        if self.ideas < 1:
            raise ClaimError(f"at least 1 idea must be expected, got {self.ideas}")

    def share(self, idea: int) -> float:
        """Return gamma_t, the share of idea t = 1, 2, ..."""
        assert idea >= 1, idea
        n = self.ideas
        return 1 / (2 * n) if idea <= n else n / (2 * idea * (idea - 1))

    def level(self, idea: int, accepted: int) -> float:
        """Return alpha_t, the level of idea t after this many acceptances; never above alpha."""
        return min(self.alpha * self.share(idea) * (accepted + 1), self.alpha)

    def left(self, opened: int) -> float:
        """Return the part of alpha that the ideas after the first `opened` ones still have."""
        n = self.ideas
        part = 1 - opened / (2 * n) if opened <= n else n / (2 * opened)
        return self.alpha * part
