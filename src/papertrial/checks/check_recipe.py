"""Is a recipe whole? What can be known in seconds, before hours are spent."""

from __future__ import annotations

import math
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from papertrial.checks.batch_independence import check_rows
from papertrial.checks.class_balance import imbalance
from papertrial.checks.cost import estimate
from papertrial.checks.gradients import check_gradients
from papertrial.checks.leaks import leaks
from papertrial.checks.loss_fit import check_ending, check_first_loss, check_targets
from papertrial.checks.stochastic import check_stochastic_loss
from papertrial.data.batches import Batch
from papertrial.data.files.catalog import data_folder
from papertrial.diagnose.dry_run import LayerError, as_finding, dry_run
from papertrial.diagnose.finding import Finding
from papertrial.errors import InvalidRecipeError, PapertrialError
from papertrial.evaluate.precision import autocast
from papertrial.progress import Step, finish
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claims import Claim
from papertrial.recipe.load import load_recipe
from papertrial.recipe.portable import portable
from papertrial.recipe.schema import Recipe
from papertrial.recipe.versus import other_side
from papertrial.runs import prepare
from papertrial.runs.build import build_loss, build_model
from papertrial.runs.samples import Samples, open_data
from papertrial.runs.train import start_from
from papertrial.tasks.losses import check_loss
from papertrial.training.device import on_device
from papertrial.training.optim import Stepper

_KEY = re.compile(r"([a-z_]+(?:\.[a-z_0-9]+)*): ")


@dataclass
class Report:
    """What a check found, and the facts that it measured."""

    recipe: str
    problems: list[Finding] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the recipe would train: warnings leave it ok, errors do not."""
        return not any(problem.severity == "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Return {"ok", "problems", "facts"} as plain values."""
        problems = [problem.to_json() for problem in self.problems]
        return {"ok": self.ok, "problems": problems, "facts": self.facts}

    @contextmanager
    def stage(self, where: str, fix: str) -> Iterator[None]:
        """Take an error of the user's for a finding; nothing after it in the block is done."""
        try:
            yield
        except PapertrialError as error:
            text = str(error)
            named = _KEY.match(text)
            if named and named[1].partition(".")[0] not in Recipe.model_fields:
                named = None  # a file's name or a function's, which is no key of the recipe
            key, message = (named[1], text[named.end() :]) if named else (where, text)
            self.problems.append(Finding("error", key, message, fix))


def check(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    device: str = "auto",
) -> Report:
    """Check a recipe without training it.

    Args:
        source: a shipped recipe's name, a YAML file, or plain values.
        overrides: texts such as "optimizer.lr=0.01".
        data: data folder.
        device: "auto", "cpu", "mps", "cuda" or "cuda:N".
    """
    return finish(checking(source, overrides, data=data, device=device))


def checking(
    source: str | Path | Mapping[str, Any],
    overrides: Sequence[str] = (),
    *,
    data: str | Path | None = None,
    device: str = "auto",
) -> Generator[Step, None, Report]:
    """Do what `check` does, yielding how far it is."""
    report = Report("the recipe" if isinstance(source, Mapping) else str(source))
    recipe = None
    with report.stage("", "give a shipped recipe's name or a YAML file"):
        try:
            recipe = load_recipe(source, overrides)
        except InvalidRecipeError as error:
            for problem in error.problems:
                place = f"line {problem.line}" if problem.line else problem.origin or "the recipe"
                fix = f"mend {problem.where or 'it'} in {place}"
                report.problems.append(Finding("error", problem.where, problem.message, fix))
    if recipe is not None:
        report.problems += _claims(recipe)
        report.problems += _not_covered(recipe)
        no_device = report.stage("device", "name a device that this machine has")
        with no_device, on_device(device, None) as where:
            report.facts["device"] = str(where)
            yield from _check_built(recipe, data_folder(data), where, report)
    return report


