"""Train a seed again, and compare with its record and its runs."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Generator
from pathlib import Path

import torch

from papertrial.auditing.finding import Finding, noted, shortened
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.seed_run import SeedRun
from papertrial.errors import DivergedError
from papertrial.progress import Returning, Step
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.runs.compare_environments import environment_differences
from papertrial.runs.run import load_run
from papertrial.store.run_folder import PREDICTIONS, RECIPE
from papertrial.store.verification_folder import VERSUS
from papertrial.store.verification_records import SeedRecord
from papertrial.verification.registration import Fixed
from papertrial.verification.seed import train_seed
from papertrial.verification.seed_task import SeedTask, TrainedSeed, TrainingPlace
from papertrial.vocabulary import score_name


def train_again(
    recorded: Recorded,
    seed: int,
    sides: list[SeedRun],
    device: torch.device,
    data: str | Path | None,
) -> Generator[Step | Finding, None, None]:
    """Train a seed again as it was registered, and compare weights, predictions and scores.

    Args:
        recorded: the verification.
        seed: one that ended in it.
        sides: its runs; none if it did not finish.
        device: the device to train on.
        data: the data folder.

    Raises:
        PapertrialError: it cannot be trained here, for example because the data are missing.
    """
    record = next(record for record in recorded.records if record.seed == seed)
    with tempfile.TemporaryDirectory(prefix="papertrial-audit-") as name:
        home, fixed = Path(name), list[Fixed]()
        for i, original in enumerate(recorded.homes()):
            # Claims do not change the training, and a recipe that one names may not be here.
            recipe = load_recipe(original / RECIPE, ["claims=[]"], check=False)
            to = home / VERSUS / str(i - 1) if i else home
            to.mkdir(parents=True, exist_ok=True)
            fixed.append(Fixed.of(recipe))  # other checks tell whether it was registered
            (to / RECIPE).write_text(to_yaml(recipe), encoding="utf-8")
        task = SeedTask(home, seed, recorded.wanted, tuple(fixed))
        place = TrainingPlace(
            str(device), recorded.registered.threads, None if data is None else str(data)
        )
        try:
            again = yield from _training(task, place)
        except DivergedError as error:
            same = record.state == "diverged"
            how = "diverged again" if same else f"diverges, but is recorded as {record.state}"
            yield Finding("retraining", same, f"seed {seed} {how}: {error}")
            return
        scores = shortened(again.scores)
        if record.state == "crashed":  # perhaps through a failure of the machine
            message = f"seed {seed}, whose process died twice, finishes here with the scores"
            yield noted("retraining", f"{message} {scores}")
            return
        if record.state != "finished":
            message = f"seed {seed} finishes with the scores {scores}, but is recorded as"
            yield Finding("retraining", False, f"{message} {record.state}")
            return
        yield _compared(recorded, record, again, sides, home)


def _training(task: SeedTask, place: TrainingPlace) -> Generator[Step, None, TrainedSeed]:
    with Returning(train_seed(task, place)) as positions:
        for position in positions:
            versus = f", {position.part}" if position.part else ""
            what = f"training seed {task.seed} again{versus}"
            yield Step(what, position.done, position.total, "steps")
    return positions.value


def _compared(
    recorded: Recorded, record: SeedRecord, again: TrainedSeed, sides: list[SeedRun], home: Path
) -> Finding:
    """Compare a seed that was trained again with its record and its runs."""
    seed, unlike, other = record.seed, list[str](), list[str]()
    if again.weights != record.weights:
        unlike.append("weights")
    if again.scores != record.scores:
        unlike.append("scores")
    for side in sides:
        run = load_run(home / again.runs[side.arm])
        then, now = side.provenance, SeedRun(seed, side.arm, run).provenance
        other += environment_differences(then.environment, now.environment)
        unlike += [
            f"{PREDICTIONS}/{split}"
            for new, old in zip(run.models, side.run.models, strict=True)
            for split in new.metrics
            if _digest_of_predictions(new.path, split) != _digest_of_predictions(old.path, split)
        ]
    if not unlike:
        message = f"seed {seed} trained again: same weights, bit for bit; same predictions, scores"
        return Finding("retraining", True, message)
    changed = ", ".join(dict.fromkeys(unlike))
    if not other:
        rule = f"seed {seed}, trained again on a machine like the first, gives other {changed}"
        return Finding("retraining", False, rule)
    apart = _untolerated_scores(recorded, record, again)
    where = f"seed {seed} trained again gives other {changed} ({'; '.join(dict.fromkeys(other))})"
    if apart:
        return Finding("retraining", False, f"{where}; and {'; '.join(apart)}")
    return noted("retraining", f"{where}; its scores lie within the claims' tolerances")


def _untolerated_scores(recorded: Recorded, record: SeedRecord, again: TrainedSeed) -> list[str]:
    """Say which scores of the retrained seed lie further from the recorded ones than tolerated."""
    return [
        f"{score_name(claim.split, claim.metric)} is {now}, recorded is {had}, tolerance "
        f"{claim.tolerance:g}"
        for claim, pair, new in zip(recorded.rule.claims, record.scores, again.scores, strict=True)
        for had, now in zip(pair, new, strict=True)
        if abs(had - now) > claim.tolerance
    ]


def _digest_of_predictions(run: Path, split: str) -> str:
    path = run / PREDICTIONS / f"{split}.safetensors"
    return hashlib.sha256(path.read_bytes() if path.is_file() else b"").hexdigest()
