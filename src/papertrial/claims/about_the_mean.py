"""What the tests of a mean, and of a difference of means, say about themselves."""

from __future__ import annotations


class AboutTheMean:
    """Base class of a `Statistic` whose theta is a mean or a difference of means."""

    @property
    def standard_value(self) -> float:
        """The mean of standard normal scores, and the difference of two such means."""
        return 0.0

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"expected {score}"
