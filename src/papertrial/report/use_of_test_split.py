"""Notes on how a run used the test split before the end of its training."""

from __future__ import annotations

from typing import TYPE_CHECKING

from papertrial.numbers import number

if TYPE_CHECKING:
    from papertrial.store.run_records import RunSummary


def use_of_test_split(summary: RunSummary) -> list[str]:
    """Return a note on a use of the test split: it chose the epoch, or was evaluated early."""
    report = summary.report
    if report.optimistic:
        last = (report.last_metrics or summary.metrics)["test"]
        numbers = [f"{k} {number(v)}" for k, v in last.items() if isinstance(v, float | int)]
        return [
            "OPTIMISTIC: the epoch was chosen by the test split, so its test metrics look better "
            f"than the model is; test metrics at the last epoch: {', '.join(numbers)}"
        ]
    if report.test_evaluations:
        count = report.test_evaluations
        times = "once" if count == 1 else f"{count} times"
        return [f"the test split was evaluated {times} before the end, but chose nothing"]
    return []
