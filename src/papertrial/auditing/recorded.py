"""What the files of a verification record: the registration, the state, and how seeds ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from papertrial.claims.rule import Rule
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.errors import RunError
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.store.run_folder import RECIPE
from papertrial.store.verification_folder import OUTCOMES, VerificationFolder
from papertrial.store.verification_records import Preregistration, SeedRecord, VerificationState
from papertrial.verification.registration import Wanted, rule_of, wanted_of


@dataclass(frozen=True)
class Recorded:
    """What the files of a verification record.

    Attributes:
        folder: of the verification.
        registered: preregistration.json, and `rule` the rule in it.
        state: verification.json; None if it does not exist or cannot be read.
        wanted: the score that each claim of the rule is about.
        records: outcomes.jsonl, and `outcomes` what a verdict takes from each, in the same order.
    """

    folder: VerificationFolder
    registered: Preregistration
    rule: Rule
    state: VerificationState | None
    wanted: tuple[Wanted, ...]
    records: tuple[SeedRecord, ...]
    outcomes: tuple[SeedOutcome, ...]

    @classmethod
    def load(cls, folder: VerificationFolder) -> Recorded:
        """Read what the files of a verification record.

        Raises:
            RunError: a file is damaged, or the scores of a record do not fit the claims.
            ClaimError: the pre-registration holds no valid rule.
        """
        registered = folder.registered
        rule = rule_of(registered)
        records = tuple(folder.outcomes())
        for record in records:
            if not record.outcome.fits(rule.claims):
                raise RunError(
                    f"{OUTCOMES} is damaged: seed {record.seed}, {record.state}, has the scores "
                    f"{record.scores} for {len(rule.claims)} claims"
                )
        wanted = wanted_of(registered)
        outcomes = tuple(record.outcome for record in records)
        try:
            state = folder.state
        except RunError:  # `check_registration_bytes` reports it
            state = None
        return cls(folder, registered, rule, state, wanted, records, outcomes)

    @property
    def is_finished(self) -> bool:
        """Whether verification.json records that it finished, with verdicts and a report."""
        return self.state is not None and self.state.state == "finished"

    @property
    def finished(self) -> dict[int, SeedRecord]:
        """The records in outcomes.jsonl of the seeds that finished, by seed."""
        return {record.seed: record for record in self.records if record.state == "finished"}

    @property
    def digests(self) -> tuple[str, ...]:
        """The training hash of each side that the registration records, ours first."""
        return self.registered.digests

    def recipe(self) -> AnyRecipe:
        """Return the recipe that the verification trained, from its folder."""
        return load_recipe(self.folder.path / RECIPE, check=False)

    def homes(self) -> list[Path]:
        """Return the folder with the recorded recipe of each side, in the same order."""
        return self.folder.homes(len(self.registered.versus))
