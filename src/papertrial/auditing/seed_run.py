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
    """A run of a seed: `arm` is 0 for ours, else the number of the other side of a difference."""

    seed: int
    arm: int
    run: Run

    def __str__(self) -> str:
        return f"seed {self.seed}" + (f" (versus {self.arm})" if self.arm else "")

    @property
    def provenance(self) -> Provenance:
        """The provenance of this run of a seed."""
        return read_provenance(self.run)


def why_unreadable(error: BaseException) -> str:
    """Return why the run of a seed cannot be read, from the error that reading it raised."""
    expected = isinstance(error, PapertrialError)
    return str(error) if expected else f"damaged: {type(error).__name__}: {error}"
