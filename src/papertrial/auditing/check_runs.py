"""Checks of the runs of the seeds: where they come from, their weights, their scores."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from papertrial.auditing.finding import Finding, differing, noted, shown
from papertrial.auditing.record import Kept
from papertrial.errors import DivergedError, PapertrialError
from papertrial.evaluate.evaluator import stream_of
from papertrial.evaluate.metrics import compute
from papertrial.progress import Step
from papertrial.recipe.digest import training_hash
from papertrial.report.run_results import provenance, stored, task_of
from papertrial.runs.build import build_loss
from papertrial.runs.run import Run, load_run
from papertrial.store.provenance import environment
from papertrial.store.run_folder import (
    METRICS,
    PREDICTIONS,
    RECORDS,
    WEIGHTS,
    RunFolder,
)
from papertrial.store.run_records import Environment, EvaluationLine, Provenance
from papertrial.store.verification_folder import OUTCOMES, SEEDS
from papertrial.training.device import machine
from papertrial.verification.seed import score

# Relative: with the same libraries on the same machine the same sums come out; elsewhere a float32
# loss is summed in another order. What is counted must be the same everywhere.
_SAME, _ELSEWHERE = 1e-9, 1e-5
_COUNTED = re.compile(r"accuracy|top\d+_accuracy|confusion_matrix")
_FOLDER = re.compile(r"s(\d+)(-versus\d+)?(-\d+)?")
_MACHINE = ("platform", "machine", "cpus", "cpu_capability", "device_name", "threads")
_UNUSABLE = (RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True)
class Side:
    """A run of a seed: `arm` is 0 for ours, else the number of the other side of a difference."""

    seed: int
    arm: int
    run: Run

    def __str__(self) -> str:
        return f"seed {self.seed}" + (f" (versus {self.arm})" if self.arm else "")

    @property
    def provenance(self) -> Provenance:
        """Where the run came from."""
        return provenance(self.run)


def here(device: torch.device) -> Environment:
    """Return the environment of a run that would start here."""
    return environment(str(device), **machine(device))


def elsewhere(kept: Environment, now: Environment) -> list[str]:
    """Return in words where two environments differ in what the bits may depend on."""

    def named(one: Environment) -> dict[str, object]:
        device = one.device.partition(":")[0]
        return {**one.versions, **{key: getattr(one, key) for key in _MACHINE}, "device": device}

    had, has = named(kept), named(now)
    return [f"{key} {had.get(key)} then, {has[key]} now" for key in has if had.get(key) != has[key]]


def find_runs(kept: Kept) -> tuple[list[Side], list[str]]:
    """Return the runs of every finished seed that can be read, and in words what differs there."""
    messages, sides, places = list[str](), list[Side](), list[Path]()
    for seed, record in kept.finished.items():
        names = record.get("runs")
        if not isinstance(names, list) or len(names) != len(kept.digests):
            messages.append(f"seed {seed}: {OUTCOMES} names the runs {names}")
            continue
        for arm, name in enumerate(names):
            path = (kept.folder.path / str(name)).resolve()
            if path.parent != (kept.folder.path / SEEDS).resolve():
                messages.append(f"seed {seed}: its run {name} does not lie in {SEEDS}")
                continue
            places.append(path)
            try:
                side = Side(seed, arm, load_run(path))
                messages += (f"{side}: {text}" for text in _unlike(kept, side))
            except _UNUSABLE as error:
                messages.append(f"seed {seed}: {_said(error)}")
            else:
                sides.append(side)
    twice = {path.name for path in places if places.count(path) > 1}
    messages += [f"{SEEDS}/{name} is the run of more than one seed" for name in sorted(twice)]
    return sides, messages


def check_runs(kept: Kept, sides: list[Side], unlike: list[str]) -> Iterator[Finding]:
    """See that the runs are those that were registered, on the same data, and that none is hidden.

    Args:
        kept: the verification.
        sides: what `find_runs` found.
        unlike: what differs already.
    """
    messages = [*unlike, *_unlike_data(sides), *_hidden(kept)]
    agrees = f"{len(sides)} runs finished, with the registered recipe, threads and device"
    data = "; the same data and targets" if len(sides) > 1 else ""
    agrees = agrees + data if kept.finished else "no seed finished, and no run of theirs did"
    yield from differing("runs", messages, agrees)
    yield from _unnamed(kept)


def _unlike(kept: Kept, side: Side) -> Iterator[str]:
    """Say in what a run is not the one that was registered."""
    from_, run, digest = side.provenance, side.run, kept.digests[side.arm]
    seeds = [from_.seed, run.recipe.seed, run.summary.seed]
    if seeds != [side.seed] * 3:
        yield f"{run.path.name} is a run of seed {', '.join(map(str, dict.fromkeys(seeds)))}"
    if from_.training_hash != digest:
        yield f"{run.path.name} is a run of another recipe, {from_.training_hash}"
    elif training_hash(run.recipe) != digest:
        yield f"the recipe in {run.path.name} is not the one that its provenance tells of"
    device = from_.environment.device.partition(":")[0]
    for name, now in (("threads", from_.environment.threads), ("device", device)):
        if now != kept.registered[name]:
            yield f"{name} {now}, registered {kept.registered[name]}"
    began = kept.folder.state.get("started")
    if began is not None and from_.started < str(began):
        yield f"it started at {from_.started}, before the registration, {began}"


def _unlike_data(sides: list[Side]) -> Iterator[str]:
    """Say where the data or the targets of a seed are not those of the first one."""
    firsts: dict[int, tuple[Side, Any, dict[str, str]]] = {}
    for side in sides:
        try:
            data = side.provenance.data
            targets = {split: _targets(side.run, split) for split in side.run.metrics}
        except _UNUSABLE as error:
            yield f"{side}: {_said(error)}"
            continue
        first, had, told = firsts.setdefault(side.arm, (side, data, targets))
        if data != had:
            yield f"{side}: the fingerprints of its data are not those of {first}"
        for split, digest in targets.items():
            if digest != told.get(split):
                yield f"{side}: the targets in {PREDICTIONS}/{split} are not those of {first}"


def _targets(run: Run, split: str) -> str:
    kept = stored(run, split)
    bytes_: Any = kept.target.contiguous().view(torch.uint8).numpy()
    digest = hashlib.sha256(f"{kept.target.dtype} {list(kept.target.shape)}".encode())
    digest.update(bytes_)
    digest.update(kept.ids.tobytes())
    return digest.hexdigest()


def _hidden(kept: Kept) -> Iterator[str]:
    """Find seeds told as failed whose runs finished with numbers that could have been used."""
    for outcome in kept.outcomes:
        if outcome.state == "finished":
            continue
        tails = ["", *(f"-versus{arm}" for arm in range(1, len(kept.digests)))]
        found = [_finished(kept, f"s{outcome.seed}{tail}") for tail in tails]
        runs = [run for run in found if run is not None]
        if len(runs) < len(tails):
            if outcome.state == "diverged" and not _failed(kept, outcome.seed):
                yield f"seed {outcome.seed} is told as diverged, but no run in {SEEDS} failed so"
            continue
        try:
            for wanted in kept.wanted:
                for run in (runs[0], *([] if wanted.arm is None else [runs[wanted.arm + 1]])):
                    score(run, wanted)
        except PapertrialError:
            continue
        yield (
            f"seed {outcome.seed} is told as {outcome.state}, but {runs[0].path.name} finished "
            "with all the scores that are claimed of"
        )


def _failed(kept: Kept, seed: int) -> bool:
    """Tell whether a run of this seed, by a registered recipe, is there that failed."""
    for path in (kept.folder.path / SEEDS).glob(f"s{seed}*"):
        try:
            record = RunFolder(path).provenance
            known = record.seed == seed and record.training_hash in kept.digests
            if known and record.state == "failed":
                return True
        except _UNUSABLE:
            continue
    return False


def _finished(kept: Kept, name: str) -> Run | None:
    """Return the finished run of that name, the first attempt or a later one."""
    for path in sorted((kept.folder.path / SEEDS).glob(f"{name}*")):
        if path.name == name or path.name.removeprefix(f"{name}-").isdigit():
            try:
                return load_run(path)
            except _UNUSABLE:
                continue
    return None


def _unnamed(kept: Kept) -> Iterator[Finding]:
    """Tell of finished runs that no record names."""
    named = {Path(str(name)).name for r in kept.records for name in r.get("runs") or ()}
    failed = {outcome.seed for outcome in kept.outcomes if outcome.state != "finished"}
    for path in sorted((kept.folder.path / SEEDS).glob("*")):
        match = _FOLDER.fullmatch(path.name)
        if path.name in named or (match and int(match[1]) in failed):
            continue
        try:
            load_run(path)
        except _UNUSABLE:
            continue  # what a stop left half done
        yield noted(
            "runs",
            f"{SEEDS}/{path.name} finished, but is not in {OUTCOMES}, so nothing is judged by it",
        )


def check_weights(kept: Kept, sides: list[Side]) -> Iterator[Finding]:
    """Compare the weights of each seed with the SHA-256 that outcomes.jsonl has of them."""
    messages = []
    for seed, record in kept.finished.items():
        digest, mine = hashlib.sha256(), [side for side in sides if side.seed == seed]
        for side in mine:
            try:
                digest.update(RunFolder(side.run.path).read(WEIGHTS))
            except PapertrialError as error:
                messages.append(f"{side}: {_said(error)}")
        if len(mine) == len(kept.digests) and digest.hexdigest() != record["weights"]:
            messages.append(
                f"seed {seed}: the SHA-256 of {WEIGHTS} is {digest.hexdigest()}, {OUTCOMES} has "
                f"{record['weights']}: one was changed"
            )
    agrees = f"{WEIGHTS} of {len(kept.finished)} seeds have the SHA-256 on record"
    yield from differing("weights", messages, agrees)


def check_scores(kept: Kept, sides: list[Side], device: torch.device) -> Iterator[Step | Finding]:
    """Compute every metric once more from the stored predictions, and compare."""
    messages, count, now, near = list[str](), 0, here(device), 0.0
    for done, side in enumerate(sides):
        yield Step("computing the scores again", done, len(sides), "runs")
        limit = _ELSEWHERE if elsewhere(side.provenance.environment, now) else _SAME
        near = max(near, limit)
        try:
            anew = _anew(side.run, device)
            messages += (f"{side}, {text}" for text in _claimed(kept, side, anew, limit))
            messages += (f"{side}, {text}" for text in _others(kept, side, anew, limit))
        except _UNUSABLE as error:
            messages.append(f"{side}: its metrics cannot be computed again: {_said(error)}")
            continue
        count += sum(map(len, anew.values()))
    agrees = (
        f"{count} metrics of {len(sides)} runs, computed again from the stored predictions, are "
        f"those of {METRICS} and {OUTCOMES} (counts to the last bit, others to {near:g} relative)"
    )
    yield from differing("scores", messages, agrees)


def _anew(run: Run, device: torch.device) -> dict[str, dict[str, Any]]:
    """Return the metrics by split, from the stored outputs and targets, as the run computed them.

    Raises:
        PapertrialError: predictions are absent or damaged.
    """
    task, loss = task_of(run), build_loss(run.recipe)
    loss = loss.to(device) if isinstance(loss, torch.nn.Module) else loss
    anew = {}
    for split, metrics in run.metrics.items():
        kept = stored(run, split)
        anew[split] = compute(
            list(metrics),
            task,
            kept.output,
            kept.target,
            loss,
            device,
            stream=stream_of(run.recipe.seed, split),
        )
    return anew


def _claimed(
    kept: Kept, side: Side, anew: Mapping[str, Mapping[str, Any]], limit: float
) -> Iterator[str]:
    """Hold each claimed score of a run against the three places that it can be found in."""
    for wanted, told in zip(kept.wanted, kept.finished[side.seed]["scores"], strict=True):
        arm = None if wanted.arm is None else wanted.arm + 1
        if side.arm not in (0, arm):
            continue
        name, metric, split = f"{wanted.split} {wanted.metric}", wanted.metric, wanted.split
        found: dict[str, Any] = {OUTCOMES: float(told[1 if side.arm else 0])}
        try:
            found[RECORDS if wanted.best_epoch else METRICS] = score(side.run, wanted)
        except (DivergedError, PapertrialError) as error:
            yield f"{name}: {_said(error)}"
            continue
        if not wanted.best_epoch:
            found[f"{PREDICTIONS}/{split}.safetensors"] = anew[split][metric]
        values = list(found.values())
        agree = [
            [_near(metric, one, other, limit) for other in values].count(True) for one in values
        ]
        if min(agree) == len(values):
            continue
        listed = ", ".join(f"{value} in {place}" for place, value in found.items())
        alone = [place for place, n in zip(found, agree, strict=True) if n == 1]
        changed = f"; {alone[0]} alone differs" if len(alone) == 1 else ""
        best = " of the best epoch" if wanted.best_epoch else ""
        yield f"{name}{best}: {listed}{changed}"


def _others(
    kept: Kept, side: Side, anew: Mapping[str, Mapping[str, Any]], limit: float
) -> Iterator[str]:
    """Compare the metrics that nothing is claimed of, and the last evaluation in metrics.jsonl."""
    claimed = {(one.split, one.metric) for one in kept.wanted if not one.best_epoch}
    last: dict[str, Any] = {}
    for line in RunFolder(side.run.path).lines():
        if isinstance(line, EvaluationLine):
            last[line.split] = line.metrics
    for split, metrics in side.run.metrics.items():
        for name, value in metrics.items():
            again = anew[split][name]
            if (split, name) not in claimed and not _near(name, value, again, limit):
                place = f"{PREDICTIONS}/{split}.safetensors"
                yield f"{split} {name}: {shown(value)} in {METRICS}, {shown(again)} from {place}"
        if last.get(split) != metrics:
            yield f"{split}: the last evaluation in {RECORDS} is not what {METRICS} has"


def _near(name: str, one: Any, other: Any, limit: float) -> bool:
    """Compare two values of a metric: numbers, numbers by class, or a matrix of counts."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            _near(name, one[key], other[key], limit) for key in one
        )
    if _COUNTED.fullmatch(name) or one is None or other is None or isinstance(one, list):
        return bool(one == other)
    return math.isclose(one, other, rel_tol=limit, abs_tol=limit * 1e-3)


def _said(error: BaseException) -> str:
    told = isinstance(error, PapertrialError)
    return str(error) if told else f"damaged: {type(error).__name__}: {error}"
