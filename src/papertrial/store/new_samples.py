"""Our score on new test samples in report.json."""

from __future__ import annotations

from papertrial.record import Part


class NewSamples(Part):
    """Our expected score on this test set, and on new test samples of the same kind.

    Attributes:
        on_test_set: low and high, where seeds vary; None where a side is open.
        on_new_samples: low and high, where seeds and test samples vary.
        seeds: how many seeds finished.
        samples: how many test samples there are.
        level: the chance of error of each side.
    """

    on_test_set: tuple[float | None, float | None]
    on_new_samples: tuple[float | None, float | None]
    seeds: int
    samples: int
    level: float
