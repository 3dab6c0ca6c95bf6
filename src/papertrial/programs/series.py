"""The values of one score, in bounded memory: checked, converted to its unit, and picked from."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

from papertrial.errors import DivergedError, ProgramFailedError
from papertrial.numbers import as_written, plural
from papertrial.programs.found import Found
from papertrial.programs.program_run import Place, ReadScore
from papertrial.programs.spec import ScoreSource

MOST_POINTS = 10_000  # of a curve; a longer one is thinned
_STORED = MOST_POINTS - 3  # as the first, the last and the best are always among them


@dataclass(frozen=True)
class _Point:
    order: int  # the step or, without steps, the number of the value
    value: float
    found: Found


class Series:
    """The values of one score.

    Args:
        source: the score's unit, its choice, and the registered points of a curve.
    """

    def __init__(self, source: ScoreSource) -> None:
        self._source = source
        self._grid = None if source.grid is None else frozenset(source.grid)
        self._stored: dict[int, _Point] = {}
        self._stride = 1
        self.seen = 0  # values of the source
        self._count = 0  # points of the curve
        self._first: _Point | None = None
        self._best: _Point | None = None
        self._last: list[tuple[int, int, _Point]] = []  # a heap of the k last
        self._has_percent_sign = False
        self._largest = 0.0

    def __len__(self) -> int:
        return self._count

    def add(self, found: Found) -> None:
        """Add the next value.

        Raises:
            ProgramFailedError: it does not fit the unit, or contradicts an earlier value.
            DivergedError: it is infinite or NaN.
        """
        self.seen += 1
        order = self.seen if found.step is None else found.step
        if self._grid is not None and order not in self._grid:
            return
        point = _Point(order, self._in_unit(found), found)
        if order in self._stored:
            self._require_same(self._stored[order], point)
            return
        if self._source.which.pick == "only" and self._first is not None:
            raise ProgramFailedError(
                f"two values where one is expected: {self._first.found.where}, and {found.where}; "
                "choose by `which`: first, last, best, or the mean of the last"
            )
        self._add(point)

    def score(self, file: str) -> ReadScore:
        """Return the score and its curve.

        Args:
            file: what was read, relative to the seed's folder.

        Raises:
            ProgramFailedError: there are too few values, a point of the grid lacks one, or the
                values do not seem to be percentages.
        """
        assert self._first is not None, "no value was added"
        assert self._best is not None
        self._require_grid()
        self._require_percentages()
        last = [point for _, _, point in sorted(self._last, key=lambda each: each[:2])]
        match self._source.which.pick:
            case "best":
                chosen, value = self._best, self._best.value
            case "mean-of-last":
                chosen, value = last[-1], self._mean(last)
            case "last":
                chosen, value = last[-1], last[-1].value
            case _:
                chosen, value = self._first, self._first.value
        always = {point.order: point for point in (self._first, self._best, last[-1])}
        points = sorted({**self._stored, **always}.items())
        found = chosen.found
        return ReadScore(
            value=value,
            unit=self._source.unit,
            curve=tuple((point.found.step, point.value) for _, point in points),
            points=self._count,
            source=file,
            place=Place(file=file, line=found.line, text=found.text),
        )

    def _add(self, point: _Point) -> None:
        self._largest = max(self._largest, point.value)
        self._has_percent_sign |= point.found.has_percent_sign
        if self._first is None or point.order < self._first.order:
            self._first = point
        if self._best is None or self._is_better(point, self._best):
            self._best = point
        heapq.heappush(self._last, (point.order, self._count, point))
        if len(self._last) > self._source.which.k:
            heapq.heappop(self._last)
        if self._count % self._stride == 0:
            self._stored[point.order] = point
            if len(self._stored) > _STORED and self._grid is None:
                self._stride *= 2
                self._stored = dict(list(self._stored.items())[::2])
        self._count += 1

    def _in_unit(self, found: Found) -> float:
        """Return a value in the unit of the score, after what can be checked of it alone."""
        value, unit = found.value, self._source.unit
        if not math.isfinite(float(value)):
            raise DivergedError(f"the score is not finite: {found.where}")
        if unit == "fraction" and found.has_percent_sign:
            raise ProgramFailedError(
                f"a % sign follows the value, {found.where}, which should be a fraction: "
                "set unit: percent"
            )
        if unit == "fraction" and abs(value) > 1:
            raise ProgramFailedError(
                f"{value} is more than 1 ({found.where}), and should be a fraction: "
                "set unit: percent, or unit: none if the metric is neither"
            )
        if unit == "percent" and abs(value) > 100:
            raise ProgramFailedError(
                f"{value} is more than 100 percent ({found.where}): set unit: none if the metric "
                "is not a percentage"
            )
        return float(value.scaleb(-2) if unit == "percent" else value)

    def _is_better(self, point: _Point, other: _Point) -> bool:
        """Whether a point is better, or as good and earlier."""
        sign = -1 if self._source.which.better == "lower" else 1
        return (sign * point.value, -point.order) > (sign * other.value, -other.order)

    def _require_same(self, earlier: _Point, point: _Point) -> None:
        if earlier.value != point.value:
            raise ProgramFailedError(
                f"two different scores at step {point.order}: {earlier.found.where}, and "
                f"{point.found.where}"
            )

    def _require_grid(self) -> None:
        missing = [point for point in self._source.grid or () if point not in self._stored]
        if missing:
            listed = ", ".join(map(str, missing[:5])) + (", ..." if len(missing) > 5 else "")
            raise ProgramFailedError(
                f"{plural(len(missing), 'registered point')} of the curve without a score: {listed}"
            )

    def _require_percentages(self) -> None:
        """Check that percentages are not fractions, by the largest of them."""
        if self._source.unit != "percent" or self._has_percent_sign or not self._first:
            return
        if 0 < self._largest <= 0.01:
            shown = as_written(100 * self._largest)
            raise ProgramFailedError(
                f"{shown} with unit: percent is {shown} % ({self._first.found.where}), and no % "
                "sign follows it: if the program prints a fraction, set unit: fraction; if this is "
                "a percentage, let the program print the % sign, or use unit: none"
            )

    def _mean(self, last: list[_Point]) -> float:
        k = self._source.which.k
        if len(last) < k:
            raise ProgramFailedError(
                f"the mean of the last {k} values needs {k}, and {plural(self._count, 'value')} "
                "found"
            )
        return math.fsum(point.value for point in last) / k
