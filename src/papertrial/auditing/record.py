"""A verification as it lies in its folder: what was registered, and which seeds ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import RunError
from papertrial.store.verification_folder import OUTCOMES, VerificationFolder
from papertrial.verification.pool import outcome_of
from papertrial.verification.registration import rule_of
from papertrial.verification.seed import Wanted


@dataclass(frozen=True)
class Kept:
    """What the files of a verification say.

    Attributes:
        folder: of the verification.
        registered: preregistration.json, and `rule` the rule in it.
        wanted: the score that each claim of the rule is about.
        records: outcomes.jsonl, and `outcomes` what a verdict takes of each, in the same order.
    """

    folder: VerificationFolder
    registered: dict[str, Any]
    rule: Rule
    wanted: tuple[Wanted, ...]
    records: tuple[dict[str, Any], ...]
    outcomes: tuple[SeedOutcome, ...]

    @classmethod
    def load(cls, folder: VerificationFolder) -> Kept:
        """Read the files.

        Raises:
            RunError: a file is damaged, or a record has not a score for each claim.
            ClaimError: the pre-registration holds no rule.
        """
        registered = folder.registered
        rule = rule_of(registered)
        lacking = [
            key for key in ("training_hash", "versus", "files", "device") if key not in registered
        ]
        if lacking:
            raise RunError(f"the pre-registration is damaged: it lacks {', '.join(lacking)}")
        threads = registered.get("threads")
        if not isinstance(threads, int) or threads < 1:
            raise RunError(f"the pre-registration is damaged: {threads!r} threads")
        wanted = tuple(
            Wanted(claim.metric, claim.split, claim.best_epoch_on_test, said.get("versus"))
            for claim, said in zip(rule.claims, registered["claims"], strict=True)
        )
        records = tuple(folder.outcomes())
        outcomes = tuple(outcome_of(record) for record in records)
        for outcome in outcomes:
            _check_scores(outcome, wanted)
        return cls(folder, registered, rule, wanted, records, outcomes)

    @property
    def finished(self) -> dict[int, dict[str, Any]]:
        """The records of the seeds that finished, by seed."""
        return {r["seed"]: r for r in self.records if r["state"] == "finished"}

    @property
    def digests(self) -> list[str]:
        """The registered training hashes: ours, then that of the other side of each difference."""
        return [self.registered["training_hash"], *self.registered["versus"]]

    def homes(self) -> list[Path]:
        """Return the folders that hold the recipes of these sides, in the same order."""
        sides = range(len(self.registered["versus"]))
        return [self.folder.path, *(self.folder.path / "versus" / str(i) for i in sides)]


def _check_scores(outcome: SeedOutcome, wanted: tuple[Wanted, ...]) -> None:
    """Refuse a finished seed that has not a score, or two for a difference, for each claim."""
    needed = [1 if one.arm is None else 2 for one in wanted]
    if outcome.state == "finished" and [len(score) for score in outcome.scores] != needed:
        raise RunError(
            f"{OUTCOMES} is damaged: seed {outcome.seed} has the scores {outcome.scores}, of "
            f"{len(needed)} claims"
        )
