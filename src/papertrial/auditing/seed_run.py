"""A run of a seed, as an audit sees it, and why one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass

from papertrial.errors import PapertrialError
from papertrial.report.run_results import read_provenance
from papertrial.runs.run import Run
from papertrial.store.run_records import Provenance

# What reading a damaged run raises.
UNREADABLE = (RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True)
class SeedRun:
    """A run of a seed: `arm` is 0 for ours, else the number of the other side of a difference.

    `fold` is the number of the fold that it trains; None for the run of the seed itself.
    """

    seed: int
    arm: int
    run: Run
    fold: int | None = None

    def __str__(self) -> str:
        fold = "" if self.fold is None else f" fold {self.fold}"
        return f"seed {self.seed}{fold}" + (f" (versus {self.arm})" if self.arm else "")

    @property
    def models(self) -> tuple[SeedRun, ...]:
        """The runs of its folds; without folds the run itself.

        Raises:
            RunError: a fold is absent or damaged.
        """
        if not self.run.has_folds:
            return (self,)
        found = enumerate(self.run.models)
        return tuple(SeedRun(self.seed, self.arm, run, fold) for fold, run in found)

    @property
    def provenance(self) -> Provenance:
        """The provenance of this run of a seed."""
        return read_provenance(self.run)


def why_unreadable(error: BaseException) -> str:
    """Return why the run of a seed cannot be read, from the error that reading it raised."""
    expected = isinstance(error, PapertrialError)
    return str(error) if expected else f"damaged: {type(error).__name__}: {error}"
