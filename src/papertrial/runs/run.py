"""Open a finished run: its metrics, and predictions of its model."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from papertrial.data.pipeline import Pipeline, PipelineState
from papertrial.diagnose.dry_run import dry_run
from papertrial.errors import DataError, RunError
from papertrial.evaluate.inputs import ImageInputs, Inputs, TensorInputs, TextInputs
from papertrial.evaluate.predictor import Answer, Predictor
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.evaluate.preprocessing import Preprocessing
from papertrial.evaluate.training_statistics import TrainingStatistics
from papertrial.recipe.load import load_recipe, require_model
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import (
    build_model,
    build_pipeline,
    build_prepared_model,
    build_word_split,
)
from papertrial.runs.fitted_model import build_without_weights
from papertrial.runs.named_network import KEY, DataForm, named_network
from papertrial.runs.traced_files import check_uncopied
from papertrial.store.run_folder import (
    NETWORK,
    PREPROCESS,
    RECIPE,
    STATISTICS,
    WEIGHTS,
    RunFolder,
    fold_name,
)
from papertrial.store.run_records import Network, RunSummary
from papertrial.training.checkpoint import load_weights
from papertrial.training.device import on_device
from papertrial.vocabulary import SplitMetrics


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, its recipe, its results, and predictions of its model."""

    path: Path
    recipe: Recipe
    summary: RunSummary = field(repr=False)
    device: str = "auto"

    @property
    def metrics(self) -> SplitMetrics:
        """The final metrics by split: metrics["test"]["accuracy"]."""
        return self.summary.metrics

    @property
    def preprocessing(self) -> Preprocessing:
        """What reads, prepares and interprets samples as in the training.

        Raises:
            RunError: preprocess.json is absent, damaged, or has another format version; or each
                fold has one of its own.
        """
        self._check_one_model()
        return RunFolder(self.path).read_record(PREPROCESS, Preprocessing)

    @property
    def has_folds(self) -> bool:
        """Whether the run has a model for each fold, each with a run folder of its own."""
        return self.recipe.data.splits.count > 0

    @cached_property
    def models(self) -> tuple[Run, ...]:
        """The runs of the folds, in order; without folds the run itself.

        Raises:
            RunError: a fold is absent or damaged, or did not finish.
        """
        count = self.recipe.data.splits.count
        return tuple(self.fold(number) for number in range(count)) or (self,)

    @property
    def predicted(self) -> tuple[str, ...]:
        """The splits whose predictions the folder has; with folds only "test", of all rows."""
        return ("test",) if self.has_folds else tuple(self.metrics)

    def fold(self, number: int) -> Run:
        """Open the run of a fold, counted from 0 over all repetitions.

        Raises:
            RunError: the run has no such fold.
        """
        count = self.recipe.data.splits.count
        if not 0 <= number < count:
            has = f"its folds are 0 to {count - 1}" if count else "it has no folds"
            raise RunError(f"the run {self.path} has no fold {number}: {has}")
        return load_run(self.path / fold_name(number), device=self.device)

    def predict(self, inputs: object) -> list[Answer]:
        """Return an answer for each input; `Predictor.predict` lists what inputs may be."""
        with on_device(self.device, None):
            return self.predictor.predict(inputs)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model, with the preparation and the task that it was trained with."""
        self._check_one_model()
        folder = RunFolder.open(self.path)
        # Pretrained weights of a network are only for its training.
        apart = {KEY} if named_network(self.recipe) else set[str]()
        apart |= {"model.source"} if folder.has(NETWORK) else set()
        check_uncopied(folder.provenance, self.path, apart)
        preprocessing = self.preprocessing
        with on_device(self.device, None) as device:
            prepared = _load_model(self.recipe, preprocessing, folder, device)
        inputs = preprocessing.make_inputs(build_word_split(self.recipe))
        seen = None
        if folder.has(STATISTICS):
            seen = folder.read_record(STATISTICS, TrainingStatistics)
        return Predictor(prepared, task=preprocessing.make_task(), inputs=inputs, seen=seen)

    def _check_one_model(self) -> None:
        if self.has_folds:
            place = self.path / fold_name(0)
            raise RunError(
                f"the run {self.path} has a model for each of {self.recipe.data.splits.count} "
                f"folds; name the folder of one, such as {place}, or use run.fold(0)"
            )


def load_run(path: str | Path, *, device: str = "auto") -> Run:
    """Open a finished run as a `Run`, to see its metrics and to predict with its model.

    Raises:
        RunError: the folder is not a run folder, is damaged, or its run did not finish.
    """
    folder = RunFolder.open(Path(path))
    recipe = require_model(load_recipe(folder.path / RECIPE, check=False))
    return Run(folder.path, recipe, folder.summary, device)


def _load_model(
    recipe: Recipe, stored: Preprocessing, folder: RunFolder, device: torch.device
) -> PreparedModel:
    """Load the model of a finished run with its weights and its stored preprocessing.

    Raises:
        RunError: the state or the weights do not fit the recipe.
    """
    run, state = folder.path, stored.pipeline
    inputs = stored.make_inputs(build_word_split(recipe))
    if folder.has(NETWORK):
        model = build_without_weights(recipe, folder.read_record(NETWORK, Network))
    else:
        model = build_model(recipe, DataForm.of(stored.make_task(), inputs))
    pipeline = build_pipeline(recipe, state.kind, augment=False)
    _check_transforms(pipeline, state, run)
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        dry_run(model, pipeline.apply(_zeros(inputs, state), state))
    load_weights(model, folder.read(WEIGHTS), str(run / WEIGHTS))
    return build_prepared_model(recipe, model.to(device), pipeline, state, device)


def _zeros(inputs: Inputs, state: PipelineState) -> Any:
    """Return two samples of zeros as they are stored, from which lazy layers get their sizes."""
    if isinstance(inputs, TensorInputs):
        return inputs.zeros(2)
    if isinstance(inputs, ImageInputs) and inputs.varies:
        return [torch.zeros(inputs.shape[0], 256, 256, dtype=state.torch_dtype)] * 2
    if isinstance(inputs, TextInputs):
        return inputs.zeros(2)
    return torch.zeros(2, *state.shape, dtype=state.torch_dtype)


def _check_transforms(pipeline: Pipeline, state: PipelineState, run: Path) -> None:
    """Check that the transforms of a finished run can use its stored state; RunError if not."""
    try:
        pipeline.on(torch.device("cpu"), state)
    except DataError as error:
        raise RunError(f"{run / PREPROCESS} is damaged: pipeline.transforms: {error}") from error
