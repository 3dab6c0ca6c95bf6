"""Which random streams of a training does the seed move? Found by trying two seeds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from papertrial.data.batches import Batches
from papertrial.data.nested import first_of, mapped
from papertrial.data.streams import derive, drawing_from, generators_kept
from papertrial.diagnose.diagnosis import Diagnosis
from papertrial.diagnose.dry_run import dry_run
from papertrial.diagnose.lent_model import model_kept
from papertrial.recipe.schema import Recipe
from papertrial.runs.build import build_model, seed_before_build
from papertrial.runs.named_network import DataForm
from papertrial.runs.prepare import Parts


@dataclass(frozen=True)
class SeedStreams:
    """Which random streams of a training have other numbers with another seed, and use them.

    Attributes:
        init: the initial weights.
        order: which samples are in a batch.
        augment: the changes of training samples.
        model: what model and loss draw in training, such as dropout.
        splits: the splits of the data, which otherwise have a seed of their own.
    """

    init: bool
    order: bool
    augment: bool
    model: bool
    splits: bool = False

    @property
    def moved(self) -> tuple[str, ...]:
        """The names of the streams that the seed moves."""
        return tuple(name for name, moves in asdict(self).items() if moves)


def find_streams(recipe: Recipe, parts: Parts) -> SeedStreams:
    """Try the recipe's seed and the next one on the initial weights and on the first batch.

    Args:
        recipe: the recipe.
        parts: what it names, built.
    """
    seeds, batches = (recipe.seed, recipe.seed + 1), parts.samples.batches
    return SeedStreams(
        init=_init_moves(recipe, parts),
        order=_order_moves(batches, seeds),
        augment=_augment_moves(batches, seeds),
        model=_model_moves(parts, seeds),
        splits=recipe.data.splits.seed == "each",
    )


def check_streams(recipe: Recipe, streams: SeedStreams) -> list[Diagnosis]:
    """Warn of a recipe whose seed changes nothing, if its claims are about several seeds."""
    judged = [c for c in recipe.claims if c.kind != "exact" and c.not_judged is None]
    if streams.moved or not judged:
        return []
    message = (
        "the seed changes nothing: initial weights, batches and what the model draws are the same "
        "for two seeds, so that several seeds are one run and say nothing of the spread"
    )
    fix = "shuffle, or state the claim for what it is: its one score is compared with the band"
    return [Diagnosis("warning", "seed", message, fix)]


def _init_moves(recipe: Recipe, parts: Parts) -> bool:
    """Whether tensors depend on the seed that no file of weights replaces."""
    form = DataForm.of(parts.samples.task, parts.samples.inputs)
    batches, loaded = parts.samples.batches, {n for w in parts.start.weights for n in w.loaded}
    x = mapped(lambda one: one[:2].cpu(), batches.batch(recipe.seed, 0, 0).x)
    models = []
    with generators_kept(batches.device):
        for seed in (recipe.seed, recipe.seed + 1):
            seed_before_build(recipe.model_copy(update={"seed": seed}), batches.device)
            model = build_model(recipe, form)
            if any(isinstance(p, nn.UninitializedParameter) for p in model.parameters()):
                dry_run(model, x)
            models.append(model)
    first, second = (_tensors(model, loaded) for model in models)
    if len(first) != len(second):
        return True
    return not all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def _tensors(model: nn.Module, without: Collection[str]) -> list[Tensor]:
    named = (*model.named_parameters(), *model.named_buffers())
    return [tensor.detach() for name, tensor in named if name not in without]


def _order_moves(batches: Batches, seeds: tuple[int, int]) -> bool:
    """Whether the first batch has other samples; an order within a batch does not count."""
    if not batches.shuffle or (batches.sampler is None and batches.steps == 1):
        return False
    first, second = (batches.rows(seed, 0, 0) for seed in seeds)
    assert isinstance(first, Tensor)
    assert isinstance(second, Tensor)
    return not torch.equal(first.sort().values, second.sort().values)


def _augment_moves(batches: Batches, seeds: tuple[int, int]) -> bool:
    pipeline = batches.pipeline
    if not pipeline.augmentations:
        return False
    rows = torch.arange(
        min(batches.batch_size, len(batches.split)), device=first_of(batches.split.y).device
    )
    found = []
    for seed in seeds:
        x = mapped(lambda one: one.to(batches.device), batches.split.x.take(rows, copy=True))
        uniforms = pipeline.uniforms(len(rows), seed, 0).to(batches.device)
        constants = pipeline.constants(len(rows), seed).to(batches.device)
        found.append(pipeline.augment(x, uniforms, rows, seed, 0, constants))
    pairs = zip(*found, strict=True)
    return not all(torch.equal(one, other) for one, other in pairs)


def _model_moves(parts: Parts, seeds: tuple[int, int]) -> bool:
    """Whether the output or the loss of one batch in training mode depends on the stream."""
    objective, batches = parts.objective, parts.samples.batches
    model, device = objective.model, batches.device
    batch = batches.batch(seeds[0], 0, 0)
    found = []
    for seed in seeds:
        with model_kept(model), drawing_from(device, derive(seed, "model", 0)):
            model.train()
            # With gradients, which an objective may need; some take those of the first pass.
            loss, output = objective.compute(mapped(torch.clone, batch.x), batch.y)
            found.append((output.detach().float(), loss.detach()))
    (output, loss), (other, other_loss) = found
    return not (torch.equal(output, other) and torch.equal(loss, other_loss))
