"""Claims whose metric has two readings: the average over two classes, or the value of one."""

from __future__ import annotations

from collections.abc import Iterable

from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.recipe.claims import Claim
from papertrial.tasks.classification import Classification
from papertrial.tasks.task import Task
from papertrial.vocabulary import TWO_READINGS, has_metric


def two_readings(claims: Iterable[Claim], task: Task) -> list[Diagnosis]:
    """Return a warning for each claim on two classes that does not say which average is meant.

    By default, the functions of scikit-learn return the value of the second of two classes, and
    many papers print it; `f1` is the average over both.
    """
    if not isinstance(task, Classification) or len(task.classes) != 2:
        return []
    found = []
    for index, claim in enumerate(claims):
        metric, second = claim.metric, task.classes[1]
        if metric not in TWO_READINGS or claim.not_judged is not None:
            continue
        message = (
            f"{metric} is the average over both classes here, but of two classes many papers print "
            f"that of one, as scikit-learn does by default; which one is meant?"
        )
        one = f"metric: {{{metric}: {{class: {second}}}}} for that of {second!r}"
        macro = f"{metric}_macro"
        average = f"metric: {macro}" if has_metric("classification", macro) else "leave it"
        fix = f"write {one}, or {average} for the average, and compute it in metrics"
        found.append(Diagnosis("warning", f"claims.{index}.metric", message, fix))
    return found