def _claims(recipe: Recipe) -> Iterator[Finding]:
    """Tell of claims that cannot be judged as they stand, or that would say little."""
    for i, claim in enumerate(recipe.claims):
        if claim.kind != "exact" and claim.not_judged is None:
            yield from _computed(recipe, claim, f"claims.{i}.metric")
            yield from _other_side(recipe, claim, f"claims.{i}.versus")
    for message in claim_warnings(recipe):
        fix = "change the number that is named here, a tolerance or a plus-minus, in the claim"
        yield Finding("warning", "claims", message, fix)


def _not_covered(recipe: Recipe) -> Iterator[Finding]:
    """Tell of what cannot be traced of the recipe's files, or is too large to copy."""
    for note in portable(recipe).not_covered:
        fix = "write imports that stand in the code, and name files as arguments in the recipe"
        yield Finding(
            "warning", "recipe", f"not covered by the training hash or the copies: {note}", fix
        )


def _computed(recipe: Recipe, claim: Claim, where: str) -> Iterator[Finding]:
    """Tell of a metric that a recipe's runs will not have."""
    computed = prepare.metrics_of(recipe)
    if claim.metric not in computed:
        told = ", ".join(computed)
        message = f"{recipe.name} does not compute {claim.metric}; it computes {told}"
        yield Finding("error", where, message, f"add {claim.metric} to metrics of {recipe.name}")


def _other_side(recipe: Recipe, claim: Claim, where: str) -> Iterator[Finding]:
    """Load what a difference is taken to, and see that both sides can be compared."""
    try:
        other = other_side(recipe, claim)
    except InvalidRecipeError as error:
        for problem in error.problems:
            message = f"the other side is no recipe: {problem.where}: {problem.message}"
            yield Finding("error", where, message, "mend versus.set, or the recipe that it names")
        return
    except PapertrialError as error:
        yield Finding("error", where, str(error), "mend versus.recipe: a name, or a file")
        return
    if other is None:
        return
    yield from _computed(other, claim, where)
    keys = ("source", "path", "limit", "splits")
    unlike = [key for key in keys if getattr(recipe.data, key) != getattr(other.data, key)]
    if unlike:
        named = ", ".join(f"data.{key}" for key in unlike)
        message = f"the two sides are not tested on the same set: they differ in {named}"
        yield Finding("warning", where, message, f"give both sides the same {named}")


def _check_built(
    recipe: Recipe, folder: Path, device: torch.device, report: Report
) -> Generator[Step, None, None]:
    model = loss = samples = None
    prepare.seed(recipe, device)
    with report.stage("model", "mend the model, or its arguments in the recipe"):
        model = build_model(recipe)
    with report.stage("loss", "mend the loss, or its arguments in the recipe"):
        loss = build_loss(recipe)
    start = None
    with report.stage("init_from", "name a finished run with init_from"):
        start = start_from(recipe)
    with report.stage("data", "mend data in the recipe, or the files that it names"):
        samples = yield from open_data(recipe, folder, device, start)
    if samples is None:
        return
    original = samples.original
    report.facts["rows"] = {name: len(split) for name, split in original.splits.items()}
    report.facts["notes"] = list(original.notes)
    yield Step("looking for samples that stand in two parts", 0, None, "samples")
    found, report.facts["leaks"] = leaks(original)
    report.problems += found
    if original.classes:
        found, report.facts["balance"] = imbalance(original)
        report.problems += found
    if model is None or loss is None:
        return
    yield Step("trying one batch", 0, None, "batches")
    begun = False
    with report.stage("data.text.vectors", "mend what the model starts from"):
        facts = yield from prepare.initialise(recipe, model, samples, folder, start)
        if facts is not None:
            report.facts["vocabulary"] = facts.to_plain()
        begun = True
    if begun:
        with report.stage("data", "mend data.augment, data.transform or the model"):
            _check_model(recipe, model, loss, samples, report)


