"""Audit a verification: does its folder agree with itself, and can a seed be reproduced?"""

from __future__ import annotations

import secrets
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from papertrial.auditing.audit_combination import audit_combination
from papertrial.auditing.check_files import check_files
from papertrial.auditing.check_folds import check_folds
from papertrial.auditing.check_order import check_order, check_proofs
from papertrial.auditing.check_pages import check_pages
from papertrial.auditing.check_predictions import check_predictions
from papertrial.auditing.check_programs import (
    check_program_runs,
    check_program_scores,
    find_program_runs,
)
from papertrial.auditing.check_registration import (
    check_registered_recipe,
    check_registered_seeds,
    check_registration_bytes,
)
from papertrial.auditing.check_report import check_report
from papertrial.auditing.check_runs import check_runs, find_runs
from papertrial.auditing.check_scores import check_scores
from papertrial.auditing.check_verdicts import check_unused_seeds, check_verdicts, decide_again
from papertrial.auditing.check_weights import check_weight_shapes, check_weights
from papertrial.auditing.finding import Finding, noted
from papertrial.auditing.recorded import Recorded
from papertrial.auditing.retrain import train_again
from papertrial.auditing.run_again import run_again
from papertrial.auditing.seed_run import SeedRun
from papertrial.errors import DeviceError, PapertrialError, RunError
from papertrial.progress import Step, finish
from papertrial.store.answers import AuditAnswer
from papertrial.store.laboratory_folders import COMBINATION, CombinationFolder
from papertrial.store.verification_folder import VerificationFolder
from papertrial.training.device import kind_of, on_device

_NO_SEED = "no seed ended, so none is evaluated or trained again"

__all__ = ["Audit", "Finding", "audit", "auditing"]


@dataclass(frozen=True)
class Audit:
    """What an audit found; `seed` is the one that was evaluated and trained again, or None."""

    path: Path
    seed: int | None
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the audit found no difference."""
        return all(finding.ok for finding in self.findings)

    @property
    def differences(self) -> tuple[Finding, ...]:
        """The findings of the audit on what differs."""
        return tuple(finding for finding in self.findings if not finding.ok)

    def to_json(self) -> dict[str, object]:
        """Return the audit as `papertrial audit --json` prints it."""
        return AuditAnswer(
            verification=str(self.path),
            ok=self.ok,
            seed=self.seed,
            findings=tuple(finding.as_line for finding in self.findings),
        ).to_plain()


def audit(
    path: str | Path,
    *,
    seed: int | None = None,
    retrain: bool = True,
    data: str | Path | None = None,
    device: str = "auto",
) -> Audit:
    """Audit the folder of a verification, train one of its seeds again, and return the findings.

    In the folder of a combined verdict, only the verdict and its report are checked.

    Recomputes scores from the stored predictions, verdicts from the scores, and hashes from the
    files; for one seed also the outputs from its weights, and the weights from its recipe.

    Args:
        path: the verification's folder.
        seed: the seed to train again; None draws one of those that ended.
        retrain: whether to train a seed again.
        data: data folder; None for $PAPERTRIAL_DATA, else the platform's cache folder.
        device: "auto" for the registered kind of device, "cpu", "mps", "cuda" or "cuda:N".

    Raises:
        RunError: there is no such verification, or the seed did not end in it.
        PapertrialError: nothing differs up to the training, but the seed cannot be trained here.
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
    """Audit as `audit` does, yielding progress, and each finding as soon as it is made."""
    kept = _Findings()
    if (Path(path) / COMBINATION).is_file():
        combined = CombinationFolder(Path(path))
        yield from kept.of_check("laboratories", audit_combination(combined))
        return Audit(combined.path, None, tuple(kept.found))
    folder = VerificationFolder.load(Path(path))
    collect = kept.of_check
    try:
        recorded = Recorded.load(folder)
    except PapertrialError as error:
        yield from collect("registration", check_registration_bytes(folder))
        yield from kept.of_damage("registration", error)
        return Audit(folder.path, None, tuple(kept.found))
    chosen = _audited_seed(recorded, seed)
    with on_device(_audit_device(recorded, device), recorded.registered.threads) as where:
        yield from collect("registration", check_registration_bytes(folder))
        yield from collect("recipe", check_registered_recipe(recorded))
        yield from collect("order", check_order(recorded))
        yield from collect("order", check_proofs(recorded))
        yield from collect("seeds", check_registered_seeds(recorded))
        if recorded.registered.is_program:
            sides = list[SeedRun]()
            yield from _programs(recorded, kept)
        else:
            sides, unlike = find_runs(recorded)
            yield from collect("runs", check_runs(recorded, sides, unlike))
            yield from collect("folds", check_folds(sides))
            files = chain(check_files(recorded, sides), check_weight_shapes(sides))
            yield from collect("files", files)
            if recorded.finished:
                yield from collect("weights", check_weights(recorded, sides))
                yield from collect("scores", check_scores(recorded, sides, where))
        # Consequences of an edited score come after it.
        yield from _decisions(recorded, kept, data)
        yield from collect("report", check_pages(recorded))
        if chosen is None:
            yield from collect("retraining", [noted("retraining", _NO_SEED)])
            return Audit(folder.path, None, tuple(kept.found))
        how = "as requested" if seed is not None else "drawn at random from those that ended"
        what = "evaluated and trained again" if retrain else "evaluated again"
        if recorded.registered.is_program:
            what = "run again" if retrain else "checked"
        chose = f"seed {chosen}, {how}, is {what}"
        yield from collect("seeds", [Finding("seeds", True, chose)])
        mine = [side for side in sides if side.seed == chosen]
        if mine:
            yield from collect("predictions", check_predictions(mine, where, data))
        if retrain:
            # If something differs already, a failure to train is one more finding.
            agreed = all(finding.ok for finding in kept.found)
            again = (
                run_again(recorded, chosen, str(where), data)
                if recorded.registered.is_program
                else train_again(recorded, chosen, mine, where, data)
            )
            yield from collect("retraining", again, raising=agreed)
    return Audit(folder.path, chosen, tuple(kept.found))


