"""Options of `papertrial register`, for one verification and for several laboratories."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.errors import PapertrialError
from papertrial.recipe.schema import AnyRecipe
from papertrial.training.device import kind_of
from papertrial.verification.claimed_metrics import check_claimed_metrics
from papertrial.verification.registration import Registration, register


@dataclass(frozen=True)
class RegisterOptions:
    """How a registration is made, beside what the recipe says.

    Attributes:
        runs: folder for run folders.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N"; the kind of device is registered.
        threads: CPU threads per seed.
        again: write a new registration, even if there is one.
        git: commit the registration to the git repository around `runs`.
        ots: write the SHA-256 to a file, for `sha256sum -c` and time stamps.
    """

    runs: Path = Path("runs")
    data: str | Path | None = None
    device: str = "auto"
    threads: int = 1
    again: bool = False
    git: bool = False
    ots: bool = False

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise PapertrialError(f"threads >= 1 must hold, got {self.threads}")

    def register(self, recipe: AnyRecipe) -> Registration:
        """Return what is to be registered for a recipe.

        Raises:
            PapertrialError: it cannot be registered with these options.
        """
        asked = register(recipe, threads=self.threads, device=kind_of(self.device))
        check_claimed_metrics(recipe, asked)
        return asked


@dataclass(frozen=True)
class Registered:
    """A registration on disk, and the evidence of its time.

    Attributes:
        path: its folder.
        recipe: the name of the recipe.
        registered: when it was written, in ISO 8601, UTC.
        is_new: whether it was registered now, and not found.
        lines: what is registered, in words.
        commit: the git commit that holds it; None if it was not committed.
        digest: the file with the SHA-256 for `sha256sum -c`; None if there is none.
    """

    path: Path
    recipe: str
    registered: str
    is_new: bool
    lines: tuple[str, ...]
    commit: str | None
    digest: Path | None
