"""The confusion matrix as a heat map."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.patches import PathPatch
from matplotlib.path import Path

from papertrial.numbers import count, percent, plural
from papertrial.report.render.names import one_line
from papertrial.report.render.result_sections import LARGEST_MATRIX
from papertrial.report.render.svg import GRID, HEIGHT, INK, OURS, WIDTH, Plot, canvas, inline
from papertrial.store.report_record import ConfusionMatrix

NUMBERED = 12  # up to so many classes, each cell shows its number
_NAMED = 40  # up to so many classes, each row shows its name
_LEVELS = 20


def confusion(found: ConfusionMatrix | None, whose: str = "") -> list[Plot]:
    """Draw a confusion matrix: a row per true class, each cell as dark as its share of its row.

    `whose` is added to the title if there are several recipes: " of ours".
    The list is empty for more than LARGEST_MATRIX classes.
    """
    if not found or len(found.classes) > LARGEST_MATRIX:
        return []
    names = [one_line(name, 18) for name in found.classes]
    matrix = found.matrix
    totals = [sum(row) for row in matrix]
    shares = [
        [value / total if total else 0.0 for value in row]
        for row, total in zip(matrix, totals, strict=True)
    ]
    k = len(names)
    wide = k > 4
    with canvas(*((6.2, 5.8) if wide else (WIDTH, HEIGHT))) as (figure, axes):
        for level, path in _cells(shares).items():
            axes.add_patch(
                PathPatch(path, facecolor=OURS, alpha=0.62 * level / _LEVELS, linewidth=0)
            )
        if k <= NUMBERED:
            _write_counts(axes, matrix)
        axes.set(xlim=(0, k), ylim=(k, 0), aspect="equal")
        middles = [i + 0.5 for i in range(k)]
        if k <= _NAMED:
            size = 9 if k <= NUMBERED else 6
            axes.set_xticks(middles, names, rotation=45, ha="right", rotation_mode="anchor")
            axes.set_yticks(middles, names)
            axes.tick_params(length=0, labelsize=size)
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set(visible=True, color=GRID)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        over = f", mean of {found.seeds} seeds" if found.seeds > 1 else ""
        title = f"Confusion matrix{whose}, {found.split} set{over}"
        right = sum(matrix[i][i] for i in range(k))
        text = (
            f"{plural(k, 'row')} of true classes, and as many columns of predicted classes; "
            f"{percent(right / sum(totals)) if sum(totals) else 'nothing'} of the samples are on "
            f"the diagonal. A cell is as dark as its share of its row; numbers are samples."
        )
        return [Plot(inline(figure, "confusion", title, text), title, wide)]


def _cells(shares: Sequence[Sequence[float]]) -> dict[int, Path]:
    """Return the squares of a confusion matrix as one path for each darkness, to save space."""
    corners: dict[int, list[tuple[float, float]]] = {}
    for i, row in enumerate(shares):
        for j, value in enumerate(row):
            level = round(value * _LEVELS) or (1 if value > 0.005 else 0)
            if level:
                square = [(j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1), (j, i)]
                corners.setdefault(level, []).extend(square)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return {
        level: Path(points, codes * (len(points) // 5)) for level, points in sorted(corners.items())
    }


def _write_counts(axes: Axes, matrix: Sequence[Sequence[float]]) -> None:
    size = 9 if len(matrix) <= 10 else 8
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            if value >= 0.05:
                axes.text(
                    j + 0.5,
                    i + 0.5,
                    count(value),
                    ha="center",
                    va="center",
                    fontsize=size,
                    color=INK,
                )
