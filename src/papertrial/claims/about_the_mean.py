"""What the tests of a mean, and of a difference of means, say about themselves."""

from __future__ import annotations


class AboutTheMean:
    """Base class of a `Statistic` whose theta is a mean or a difference of means."""

    @property
    def standard_value(self) -> float:
        """The mean of standard normal scores, and the difference of two such means."""
        return 0.0

    @property
    def efficiency(self) -> float:
        """1: the test of the mean is what other tests are compared with.

        Independent sides need no more seeds than paired ones. Against a reported number, its own
        noise is the limit, not the test.
        """
        return 1.0

    def about(self, score: str) -> str:
        """Return theta in words."""
        return f"expected {score}"
