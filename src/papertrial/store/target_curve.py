"""The curve of a target in report.json."""

from __future__ import annotations

from papertrial.claims.reach import Reading, Unit
from papertrial.record import Part


class CurveAtPoint(Part):
    """What our seeds gave at one evaluated point of a curve; `ReachCurve` describes the fields."""

    at: int
    mean: float
    sd: float | None
    low: float | None
    high: float | None
    confirmed: bool


class TargetCurve(Part):
    """The curve of a target, point by point.

    Attributes:
        unit: what points count.
        by: the declared point.
        points: all evaluated points. The interval at a point is for it alone, or with reading
            `each-seed` for the worst scores from it on.
        confirmed_from: the earliest point from which on the target is confirmed; None if none is.
        text: that in words.
    """

    unit: Unit
    by: int
    reading: Reading
    points: tuple[CurveAtPoint, ...]
    confirmed_from: int | None
    text: str

    @property
    def place(self) -> str:
        """The declared point in words: "step 5,960"."""
        return f"{self.unit} {self.by:,}"

    @property
    def score(self) -> str:
        """Which number each seed gives, in words."""
        return f"at {self.place}" if self.reading == "each-step" else f"worst from {self.place} on"
