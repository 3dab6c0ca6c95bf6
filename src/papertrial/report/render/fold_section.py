"""The section of a report on the folds of its runs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from papertrial.numbers import NOTHING, count, number
from papertrial.report.render.section import ReportSection, TableBlock, Title, cells, columns
from papertrial.store.report_record import Report

_SPREAD = (
    "A score of a run is the mean over its folds, each with the same weight. The SD is that "
    "between folds, which have other test rows; it is not the spread of the runs' means."
)


def folds(report: Report) -> Iterator[ReportSection]:
    """Yield the section with the test scores of each fold, their mean and SD."""
    found = report.folds
    if not found:
        return
    names = list(found[0].scores)
    repeated = found[-1].repeat > 0
    of_fold = {name: [fold.scores[name] for fold in found] for name in names}
    sds = {name: statistics.stdev(scores) for name, scores in of_fold.items()}
    heads: list[Title] = [*(["Repetition"] if repeated else []), "Fold", ("Test rows", "number")]
    heads += [(name.replace("_", " "), "number") for name in names]
    rows = [
        cells(
            *([str(fold.repeat)] if repeated else []),
            str(fold.fold),
            count(fold.rows),
            *(number(fold.scores[name], sds[name]) for name in names),
        )
        for fold in found
    ]
    blank = [""] * repeated
    means = (number(statistics.fmean(of_fold[name]), sds[name]) for name in names)
    rows.append(cells("mean", *blank, NOTHING, *means))
    rows.append(cells("SD", *blank, NOTHING, *(number(sd, sd) for sd in sds.values())))
    over = "" if report.kind == "run" else ", means over the seeds"
    table = TableBlock(f"The test scores of each fold{over}", columns(*heads), tuple(rows))
    yield ReportSection("folds", "Folds", (_SPREAD,), tables=(table,))
