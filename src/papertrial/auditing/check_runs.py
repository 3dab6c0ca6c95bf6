"""Check that the runs of the seeds are the registered ones, and that none is hidden."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from papertrial.auditing.finding import Finding, findings_of, noted
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.seed_run import UNREADABLE, SeedRun, why_unreadable
from papertrial.data.column import column_of
from papertrial.errors import PapertrialError
from papertrial.recipe.digest import scoring_hash, training_hash
from papertrial.recipe.load import load_recipe
from papertrial.report.run_results import read_predictions
from papertrial.runs.run import Run, load_run
from papertrial.store.run_folder import PREDICTIONS, RECIPE, RunFolder
from papertrial.store.run_records import SplitData
from papertrial.store.verification_folder import OUTCOMES, SEEDS
from papertrial.verification.conditions import Conditions
from papertrial.verification.seed import claimed_scores

_FOLDER = re.compile(r"s(\d+)(-versus\d+)?(-\d+)?")


def find_runs(recorded: Recorded) -> tuple[list[SeedRun], list[str]]:
    """Return the readable runs of finished seeds, and messages on missing or unregistered runs."""
    messages, sides, places = list[str](), list[SeedRun](), list[Path]()
    scored = list(map(_scoring_hash_in, recorded.homes(), recorded.digests))
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
                messages += (f"{side}: {text}" for text in _unlike_run(recorded, side, scored[arm]))
            except UNREADABLE as error:
                messages.append(f"seed {seed}: {why_unreadable(error)}")
            else:
                sides.append(side)
    twice = {path.name for path in places if places.count(path) > 1}
    messages += [f"{SEEDS}/{name} is the run of more than one seed" for name in sorted(twice)]
    return sides, messages


def check_runs(recorded: Recorded, sides: list[SeedRun], unlike: list[str]) -> Iterator[Finding]:
    """Check that the runs are the registered ones, on the same data, and that none is hidden.

    Args:
        recorded: the verification.
        sides: what `find_runs` found.
        unlike: what differs already.
    """
    messages = [*unlike, *_unlike_run_data(sides), *_hidden_runs(recorded)]
    agrees = f"{len(sides)} runs finished, with the registered recipe, threads and device"
    data = "; the same data and targets" if len(sides) > 1 else ""
    agrees = agrees + data if recorded.finished else "no seed finished, and no run did"
    yield from findings_of("runs", messages, agrees)
    yield from _unrecorded_runs(recorded)


def _scoring_hash_in(home: Path, registered: str) -> str | None:
    """Return the scoring hash of the recipe in a folder; None if it is not the registered one."""
    try:
        recipe = load_recipe(home / RECIPE, check=False)
        return scoring_hash(recipe) if training_hash(recipe) == registered else None
    except PapertrialError:  # `check_registered_recipe` reports both
        return None


def _unlike_run(recorded: Recorded, side: SeedRun, scored: str | None) -> Iterator[str]:
    """Say how the run of a seed differs from the one registered, whose scoring hash is `scored`."""
    from_, run, digest = side.provenance, side.run, recorded.digests[side.arm]
    seeds = [from_.seed, run.recipe.seed, run.summary.seed]
    if seeds != [side.seed] * 3:
        yield f"{run.path.name} is a run of seed {', '.join(map(str, dict.fromkeys(seeds)))}"
    if from_.training_hash != digest:
        yield f"{run.path.name} is a run of another recipe, {from_.training_hash}"
    elif training_hash(run.recipe) != digest:
        yield f"the recipe in {run.path.name} is not the one that its provenance names"
    elif scored is not None and scoring_hash(run.recipe) != scored:
        yield f"the recipe in {run.path.name} evaluates otherwise, or with other metrics"
    device = from_.environment.device.partition(":")[0]
    given = recorded.registered
    if from_.environment.threads != given.threads:
        yield f"threads {from_.environment.threads}, registered {given.threads}"
    if device != given.device:
        yield f"device {device}, registered {given.device}"
    then = Conditions((given.data[side.arm],), given.versions, {})  # packages are of all sides
    data = {split: part.fingerprint for split, part in from_.fixed_data.items()}
    versions = {name: from_.environment.versions.get(name) for name in given.versions}
    yield from then.differences(Conditions((data,), versions, {}))


def _unlike_run_data(sides: list[SeedRun]) -> Iterator[str]:
    """Say where the data or targets of a seed's run are not those of the first run."""
    firsts: dict[int, tuple[SeedRun, dict[str, SplitData], dict[str, str]]] = {}
    for side in sides:
        try:
            data, redrawn = side.provenance.fixed_data, side.provenance.drawn_from is not None
            splits = () if redrawn else side.run.predicted
            targets = {split: _digest_of_targets(side.run, split) for split in splits}
        except UNREADABLE as error:
            yield f"{side}: {why_unreadable(error)}"
            continue
        first, had, digests = firsts.setdefault(side.arm, (side, data, targets))
        if data != had:
            yield f"{side}: the fingerprints of its data are not those of {first}"
        elif not redrawn and set(side.provenance.notes) != set(first.provenance.notes):
            yield f"{side}: what reading its data left out or changed is not that of {first}"
        for split, digest in targets.items():
            if digest != digests.get(split):
                yield f"{side}: the targets in {PREDICTIONS}/{split} are not those of {first}"


