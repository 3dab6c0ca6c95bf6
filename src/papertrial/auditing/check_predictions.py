"""Evaluate the stored weights of a seed on the data, and compare with its predictions."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import torch

from papertrial.auditing.finding import Finding, findings_of, noted
from papertrial.auditing.seed_run import SeedRun
from papertrial.checks.stochastic import check_stochastic
from papertrial.data.files.data_folder import data_folder
from papertrial.data.nested import same_tensors
from papertrial.errors import PapertrialError
from papertrial.progress import Step
from papertrial.report.run_results import read_predictions
from papertrial.runs import prepare
from papertrial.runs.compare_environments import environment_differences, environment_here
from papertrial.runs.init_from import names_file, read_start_run
from papertrial.runs.load_data import Samples, load_whole
from papertrial.store.run_folder import PREDICTIONS, WEIGHTS, RunFolder
from papertrial.training.checkpoint import load_weights

# How far outputs may lie apart, as a share of the largest: here, on another machine, and in bf16.
_HERE, _ELSEWHERE, _COARSE = 1e-6, 1e-3, 5e-2


def check_predictions(
    sides: list[SeedRun], device: torch.device, data: str | Path | None
) -> Generator[Step | Finding, None, None]:
    """Evaluate the stored weights of a seed on the data, and compare with its predictions.

    Args:
        sides: the runs of the seed.
        device: the device to evaluate on.
        data: the data folder.
    """
    messages, exactly, other = list[str](), True, list[str]()
    home, whole = data_folder(data), None
    for side, is_first in ((model, k == 0) for one in sides for k, model in enumerate(one.models)):
        recipe = side.run.recipe
        try:
            # The weights of the run replace those of a file, which may be gone.
            start = None if names_file(recipe) else read_start_run(recipe)
            if is_first:  # the folds of a run cut one set
                whole = yield from load_whole(recipe, home, start)
            parts = yield from prepare.prepare(recipe, home, device, start, whole, load=False)
        except PapertrialError as error:
            yield noted("predictions", f"{side}: not compared with the data: {error}")
            return
        unlike = _unlike_data(side, parts.samples, parts.evaluator.splits)
        messages += (f"{side}: {text}" for text in unlike)
        other = environment_differences(side.provenance.environment, environment_here(device))
        coarse = recipe.precision != "fp32"
        limit = _HERE if not other else _COARSE if coarse else _ELSEWHERE
        try:
            weights = RunFolder(side.run.path).read(WEIGHTS)
            load_weights(parts.train.evaluated, weights, str(side.run.path / WEIGHTS))
            for split in parts.evaluator.splits:
                yield Step(f"evaluating {split}, {side}", 0, None, "samples")
                rows = parts.samples.dataset.splits[split]
                output, had = (
                    parts.evaluator.outputs(rows, split).output,
                    read_predictions(side.run, split).output,
                )
                exactly &= torch.equal(output, had)
                if not _close(output, had, limit):
                    if _draws_elsewhere(side, parts, device):
                        then = side.provenance.environment.device
                        yield noted(
                            "predictions",
                            f"{side}: not compared: the model draws random numbers in evaluation, "
                            f"and {device} draws other ones than {then}",
                        )
                        return
                    messages.append(
                        f"{side}: {WEIGHTS} gives other outputs on {split} than "
                        f"{PREDICTIONS}/{split}.safetensors has"
                    )
        except PapertrialError as error:
            messages.append(f"{side}: {error}")
    how = "bit for bit" if exactly else f"to rounding ({', '.join(other) or 'same machine'})"
    agrees = f"the weights of seed {sides[0].seed} give the stored outputs on the data, {how}"
    yield from findings_of("predictions", messages, agrees)


def _draws_elsewhere(side: SeedRun, parts: prepare.Parts, device: torch.device) -> bool:
    """Tell whether predictions differ because the model draws, on another kind of device."""
    if side.provenance.environment.device.partition(":")[0] == device.type:
        return False
    x = parts.samples.batches.batch(side.seed, 0, 0).x
    return any(found.severity == "warning" for found in check_stochastic(parts.train.evaluated, x))


def _close(output: torch.Tensor, had: torch.Tensor, limit: float) -> bool:
    if output.shape != had.shape:
        return False
    apart, largest = (output.double() - had.double()).abs(), had.double().abs()
    return not output.numel() or bool((apart <= limit * largest.max()).all())


def _unlike_data(side: SeedRun, samples: Samples, evaluated: Sequence[str]) -> Iterator[str]:
    """Say where data, targets or ids are not those of the run and its stored predictions."""
    known = side.provenance.data
    for split, rows in samples.original.splits.items():
        if split not in known or known[split].fingerprint != rows.fingerprint:
            yield f"the {split} data are not those of the run: they have another fingerprint"
            continue
        if split not in evaluated:
            continue
        kept = read_predictions(side.run, split)
        if (
            not same_tensors(kept.target, samples.dataset.splits[split].y)
            or (kept.ids != rows.ids).any()
        ):
            yield f"the targets in {PREDICTIONS}/{split}.safetensors are not those of the data"
