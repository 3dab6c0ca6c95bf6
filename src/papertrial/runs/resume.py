"""Open a run that did not end, to continue its training where its newest checkpoint stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from papertrial.errors import RunError
from papertrial.recipe.digest import training_hash
from papertrial.recipe.load import load_recipe, require_model
from papertrial.recipe.schema import Recipe
from papertrial.runs.compare_environments import environment_differences, environment_here
from papertrial.store.checkpoints import drop_later, read_checkpoint
from papertrial.store.provenance import utc_now
from papertrial.store.run_folder import PROVENANCE, RECIPE, RECORDS, RunFolder
from papertrial.store.run_records import Provenance, Resumed, SplitData
from papertrial.training.checkpoint import state_from_bytes


@dataclass(frozen=True)
class Continue:
    """The training continues in the folder of a run that did not end."""

    allow_different: bool = False


@dataclass(frozen=True)
class Resumption:
    """What a run that did not end left: from here its training continues.

    Attributes:
        folder: the folder of the run.
        record: its provenance, of the part that was trained before.
        step: optimizer steps done.
        state: the state of its session; None if it stored no checkpoint, so that it starts again.
        records: length of metrics.jsonl at the checkpoint, in bytes.
        damaged: a sentence for each checkpoint that is damaged.
    """

    folder: RunFolder
    record: Provenance
    step: int = 0
    state: dict[str, Any] | None = None
    records: int = 0
    damaged: tuple[str, ...] = ()

    @classmethod
    def of(cls, folder: RunFolder) -> Resumption:
        """Read what a run left.

        Raises:
            RunError: it finished, or its provenance or all its checkpoints are damaged.
        """
        record = folder.provenance
        if record.state == "finished":
            raise RunError(f"the run {folder.path} finished; there is nothing to resume")
        stored = read_checkpoint(folder)
        if stored is None:
            return cls(folder, record)
        state = state_from_bytes(stored.state, f"{folder.path} step {stored.mark.step}")
        mark = stored.mark
        return cls(folder, record, mark.step, state, mark.records, stored.damaged)

    def continued(self, device: torch.device, *, allow_different: bool) -> Provenance:
        """Return the provenance of the run that continues on this machine.

        Raises:
            RunError: something that decides its bits differs, and that is not allowed.
        """
        now = environment_here(device)
        different = environment_differences(self.record.environment, now)
        if different and not allow_different and self.step:
            listed = "\n".join(f"  {one}" for one in different)
            raise RunError(
                f"the run {self.folder.path} was begun in another environment:\n{listed}\n"
                "resume it where it was begun for the same bits, or add --allow-different, which "
                "marks the run"
            )
        this = Resumed(step=self.step, at=utc_now(), different=tuple(different))
        return self.record.model_copy(
            update={
                "state": "running", "error": None, "ended": None,
                "environment": now, "resumed": (*self.record.resumed, this),
            }
        )  # fmt: skip

    def check_data(self, data: Mapping[str, SplitData]) -> None:
        """Check that a run continues on the samples that it began with.

        Raises:
            RunError: a split differs.
        """
        for name in {**self.record.data, **data}:
            if self.record.data.get(name) != data.get(name):
                raise RunError(
                    f"the run {self.folder.path} cannot be resumed: its {name} data have changed; "
                    "restore them, or train again"
                )

    def rewind(self) -> None:
        """Drop what was stored after the checkpoint: it will be stored again."""
        self.folder.cut(RECORDS, self.records)
        drop_later(self.folder, self.step)


def check_same_recipe(recipe: Recipe, path: Path) -> None:
    """Raise RunError unless a run was begun with a recipe and its seed."""
    begun = RunFolder(path).provenance
    if (training_hash(recipe), recipe.seed) != (begun.training_hash, begun.seed):
        raise RunError(
            f"the run {path} was begun with another recipe or seed; omit the recipe to resume it"
        )


def recipe_to_resume(path: Path) -> Recipe:
    """Return the recipe of a run that did not end.

    Raises:
        RunError: there is no such run, or its recipe is not the one that it was begun with.
        RecipeError: the recipe cannot be read.
    """
    folder = RunFolder(path)
    if not folder.has(PROVENANCE):
        raise RunError(f"{path} is not a run folder: {PROVENANCE} is missing")
    record = folder.provenance
    if record.state == "finished":
        raise RunError(f"the run {path} finished; there is nothing to resume")
    if not folder.has(RECIPE):
        raise RunError(f"the run {path} was stopped before its recipe was stored; train again")
    recipe = require_model(load_recipe(path / RECIPE))
    if training_hash(recipe) != record.training_hash:
        raise RunError(f"the recipe in {path} is not the one that the run was begun with")
    return recipe
