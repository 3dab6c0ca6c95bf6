"""Batches that are tried before a training: the first one, and the smallest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from papertrial.data.nested import in_parts, mapped, row_count
from papertrial.diagnose.dry_run import SmallBatchError, dry_run
from papertrial.evaluate.inputs import TensorInputs, TextInputs
from papertrial.numbers import plural
from papertrial.recipe.schema import Recipe
from papertrial.runs.extreme_samples import with_extreme_samples
from papertrial.runs.load_data import Samples


@dataclass(frozen=True)
class TrialBatch:
    """A batch to try before training.

    Attributes:
        x: the input of the model.
        where: the key that decides its size.
        what: what it is, for a message on its size.
        fix: how to get a larger one.
    """

    x: Any
    where: str
    what: str
    fix: str

    def run(self, model: nn.Module) -> torch.Tensor:
        """Return the output of a dry run of a model.

        Raises:
            LayerError: the model fails.
            SmallBatchError: the batch is too small for batch norm; the message names the key.
        """
        try:
            return dry_run(model, mapped(torch.clone, self.x))
        except SmallBatchError as error:
            message = f"{self.where}: {self.what}: {error.message}"
            raise SmallBatchError(message, self.fix) from error


def trial_batches(recipe: Recipe, samples: Samples) -> list[TrialBatch]:
    """Prepare the batches to try before training: the first one, and a smaller last one.

    Of batches that are computed in parts, the smallest part is tried as well. The first batch of
    texts gets the largest token number, which few batches contain, and that of tensors the samples
    with the largest and the smallest whole numbers.
    """
    batches, inputs = samples.batches, samples.inputs
    size, last = batches.size(0), batches.size(batches.steps - 1)
    x = batches.batch(recipe.seed, 0, 0).x
    if isinstance(inputs, TextInputs):
        inputs.put_largest(x)
    elif isinstance(inputs, TensorInputs):
        x = with_extreme_samples(x, samples)
    where, larger = "data.batch_size", "set another data.batch_size"
    tried = [TrialBatch(x, where, f"a batch has {plural(size, 'sample')}", "raise it")]
    if last < size:
        rest = batches.batch(recipe.seed, 0, batches.steps - 1).x
        what = f"the last batch of an epoch has {plural(last, 'sample')} of {size:,}"
        fix = f"leave it out with data.drop_last: true, or {larger}"
        tried.append(TrialBatch(rest, where, what, fix))
    if recipe.accumulate > 1:
        cut = [(trial.x, in_parts(trial.x, recipe.accumulate)[-1]) for trial in tried]
        whole, part = min(cut, key=lambda pair: row_count(pair[1]))
        has, count = plural(row_count(part), "sample"), row_count(whole)
        what = f"{recipe.accumulate} cuts a batch of {count:,} into parts, the last of {has}"
        fix = f"lower accumulate, or {larger}"
        if count < size:
            fix += ", or leave out the smaller last batch with data.drop_last: true"
        tried.append(TrialBatch(part, "accumulate", what, fix))
    return tried