def _check_model(
    recipe: Recipe, model: nn.Module, loss: Any, samples: Samples, report: Report
) -> None:
    """Try one batch forward and backward, from the first failure that hides others to the last."""
    device = samples.batches.device
    model = model.to(device)
    loss = loss.to(device) if isinstance(loss, nn.Module) else loss
    batch = samples.batches.batch(recipe.seed, 0, 0)
    report.facts["batch"] = list(batch.x.shape)
    with autocast(device, recipe.precision):
        report.problems += _check_forward(model, prepare.trial_batches(recipe, samples))
    if not report.ok:
        return
    train = samples.dataset.train
    with torch.no_grad(), autocast(device, recipe.precision):
        output = model(batch.x.clone()).float()
    report.problems += check_targets(loss, output, train.y)
    if not report.ok:
        return
    target = None
    with report.stage("model", "give the model an output for each class or number to predict"):
        samples.task.check_output(output, batch.y)
        targets = samples.task.target(train.y, output[:1].expand(len(train), *output.shape[1:]))
        x = batch.x.clone()
        report.problems += check_ending(model, loss, x, targets, precision=recipe.precision)
        check_loss(loss, samples.task, output, train.y)
        target = samples.task.target(batch.y, output)
        found, facts = check_first_loss(loss, output, target)
        report.problems += found
        report.problems += check_stochastic_loss(loss, output, target)
        report.facts |= facts
    if target is None:
        return
    parts = None
    with report.stage("recipe", "mend what is named"):
        parts = prepare.assemble(recipe, model, loss, samples, None)
    if parts is None:
        return
    report.problems += check_gradients(model, lambda: _loss(parts, batch))
    if not any(f.where == "model" and f.severity == "error" for f in report.problems):
        with report.stage("optimizer", "mend the optimizer, or its arguments"):
            report.facts |= _cost(recipe, parts)


def _check_forward(model: nn.Module, tried: Sequence[torch.Tensor]) -> list[Finding]:
    """Run the model on some inputs; tell of rows on the largest of them."""
    largest = max(tried, key=len)
    try:
        for x in tried:
            output = dry_run(model, x.clone())  # also gives lazy layers their sizes
    except LayerError as error:
        return check_rows(model, largest) or [as_finding(error)]  # which tells of other sizes too
    if not output.is_floating_point():
        kind = str(output.dtype).removeprefix("torch.")
        message = f"the model must return floating-point numbers, got {kind}"
        fix = "return logits or numbers that gradients reach, without argmax or a comparison"
        return [Finding("error", "model", message, fix)]
    return check_rows(model, largest)


def _loss(parts: prepare.Parts, batch: Batch) -> torch.Tensor:
    objective = parts.objective
    with autocast(parts.samples.batches.device, objective.precision):
        output = objective.model(batch.x.clone())
        return objective.loss(output, objective.task.target(batch.y, output))


def _cost(recipe: Recipe, parts: prepare.Parts) -> dict[str, Any]:
    """Estimate seconds and bytes of the whole run from some of its steps."""
    batches, evaluator = parts.samples.batches, parts.evaluator
    stepper, parameters = Stepper(parts.train.optimizer), list(parts.train.model.parameters())

    def step(number: int) -> None:
        batch = batches.batch(recipe.seed, 0, number % batches.steps)

        def gradients() -> Any:
            for parameter in parameters:
                parameter.grad = None
            return parts.objective.backward(batch)

        stepper.step(gradients)

    splits = parts.samples.dataset.splits
    size = evaluator.prepared.batch_size
    calls = {name: math.ceil(len(split) / size) for name, split in splits.items()}
    often = sum(calls.values())
    for name, every in (
        ("validation", parts.evaluations.validation),
        ("test", parts.evaluations.test),
    ):
        often += calls[name] * (parts.steps // every) if every else 0
    rows = torch.arange(min(size, len(splits["train"])))
    return estimate(
        step,
        model=parts.train.model,
        optimizer=parts.train.optimizer,
        steps=parts.steps,
        steps_per_epoch=batches.steps,
        evaluate=lambda: evaluator.outputs(splits["train"].x.rows(rows), "train"),
        evaluations=often,
        data_bytes=parts.samples.dataset.nbytes,
    )
