"""Check the runs of the seeds: where they come from, their weights, their scores."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from papertrial.auditing.compare import EXACT, Tolerance, alike
from papertrial.auditing.finding import Finding, differing, noted, shortened
from papertrial.auditing.recorded import Recorded
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
from papertrial.store.run_records import Environment, EvaluationLine, Provenance, SplitData
from papertrial.store.verification_folder import OUTCOMES, SEEDS
from papertrial.training.device import machine
from papertrial.verification.seed import claimed_score
from papertrial.vocabulary import Metrics, MetricValue, SplitMetrics

# Relative. The same libraries on the same machine give the same sums; elsewhere a float32 loss is
# summed in another order. Counts must be the same everywhere.
_SAME, _ELSEWHERE = 1e-9, 1e-5
_COUNTED = re.compile(r"accuracy|top\d+_accuracy|confusion_matrix")
_FOLDER = re.compile(r"s(\d+)(-versus\d+)?(-\d+)?")
_MACHINE = ("platform", "machine", "cpus", "cpu_capability", "device_name", "threads")
_UNUSABLE = (RuntimeError, ValueError, KeyError, TypeError, IndexError, AttributeError)


@dataclass(frozen=True)
class SeedRun:
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


def elsewhere(then: Environment, now: Environment) -> list[str]:
    """Describe how two environments differ in what the bits may depend on."""

    def named(one: Environment) -> dict[str, object]:
        device = one.device.partition(":")[0]
        return {**one.versions, **{key: getattr(one, key) for key in _MACHINE}, "device": device}

    had, has = named(then), named(now)
    return [f"{key} {had.get(key)} then, {has[key]} now" for key in has if had.get(key) != has[key]]


def find_runs(recorded: Recorded) -> tuple[list[SeedRun], list[str]]:
    """Return the runs of finished seeds that can be read, and messages on what differs there."""
    messages, sides, places = list[str](), list[SeedRun](), list[Path]()
    for seed, record in recorded.finished.items():
        if len(record.runs) != len(recorded.digests):
            messages.append(f"seed {seed}: {OUTCOMES} names the runs {list(record.runs)}")
            continue
        for arm, name in enumerate(record.runs):
            path = (recorded.folder.path / name).resolve()
            if path.parent != (recorded.folder.path / SEEDS).resolve():
                messages.append(f"seed {seed}: its run {name} is not in {SEEDS}")
                continue
            places.append(path)
            try:
                side = SeedRun(seed, arm, load_run(path))
                messages += (f"{side}: {text}" for text in _unlike(recorded, side))
            except _UNUSABLE as error:
                messages.append(f"seed {seed}: {_message(error)}")
            else:
                sides.append(side)
    twice = {path.name for path in places if places.count(path) > 1}
    messages += [f"{SEEDS}/{name} is the run of more than one seed" for name in sorted(twice)]
    return sides, messages


def check_runs(recorded: Recorded, sides: list[SeedRun], unlike: list[str]) -> Iterator[Finding]:
    """See that the runs are those that were registered, on the same data, and that none is hidden.

    Args:
        recorded: the verification.
        sides: what `find_runs` found.
        unlike: what differs already.
    """
    messages = [*unlike, *_unlike_data(sides), *_hidden(recorded)]
    agrees = f"{len(sides)} runs finished, with the registered recipe, threads and device"
    data = "; the same data and targets" if len(sides) > 1 else ""
    agrees = agrees + data if recorded.finished else "no seed finished, and no run did"
    yield from differing("runs", messages, agrees)
    yield from _unnamed(recorded)


def _unlike(recorded: Recorded, side: SeedRun) -> Iterator[str]:
    """Say how a run differs from the one that was registered."""
    from_, run, digest = side.provenance, side.run, recorded.digests[side.arm]
    seeds = [from_.seed, run.recipe.seed, run.summary.seed]
    if seeds != [side.seed] * 3:
        yield f"{run.path.name} is a run of seed {', '.join(map(str, dict.fromkeys(seeds)))}"
    if from_.training_hash != digest:
        yield f"{run.path.name} is a run of another recipe, {from_.training_hash}"
    elif training_hash(run.recipe) != digest:
        yield f"the recipe in {run.path.name} is not the one that its provenance names"
    device = from_.environment.device.partition(":")[0]
    given = recorded.registered
    if from_.environment.threads != given.threads:
        yield f"threads {from_.environment.threads}, registered {given.threads}"
    if device != given.device:
        yield f"device {device}, registered {given.device}"
    if recorded.state is not None and from_.started < recorded.state.started:
        began = recorded.state.started
        yield f"it started at {from_.started}, before the registration, {began}"


def _unlike_data(sides: list[SeedRun]) -> Iterator[str]:
    """Say where the data or the targets of a seed are not those of the first one."""
    firsts: dict[int, tuple[SeedRun, dict[str, SplitData], dict[str, str]]] = {}
    for side in sides:
        try:
            data = side.provenance.data
            targets = {split: _targets(side.run, split) for split in side.run.metrics}
        except _UNUSABLE as error:
            yield f"{side}: {_message(error)}"
            continue
        first, had, digests = firsts.setdefault(side.arm, (side, data, targets))
        if data != had:
            yield f"{side}: the fingerprints of its data are not those of {first}"
        for split, digest in targets.items():
            if digest != digests.get(split):
                yield f"{side}: the targets in {PREDICTIONS}/{split} are not those of {first}"


def _targets(run: Run, split: str) -> str:
    kept = stored(run, split)
    digest = hashlib.sha256(f"{kept.target.dtype} {list(kept.target.shape)}".encode())
    digest.update(kept.target.contiguous().view(torch.uint8).numpy().tobytes())
    digest.update(kept.ids.tobytes())
    return digest.hexdigest()


def _hidden(recorded: Recorded) -> Iterator[str]:
    """Find seeds recorded as failed whose runs finished with scores that could have been used."""
    for outcome in recorded.outcomes:
        if outcome.state == "finished":
            continue
        tails = ["", *(f"-versus{arm}" for arm in range(1, len(recorded.digests)))]
        found = [_finished(recorded, f"s{outcome.seed}{tail}") for tail in tails]
        runs = [run for run in found if run is not None]
        if len(runs) < len(tails):
            if outcome.state == "diverged" and not _failed(recorded, outcome.seed):
                yield f"seed {outcome.seed} is recorded as diverged, but no run in {SEEDS} failed"
            continue
        try:
            for wanted in recorded.wanted:
                for run in (runs[0], *([] if wanted.arm is None else [runs[wanted.arm + 1]])):
                    claimed_score(run, wanted)
        except PapertrialError:
            continue
        yield (
            f"seed {outcome.seed} is recorded as {outcome.state}, but {runs[0].path.name} finished "
            "with all the scores that the claims are about"
        )


def _failed(recorded: Recorded, seed: int) -> bool:
    """Tell whether a run of this seed, by a registered recipe, failed."""
    for path in (recorded.folder.path / SEEDS).glob(f"s{seed}*"):
        try:
            record = RunFolder(path).provenance
            known = record.seed == seed and record.training_hash in recorded.digests
            if known and record.state == "failed":
                return True
        except _UNUSABLE:
            continue
    return False


def _finished(recorded: Recorded, name: str) -> Run | None:
    """Return the finished run of a seed, of the first attempt or a later one; or None."""
    for path in sorted((recorded.folder.path / SEEDS).glob(f"{name}*")):
        if path.name == name or path.name.removeprefix(f"{name}-").isdigit():
            try:
                return load_run(path)
            except _UNUSABLE:
                continue
    return None


def _unnamed(recorded: Recorded) -> Iterator[Finding]:
    """Note finished runs that no record names."""
    named = {Path(name).name for record in recorded.records for name in record.runs}
    failed = {outcome.seed for outcome in recorded.outcomes if outcome.state != "finished"}
    for path in sorted((recorded.folder.path / SEEDS).glob("*")):
        match = _FOLDER.fullmatch(path.name)
        if path.name in named or (match and int(match[1]) in failed):
            continue
        try:
            load_run(path)
        except _UNUSABLE:
            continue  # left unfinished by a stop
        yield noted(
            "runs",
            f"{SEEDS}/{path.name} finished, but is not in {OUTCOMES}, so no verdict rests on it",
        )


def check_weights(recorded: Recorded, sides: list[SeedRun]) -> Iterator[Finding]:
    """Compare the weights of each seed with their SHA-256 in outcomes.jsonl."""
    messages = []
    for seed, record in recorded.finished.items():
        digest, mine = hashlib.sha256(), [side for side in sides if side.seed == seed]
        for side in mine:
            try:
                digest.update(RunFolder(side.run.path).read(WEIGHTS))
            except PapertrialError as error:
                messages.append(f"{side}: {_message(error)}")
        if len(mine) == len(recorded.digests) and digest.hexdigest() != record.weights:
            messages.append(
                f"seed {seed}: the SHA-256 of {WEIGHTS} is {digest.hexdigest()}, {OUTCOMES} has "
                f"{record.weights}: one was changed"
            )
    agrees = f"{WEIGHTS} of {len(recorded.finished)} seeds have the recorded SHA-256"
    yield from differing("weights", messages, agrees)


def check_scores(
    recorded: Recorded, sides: list[SeedRun], device: torch.device
) -> Iterator[Step | Finding]:
    """Compute every metric again from the stored predictions, and compare."""
    messages, count, now, near = list[str](), 0, here(device), 0.0
    for done, side in enumerate(sides):
        yield Step("computing the scores again", done, len(sides), "runs")
        limit = _ELSEWHERE if elsewhere(side.provenance.environment, now) else _SAME
        near = max(near, limit)
        try:
            again = _computed_again(side.run, device)
            messages += (f"{side}, {text}" for text in _claimed(recorded, side, again, limit))
            messages += (f"{side}, {text}" for text in _others(recorded, side, again, limit))
        except _UNUSABLE as error:
            messages.append(f"{side}: its metrics cannot be computed again: {_message(error)}")
            continue
        count += sum(map(len, again.values()))
    agrees = (
        f"{count} metrics of {len(sides)} runs, computed again from the stored predictions, are "
        f"those of {METRICS} and {OUTCOMES} (counts to the last bit, others to {near:g} relative)"
    )
    yield from differing("scores", messages, agrees)


def _computed_again(run: Run, device: torch.device) -> SplitMetrics:
    """Return the metrics by split, from the stored outputs and targets, as the run computed them.

    Raises:
        PapertrialError: predictions are absent or damaged.
    """
    task, loss = task_of(run), build_loss(run.recipe)
    loss = loss.to(device) if isinstance(loss, torch.nn.Module) else loss
    again = {}
    for split, metrics in run.metrics.items():
        kept = stored(run, split)
        again[split] = compute(
            list(metrics),
            task,
            kept.output,
            kept.target,
            loss,
            device,
            stream=stream_of(run.recipe.seed, split),
        )
    return again


def _claimed(recorded: Recorded, side: SeedRun, again: SplitMetrics, limit: float) -> Iterator[str]:
    """Compare each claimed score of a run in the three files that have it."""
    for wanted, scores in zip(recorded.wanted, recorded.finished[side.seed].scores, strict=True):
        arm = None if wanted.arm is None else wanted.arm + 1
        if side.arm not in (0, arm):
            continue
        name, metric, split = f"{wanted.split} {wanted.metric}", wanted.metric, wanted.split
        found: dict[str, MetricValue] = {OUTCOMES: scores[1 if side.arm else 0]}
        try:
            found[RECORDS if wanted.best_epoch else METRICS] = claimed_score(side.run, wanted)
        except (DivergedError, PapertrialError) as error:
            yield f"{name}: {_message(error)}"
            continue
        if not wanted.best_epoch:
            found[f"{PREDICTIONS}/{split}.safetensors"] = again[split][metric]
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


def _others(recorded: Recorded, side: SeedRun, again: SplitMetrics, limit: float) -> Iterator[str]:
    """Compare the metrics without a claim, and the last evaluation in metrics.jsonl."""
    claimed = {(one.split, one.metric) for one in recorded.wanted if not one.best_epoch}
    last: dict[str, Metrics] = {}
    for line in RunFolder(side.run.path).lines():
        if isinstance(line, EvaluationLine):
            last[line.split] = line.metrics
    for split, metrics in side.run.metrics.items():
        for name, value in metrics.items():
            now = again[split][name]
            if (split, name) not in claimed and not _near(name, value, now, limit):
                had, place = (
                    f"{shortened(value)} in {METRICS}",
                    f"{PREDICTIONS}/{split}.safetensors",
                )
                yield f"{split} {name}: {had}, {shortened(now)} from {place}"
        if last.get(split) != metrics:
            yield f"{split}: the last evaluation in {RECORDS} is not what {METRICS} has"


def _near(name: str, one: MetricValue, other: MetricValue, limit: float) -> bool:
    """Compare two values of a metric; counts must be equal."""
    near = EXACT if _COUNTED.fullmatch(name) else Tolerance(limit, limit * 1e-3)
    return alike(one, other, near)


def _message(error: BaseException) -> str:
    expected = isinstance(error, PapertrialError)
    return str(error) if expected else f"damaged: {type(error).__name__}: {error}"
