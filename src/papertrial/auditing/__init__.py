"""A verification audited: does its folder hold what it tells, and does a seed come out again?"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from papertrial.auditing.files import check_files, check_parameters
from papertrial.auditing.finding import Finding, noted
from papertrial.auditing.kept import Kept
from papertrial.auditing.rebuilt import check_rebuilt
from papertrial.auditing.registered import check_bytes, check_recipe, check_seeds, check_unused
from papertrial.auditing.rendered import check_pages
from papertrial.auditing.retrained import check_predictions, train_again
from papertrial.auditing.runs import check_runs, check_scores, check_weights, find_runs
from papertrial.auditing.verdicts import check_verdicts, replay
from papertrial.data.steps import Step, finish
from papertrial.errors import DeviceError, PapertrialError, RunError
from papertrial.runs.verifications import VerificationFolder
from papertrial.training.device import kind_of, on_device

__all__ = ["Audit", "Finding", "audit", "auditing"]


@dataclass(frozen=True)
class Audit:
    """What an audit found; `seed` is the one evaluated and trained again, None where none was."""

    path: Path
    seed: int | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing differs."""
        return all(finding.ok for finding in self.findings)

    @property
    def differences(self) -> tuple[Finding, ...]:
        """What differs."""
        return tuple(finding for finding in self.findings if not finding.ok)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values: what `papertrial audit --json` ends with."""
        return {
            "verification": str(self.path),
            "ok": self.ok,
            "seed": self.seed,
            "findings": [finding.to_json() for finding in self.findings],
        }


def audit(
    path: str | Path,
    *,
    seed: int | None = None,
    retrain: bool = True,
    data: str | Path | None = None,
    device: str = "auto",
) -> Audit:
    """Check a verification's folder against itself, and train one of its seeds again.

    Scores are computed again from the stored predictions, verdicts from the scores, hashes from the
    files; of one seed the outputs from its weights, and the weights from its recipe.

    Args:
        path: the verification's folder.
        seed: the one to train again; None draws one of those that finished.
        retrain: whether a seed is trained again at all.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto" for the kind of device that was registered, "cpu", "mps", "cuda" or "cuda:N".

    Raises:
        RunError: there is no such verification, or the seed did not end in it.
        PapertrialError: nothing differs so far, but the seed cannot be trained here.
    """
    return finish(auditing(path, seed=seed, retrain=retrain, data=data, device=device))


def auditing(
    path: str | Path,
    *,
    seed: int | None = None,
    retrain: bool = True,
    data: str | Path | None = None,
    device: str = "auto",
) -> Generator[Step | Finding, None, Audit]:
    """Do what `audit` does, yielding each finding as it is made, and how far the work is."""
    folder = VerificationFolder.load(Path(path))
    findings: list[Finding] = []

    def kept_of(
        check: str, told: Iterable[Step | Finding], *, raising: bool = False
    ) -> Iterator[Step | Finding]:
        """Keep what a check finds; a file that it cannot read is a difference."""
        try:
            for one in told:
                if isinstance(one, Finding):
                    findings.append(one)
                yield one
        except PapertrialError as error:
            if raising:
                raise
            findings.append(Finding(check, False, str(error)))
            yield findings[-1]

    try:
        kept = Kept.load(folder)
    except PapertrialError as error:
        yield from kept_of("registration", check_bytes(folder))
        yield from kept_of("registration", [Finding("registration", False, str(error))])
        return Audit(folder.path, None, tuple(findings))
    chosen = _choose(kept, seed)
    with on_device(_device(kept, device), kept.registered["threads"]) as where:
        yield from kept_of("registration", check_bytes(folder))
        yield from kept_of("recipe", check_recipe(kept))
        yield from kept_of("seeds", check_seeds(kept))
        sides, unlike = find_runs(kept)
        yield from kept_of("runs", check_runs(kept, sides, unlike))
        yield from kept_of("files", chain(check_files(kept, sides), check_parameters(sides)))
        if kept.finished:
            yield from kept_of("weights", check_weights(kept, sides))
            yield from kept_of("scores", check_scores(kept, sides, where))
        # What follows from an edited score stands after it.
        look = replay(kept)
        yield from kept_of("seeds", check_unused(kept, look))
        yield from kept_of("verdicts", check_verdicts(kept, look, data))
        if all(finding.ok for finding in findings):  # else it differs for what was told before
            yield from kept_of("report", check_rebuilt(kept, look, data))
        yield from kept_of("report", check_pages(kept))
        if chosen is None:
            told = "no seed ended, so none is evaluated or trained again"
            yield from kept_of("retraining", [noted("retraining", told)])
            return Audit(folder.path, None, tuple(findings))
        drawn = "asked for" if seed is not None else "drawn at random from those that ended"
        further = "evaluated and trained" if retrain else "evaluated"
        chose = Finding("seeds", True, f"seed {chosen}, {drawn}, is {further} again")
        yield from kept_of("seeds", [chose])
        mine = [side for side in sides if side.seed == chosen]
        if mine:
            yield from kept_of("predictions", check_predictions(mine, where, data))
        if retrain:
            again = train_again(kept, chosen, mine, where, data)
            agreed = all(finding.ok for finding in findings)
            # Where something differs already, that it cannot be trained is told beside it.
            yield from kept_of("retraining", again, raising=agreed)
    return Audit(folder.path, chosen, tuple(findings))


def _choose(kept: Kept, seed: int | None) -> int | None:
    """Return the seed to look into: the one asked for, else one of the finished, drawn at random.

    Raises:
        RunError: the seed asked for did not end in this verification.
    """
    if seed is None:
        # A seed that is told as diverged may be one whose score was not welcome.
        drawn = sorted(o.seed for o in kept.outcomes if o.state != "crashed")
        return secrets.choice(drawn) if drawn else None
    ended = sorted({outcome.seed for outcome in kept.outcomes})
    if seed not in ended:
        listed = ", ".join(map(str, ended)) or "none"
        raise RunError(f"seed {seed} is not in this verification; those that ended: {listed}")
    return seed


def _device(kept: Kept, device: str) -> str:
    """Return the device asked for; for "auto" one of the kind registered, where there is one."""
    if device != "auto":
        return device
    try:
        return kind_of(kept.registered["device"])
    except DeviceError:
        return device
