"""One laboratory of a combined verdict: what its verification records, checked by itself.

Nothing but preregistration.json, outcomes.jsonl, verification.json and recipe.yaml is needed;
claims about new samples also take the stored predictions of the runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.claims.rule import Rule
from papertrial.claims.run_trial import Look, replay_trial
from papertrial.claims.seed_outcome import SeedOutcome
from papertrial.claims.verdict import Verdict, overall
from papertrial.errors import PapertrialError, RunError
from papertrial.recipe.digest import recipe_hash
from papertrial.recipe.load import load_recipe
from papertrial.recipe.schema import AnyRecipe
from papertrial.record import finite_or_none
from papertrial.store.registered_labs import RegisteredPart
from papertrial.store.run_folder import RECIPE, RunFolder
from papertrial.store.verification_folder import (
    OUTCOMES,
    PREREGISTRATION,
    SEEDS,
    VERIFICATION,
    VerificationFolder,
)
from papertrial.store.verification_records import (
    ClaimLine,
    Preregistration,
    SeedRecord,
    VerificationState,
)
from papertrial.verification.conditions import Conditions, check_same_conditions
from papertrial.verification.registration import rule_of, wanted_of
from papertrial.verification.sample_results import outcome_of
from papertrial.vocabulary import score_name

_DEPTH = 3  # of a verification below a folder of runs, and below a laboratory's folder
_AUDIT = "`papertrial audit` of that folder tells more"


@dataclass(frozen=True)
class Laboratory:
    """What the verification of one laboratory records.

    Attributes:
        folder: of the verification; `sha256` is that of its preregistration.json.
        registered: preregistration.json.
        rule: by which it decides alone, with the seeds of this laboratory.
        state: verification.json; None if it has not started.
        records: of the seeds that ended.
        look: the last look at its seeds alone, which are the seeds that count.
        recipe: recipe.yaml.
        is_recipe_checked: whether that is the registered one; without its code, only what the
            registration holds of it is.
    """

    folder: VerificationFolder
    sha256: str
    registered: Preregistration
    rule: Rule
    state: VerificationState | None
    records: tuple[SeedRecord, ...]
    look: Look
    recipe: AnyRecipe
    is_recipe_checked: bool

    @property
    def path(self) -> Path:
        """The folder of the verification."""
        return self.folder.path

    @property
    def part(self) -> RegisteredPart | None:
        """Which laboratory of a common registration it is; None if it was registered alone."""
        return None if self.registered.labs is None else self.registered.labs.part

    @property
    def outcomes(self) -> tuple[SeedOutcome, ...]:
        """How the seeds that count ended, in the registered order."""
        return self.look.outcomes

    @property
    def used(self) -> tuple[SeedRecord, ...]:
        """The records of the seeds that count, in the registered order."""
        records = {record.seed: record for record in self.records}
        return tuple(records[outcome.seed] for outcome in self.outcomes)

    @property
    def exact(self) -> tuple[ClaimLine, ...]:
        """What it counted for claims on numbers of parameters and samples; () if unfinished."""
        lines = () if self.state is None else self.state.claims or ()
        return tuple(line for line in lines if line.kind == "exact" and line.verdict is not None)

    @property
    def verdict(self) -> Verdict:
        """The verdict of its seeds alone, on the claims that seeds decide and on the exact ones."""
        return _verdict(self.look, self.exact)

    @property
    def is_finished(self) -> bool:
        """Whether its verification ended by itself, and not by an interrupt or an error."""
        return self.state is not None and self.state.state == "finished"

    def hardware(self) -> tuple[str, ...]:
        """Return device, CPU and machine of the runs; () if they are not here."""
        found = dict[str, None]()
        for run in (name for record in self.used for name in record.runs):
            try:
                on = RunFolder(self.path / run).provenance.environment
            except RunError:
                continue
            named = (on.device_name or on.device.partition(":")[0], on.cpu_capability, on.machine)
            found[", ".join(filter(None, named))] = None
        return tuple(found)

    def has_runs(self) -> bool:
        """Return whether the runs of all seeds that finished are here."""
        finished = [record for record in self.used if record.state == "finished"]
        return all((self.path / name).is_dir() for record in finished for name in record.runs)


def open_laboratory(path: Path) -> Laboratory:
    """Open the verification of a laboratory, and check that its records agree with each other.

    Args:
        path: its folder, or one that contains exactly one verification that has started.

    Raises:
        RunError: there is no verification or more than one, its registration was edited, or its
            records are damaged.
        ClaimError: its rule is that of another version of papertrial.
    """
    folder = VerificationFolder.load(_find(path))
    sha256, registered, state = folder.sha256, folder.registered, folder.state
    _check_digests(folder, sha256)
    rule, records = rule_of(registered), tuple(folder.outcomes())
    _check_records(folder, registered, rule, records)
    if records and state is None:
        raise RunError(f"{folder.path} has {OUTCOMES}, but {VERIFICATION} is missing; add it")
    look = replay_trial(rule, _outcomes(folder, registered, records))
    recipe = load_recipe(folder.path / RECIPE, check=False)
    is_checked = _check_recipe(folder, registered, recipe)
    lab = Laboratory(folder, sha256, registered, rule, state, records, look, recipe, is_checked)
    _check_verdict(lab)
    return lab


def _find(path: Path) -> Path:
    """Return the folder of the one verification in a folder."""
    if (path / PREREGISTRATION).is_file():
        return path
    if not path.is_dir():
        raise RunError(f"there is no folder {path}; give the folder of a verification")
    found = [
        file.parent
        for depth in range(1, _DEPTH + 1)
        for file in sorted(path.glob(f"{'*/' * depth}{PREREGISTRATION}"))
    ]
    started = [one for one in found if (one / VERIFICATION).is_file()] or found
    if not started:
        raise RunError(
            f"{path} has no verification: there is no {PREREGISTRATION} in it; give the folder of "
            "a verification, or of the runs of one laboratory"
        )
    if len(started) > 1:
        raise RunError(
            f"{path} has {len(started)} verifications: {', '.join(map(str, started))}; give the "
            "folder of one"
        )
    return started[0]


def _check_digests(folder: VerificationFolder, sha256: str) -> None:
    unlike = [
        f"{place} has {digest[:12] or 'none'}"
        for place, digest in folder.recorded_digests().items()
        if not (digest and sha256.startswith(digest))
    ]
    if unlike:
        raise RunError(
            f"{folder.path / PREREGISTRATION} was edited after it was registered: its SHA-256 is "
            f"{sha256[:12]}, {'; '.join(unlike)}; restore it; {_AUDIT}"
        )


def _check_records(
    folder: VerificationFolder,
    registered: Preregistration,
    rule: Rule,
    records: Sequence[SeedRecord],
) -> None:
    """Check that records are those of different registered seeds, under registered conditions."""
    file, seen = folder.path / OUTCOMES, set[int]()
    for record in records:
        if record.seed not in rule.seeds or record.seed in seen:
            why = "is in it twice" if record.seed in seen else "is not a registered seed"
            raise RunError(f"{file} is damaged: seed {record.seed} {why}; {_AUDIT}")
        seen.add(record.seed)
        if not record.outcome.fits(rule.claims):
            raise RunError(
                f"{file} is damaged: the scores of seed {record.seed} do not fit the claims; "
                f"{_AUDIT}"
            )
        if record.state == "finished":
            sides = len(registered.data)
            if len(record.data) != sides or len(record.runs) != sides:
                raise RunError(f"{file} is damaged: seed {record.seed} has other sides; {_AUDIT}")
            check_same_conditions(
                registered, Conditions.of(record), f"seed {record.seed} of {folder.path}"
            )


def _outcomes(
    folder: VerificationFolder, registered: Preregistration, records: Sequence[SeedRecord]
) -> list[SeedOutcome]:
    """Return the outcomes of records, with what each sample scored for claims that need it."""
    wanted = wanted_of(registered)
    try:
        return [outcome_of(folder.path, record, wanted) for record in records]
    except RunError as error:
        raise RunError(
            f"a claim about new samples needs the stored predictions of each seed: {error}; send "
            f"the folder {SEEDS}/ of {folder.path} too"
        ) from error


def _check_recipe(
    folder: VerificationFolder, registered: Preregistration, recipe: AnyRecipe
) -> bool:
    """Check recipe.yaml against its hash; return whether the files that this takes are here.

    Raises:
        RunError: it is not the recipe that was registered.
    """
    try:
        digest = recipe_hash(recipe)
    except PapertrialError:  # its code was not sent
        digest = None
    same = recipe.name == registered.recipe and digest in (None, registered.recipe_hash)
    if not same:
        raise RunError(
            f"{folder.path / RECIPE} is not the recipe that was registered; restore it; {_AUDIT}"
        )
    return digest is not None


def _check_verdict(lab: Laboratory) -> None:
    """Check that a finished verification stores the verdict and numbers that its scores give."""
    state = lab.state
    if state is None or not lab.is_finished:
        return
    seeds = tuple(outcome.seed for outcome in lab.outcomes)
    if state.seeds != seeds or state.verdict != lab.verdict:
        raise RunError(
            f"{lab.path / VERIFICATION} says {state.verdict} on the seeds {state.seeds}, but "
            f"{OUTCOMES} gives {lab.verdict} on {seeds}; one of them was edited or damaged; "
            f"{_AUDIT}"
        )
    for line, ruling in zip(state.claims or (), lab.look.rulings, strict=False):
        for name in ("mean", "sd", "low", "high"):
            stored, now = getattr(line, name), finite_or_none(getattr(ruling, name))
            if not _near(stored, now):
                raise RunError(
                    f"{lab.path / VERIFICATION} says that the {name} of "
                    f"{score_name(line.split, line.metric)} is {stored}, but {OUTCOMES} gives "
                    f"{now}; one of them was edited or damaged; {_AUDIT}"
                )


def _near(stored: float | None, now: float | None) -> bool:
    """Whether two numbers of a claim differ by no more than rounding on another machine."""
    if stored is None or now is None:
        return stored is now
    return math.isclose(stored, now, rel_tol=1e-6, abs_tol=1e-12)


def _verdict(look: Look, exact: Sequence[ClaimLine]) -> Verdict:
    verdicts = [ruling.verdict for ruling in look.rulings]
    return overall([*verdicts, *(line.verdict for line in exact if line.verdict is not None)])
