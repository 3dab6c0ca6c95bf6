"""A finished run, opened from its folder: its metrics, and predictions from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from papertrial.diagnose.dry_run import dry_run
from papertrial.evaluate.inputs import inputs_from
from papertrial.evaluate.predictor import Answer, Predictor
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import build_model, build_pipeline
from papertrial.runs.tracing import check_there
from papertrial.store.run_folder import PREPROCESS, RECIPE, WEIGHTS, RunFolder
from papertrial.store.run_records import RunSummary, SplitMetrics
from papertrial.tasks import TASKS
from papertrial.training.checkpoint import load_weights
from papertrial.training.device import on_device


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its recipe, its results, and predictions from it."""

    path: Path
    recipe: Recipe
    summary: RunSummary = field(repr=False)
    device: str = "auto"

    @property
    def metrics(self) -> SplitMetrics:
        """The final metrics by split: metrics["test"]["accuracy"]."""
        return self.summary.metrics

    def predict(self, inputs: Any) -> list[Answer]:
        """Return an answer for each input; see `Predictor.predict` for what may be given."""
        with on_device(self.device, None):
            return self.predictor.predict(inputs)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model, with the preparation and the meaning it was trained with."""
        folder = RunFolder.open(self.path)
        check_there(folder.provenance, self.path)
        with on_device(self.device, None) as device:
            return _predictor(
                self.recipe,
                folder.read_json(PREPROCESS),
                folder.read(WEIGHTS),
                str(self.path / WEIGHTS),
                device,
            )


def load_run(path: str | Path, *, device: str = "auto") -> Run:
    """Open a finished run.

    Raises:
        RunError: the folder is no run, is damaged, or its run did not finish.
    """
    folder = RunFolder.open(Path(path))
    recipe = load_recipe(folder.path / RECIPE, check=False)
    return Run(folder.path, recipe, folder.summary, device)


def _predictor(
    recipe: Recipe, described: dict[str, Any], weights: bytes, where: str, device: torch.device
) -> Predictor:
    """Make what predicts from what `_described` returned and the weights kept in `where`."""
    model, state = build_model(recipe), described["pipeline"]
    pipeline = build_pipeline(recipe, state["kind"], augment=False)
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        shape = state["shape"] or [512]  # of texts: long enough for any layer
        blank = torch.zeros(2, *shape, dtype=getattr(torch, state["dtype"]))
        dry_run(model, pipeline.apply(blank, state))
    load_weights(model, weights, where)
    return Predictor(
        model.to(device),
        task=TASKS[described["task"]].from_state(described["meaning"]),
        inputs=inputs_from(described),
        pipeline=pipeline,
        state=state,
        device=device,
        precision=recipe.precision,
        batch_size=recipe.evaluate.batch_size,
        seed=recipe.seed,
    )