def _programs(recorded: Recorded, kept: _Findings) -> Iterator[Step | Finding]:
    """Check the runs, files and scores of a program in an audit."""
    ran, unlike = find_program_runs(recorded)
    yield from kept.of_check("runs", check_program_runs(recorded, ran, unlike))
    yield from kept.of_check("files", check_files(recorded, []))
    if recorded.finished:
        yield from kept.of_check("scores", check_program_scores(recorded, ran))


def _decisions(
    recorded: Recorded, kept: _Findings, data: str | Path | None
) -> Iterator[Step | Finding]:
    """Decide again in an audit, and compare the verdicts and the report."""
    try:
        look = decide_again(recorded)
    except PapertrialError as error:  # the stored predictions of a claim about new samples
        yield from kept.of_damage("verdicts", error)
        return
    yield from kept.of_check("seeds", check_unused_seeds(recorded, look))
    yield from kept.of_check("verdicts", check_verdicts(recorded, look, data))
    if all(finding.ok for finding in kept.found):  # else the earlier findings explain it
        yield from kept.of_check("report", check_report(recorded, look, data))


class _Findings:
    """The findings of an audit so far.

    Attributes:
        found: the findings, in the order in which they were made.
    """

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def of_check(
        self, check: str, events: Iterable[Step | Finding], *, raising: bool = False
    ) -> Iterator[Step | Finding]:
        """Keep the findings of a check of the audit; a file that it cannot read is a difference."""
        try:
            for one in events:
                if isinstance(one, Finding):
                    self.found.append(one)
                yield one
        except PapertrialError as error:
            if raising:
                raise
            yield from self.of_damage(check, error)

    def of_damage(self, check: str, error: PapertrialError) -> Iterator[Finding]:
        """Make a finding of a file that cannot be read, once; several checks read the same one."""
        if str(error) not in [one.message for one in self.found]:
            self.found.append(Finding(check, False, str(error)))
            yield self.found[-1]


def _audited_seed(recorded: Recorded, seed: int | None) -> int | None:
    """Return the seed to audit: the requested one, else a random one that ended, or None.

    Raises:
        RunError: the requested seed did not end in this verification.
    """
    if seed is None:
        # Diverged seeds too: one may be recorded so because its score was unwelcome.
        drawn = sorted(o.seed for o in recorded.outcomes if o.state != "crashed")
        return secrets.choice(drawn) if drawn else None
    ended = sorted({outcome.seed for outcome in recorded.outcomes})
    if seed not in ended:
        listed = ", ".join(map(str, ended)) or "none"
        raise RunError(f"seed {seed} is not in this verification; those that ended: {listed}")
    return seed


def _audit_device(recorded: Recorded, device: str) -> str:
    """Return the device of an audit: as requested; for "auto", of the registered kind if known."""
    if device != "auto":
        return device
    try:
        return kind_of(recorded.registered.device)
    except DeviceError:
        return device
