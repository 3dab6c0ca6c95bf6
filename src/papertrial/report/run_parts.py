"""The parts of a report that finished runs give: curves, classes, mistakes, metrics, provenance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from papertrial.errors import RunError
from papertrial.reading_note import ReadingNote
from papertrial.report.compare_runs import compare_runs
from papertrial.report.curves import curves
from papertrial.report.mistakes import mistakes
from papertrial.report.provenance_rows import provenance_rows
from papertrial.report.run_results import read_provenance
from papertrial.report.scores import fold_rows, scores_of_classes, spreads
from papertrial.report.scoring_rows import scoring_rows
from papertrial.runs.run import Run
from papertrial.store.fold_row import FoldRow
from papertrial.store.report_record import (
    ClassScores,
    ConfusionMatrix,
    Curve,
    Mistake,
    Spread,
)


@dataclass(frozen=True)
class RunParts:
    """The parts of a report that finished runs give; `Report` has fields of the same names.

    `warnings` is one source of the report's warnings.
    """

    curves: tuple[Curve, ...] = ()
    confusion: ConfusionMatrix | None = None
    per_class: tuple[ClassScores, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    metrics: dict[str, dict[str, Spread]] = field(default_factory=dict)
    folds: tuple[FoldRow, ...] = ()
    fixed: tuple[str, ...] = ()
    provenance: tuple[tuple[str, str], ...] = ()
    not_covered: tuple[str, ...] = ()
    reading: tuple[ReadingNote, ...] = ()
    warnings: tuple[str, ...] = ()


def parts_of_runs(runs: Sequence[Run], *, data: str | Path | None = None) -> RunParts:
    """Return the parts of a report that the folders of finished runs give.

    Args:
        runs: seeds of one recipe, or one run.
        data: the data folder, from which the mistakes of the first run are shown; None for the
            default one.

    Raises:
        RunError: there is no run, or a file of a run is absent or damaged.
    """
    if not runs:
        raise RunError("a report needs at least one finished run, got none")
    classes = scores_of_classes(runs)
    worst = mistakes(runs[0], data=data)
    kept = [read_provenance(run) for run in runs]
    compared = compare_runs(runs[0].recipe, kept)
    return RunParts(
        curves=curves(runs),
        confusion=classes.confusion,
        per_class=classes.per_class,
        mistakes=worst.mistakes,
        metrics=spreads(runs),
        folds=fold_rows(runs),
        fixed=compared.fixed,
        provenance=provenance_rows(
            kept[0],
            runs[0].summary if len(runs) == 1 else None,
            scoring_rows(runs[0].recipe, runs[0].summary),
        ),
        not_covered=tuple(dict.fromkeys(note for one in kept for note in one.not_covered)),
        reading=tuple(
            dict.fromkeys(
                note for one in kept for note in one.notes if isinstance(note, ReadingNote)
            )
        ),
        warnings=(*compared.differing, *worst.warnings),
    )