def _digest_of_targets(run: Run, split: str) -> str:
    kept = read_predictions(run, split)
    digest = hashlib.sha256(column_of(kept.target).fingerprint.encode())
    digest.update(kept.ids.tobytes())
    return digest.hexdigest()


def _hidden_runs(recorded: Recorded) -> Iterator[str]:
    """Find hidden runs: they finished with all scores, but their seed is recorded as failed."""
    for outcome in recorded.outcomes:
        if outcome.state == "finished":
            continue
        tails = ["", *(f"-versus{arm}" for arm in range(1, len(recorded.digests)))]
        found = [_finished_run(recorded, f"s{outcome.seed}{tail}") for tail in tails]
        runs = [run for run in found if run is not None]
        if len(runs) < len(tails):
            if outcome.state == "diverged" and not _has_failed_run(recorded, outcome.seed):
                yield f"seed {outcome.seed} is recorded as diverged, but no run in {SEEDS} failed"
            continue
        try:
            for wanted in recorded.wanted:
                for run in (runs[0], *([] if wanted.arm is None else [runs[wanted.arm + 1]])):
                    claimed_scores(run, wanted)
        except PapertrialError:
            continue
        yield (
            f"seed {outcome.seed} is recorded as {outcome.state}, but {runs[0].path.name} finished "
            "with all the scores that the claims are about"
        )


def _has_failed_run(recorded: Recorded, seed: int) -> bool:
    """Tell whether a run of the seed, with a registered recipe, failed."""
    for path in (recorded.folder.path / SEEDS).glob(f"s{seed}*"):
        try:
            record = RunFolder(path).provenance
            known = record.seed == seed and record.training_hash in recorded.digests
            if known and record.state == "failed":
                return True
        except UNREADABLE:
            continue
    return False


def _finished_run(recorded: Recorded, name: str) -> Run | None:
    """Return the finished run of a seed, from its first attempt or a later one, or None."""
    for path in sorted((recorded.folder.path / SEEDS).glob(f"{name}*")):
        if path.name == name or path.name.removeprefix(f"{name}-").isdigit():
            try:
                return load_run(path)
            except UNREADABLE:
                continue
    return None


def _unrecorded_runs(recorded: Recorded) -> Iterator[Finding]:
    """Note finished runs that outcomes.jsonl does not name."""
    named = {Path(name).name for record in recorded.records for name in record.runs}
    failed = {outcome.seed for outcome in recorded.outcomes if outcome.state != "finished"}
    for path in sorted((recorded.folder.path / SEEDS).glob("*")):
        match = _FOLDER.fullmatch(path.name)
        if path.name in named or (match and int(match[1]) in failed):
            continue
        try:
            load_run(path)
        except UNREADABLE:
            continue  # left unfinished by a stop
        yield noted(
            "runs",
            f"{SEEDS}/{path.name} finished, but is not in {OUTCOMES}, so no verdict rests on it",
        )
