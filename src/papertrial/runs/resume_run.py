"""Continue the training of a run that was stopped, in its folder."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

from papertrial.progress import finish
from papertrial.runs.resume import Continue, recipe_to_resume
from papertrial.runs.run import Run
from papertrial.runs.train import training
from papertrial.store.run_folder import RunFolder
from papertrial.training.events import Event


def resume(
    run: str | Path,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    allow_different: bool = False,
) -> Run:
    """Continue the training of a run that was stopped, to the bits that it would have reached.

    Args:
        run: the folder of the run.
        data: the data folder; None for the default.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
        threads: intra-op threads; None for the number that the run was begun with.
        allow_different: continue in an environment that may give other bits, and mark the run.

    Raises:
        PapertrialError: the run finished, is damaged, was begun in another environment, or its data
            have changed.
    """
    return finish(
        resuming(
            Path(run), data=data, device=device, threads=threads, allow_different=allow_different
        )
    )


def resuming(
    run: Path,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    threads: int | None = None,
    allow_different: bool = False,
) -> Generator[Event, None, Run]:
    """Do what `resume` does, yielding events; the run is the return value."""
    recipe = recipe_to_resume(run)
    begun = RunFolder(run).provenance.environment
    return (
        yield from training(
            recipe,
            data=data,
            device=begun.device if device == "auto" else device,
            threads=threads or begun.threads,
            folder=run,
            begun=Continue(allow_different),
        )
    )
