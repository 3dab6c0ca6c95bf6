"""Combine the verifications of several laboratories into one verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from papertrial.claims.verdict import Verdict
from papertrial.errors import RunError
from papertrial.numbers import plural
from papertrial.report.report_files import write_report
from papertrial.store.answers import CombineAnswer
from papertrial.store.laboratory_folders import (
    COMBINATION,
    LABORATORIES,
    LABS,
    SENT,
    CombinationFolder,
    LabsFolder,
    combination_folders,
)
from papertrial.store.laboratory_records import CombinationState, Laboratories
from papertrial.store.provenance import command_line, utc_now
from papertrial.store.run_folder import check_writable
from papertrial.store.verification_folder import REPORT_HTML
from papertrial.store.verification_records import ClaimLine
from papertrial.verification.combination_report import combination_report
from papertrial.verification.decide_together import Together, decide_together
from papertrial.verification.laboratory import Laboratory


@dataclass(frozen=True)
class Combination:
    """The verdict from several laboratories, and where everything behind it is kept."""

    path: Path
    recipe: str
    verdict: Verdict
    registration: str | None
    seeds: tuple[int, ...]
    claims: tuple[ClaimLine, ...]
    laboratories: Laboratories
    report: Path
    headline: str = field(repr=False)
    warnings: tuple[str, ...] = field(repr=False, default=())
    deviations: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the values that `papertrial combine --json` prints."""
        return CombineAnswer(
            recipe=self.recipe,
            verdict=self.verdict,
            report=str(self.report),
            verification=str(self.path),
            preregistration=self.registration,
            seeds=self.seeds,
            claims=self.claims,
            headline=self.headline,
            deviations=self.deviations,
            laboratories=self.laboratories,
            warnings=self.warnings,
        ).to_plain()


def combine(
    laboratories: Sequence[str | Path],
    *,
    runs: str | Path = "runs",
    registration: str | Path | None = None,
    without: Sequence[int] = (),
    data: str | Path | None = None,
) -> Combination:
    """Return the `Combination` of verifications of one recipe with disjoint seeds.

    Nothing is trained. Laboratories that were registered together count in the registered order;
    others in the order of their registrations.

    Args:
        laboratories: for each, the folder of its verification, or one that contains exactly one.
        runs: folder for the result.
        registration: labs.json of laboratories that were registered together; None to look for it.
        without: numbers of registered laboratories that are left out, which the verdict says.
        data: data folder, from which mistakes are shown if the runs are here.

    Raises:
        RunError: they cannot be combined; the message names the folders and what differs.
        ClaimError: the registered way to combine does not suit the laboratories.
    """
    root = Path(runs)
    given = None if registration is None else Path(registration)
    made = decide_together([Path(path) for path in laboratories], root, given, without)
    recipe = made.labs[0].registered.recipe
    check_writable(root / recipe)
    digest = hashlib.sha256("".join(lab.sha256 for lab in made.labs).encode()).hexdigest()
    before = list(_other_combinations(root, recipe, made))
    folder = CombinationFolder.new(root, recipe, digest)
    _copy(folder, made.labs, made.common)
    report = combination_report(folder.path, made, data, before)
    write_report(folder.path, report)
    state = CombinationState(
        recipe=recipe,
        combined=utc_now(),
        command=command_line(),
        laboratories=made.found,
        seeds=tuple(outcome.seed for outcome in made.look.outcomes),
        verdict=made.conclusion.verdict,
        deviations=report.deviations,
        headline=made.conclusion.headline,
        claims=made.conclusion.lines,
    )
    folder.write_record(COMBINATION, state)
    return Combination(
        path=folder.path,
        recipe=recipe,
        verdict=state.verdict,
        registration=made.found.registration,
        seeds=state.seeds,
        claims=state.claims,
        laboratories=made.found,
        report=folder.path / REPORT_HTML,
        headline=state.headline,
        warnings=report.warnings,
        deviations=state.deviations,
    )


def _other_combinations(root: Path, recipe: str, made: Together) -> Iterator[str]:
    """Yield a warning for each earlier verdict from these laboratories on other seeds."""
    ours = {lab.sha256 for lab in made.labs}
    seeds = {outcome.seed for outcome in made.look.outcomes}
    for folder in combination_folders(root, recipe):
        try:
            state = folder.state
        except RunError:  # damaged, so that nothing is known
            continue
        lines = state.laboratories.lines
        if set(state.seeds) != seeds and ours & {line.preregistration for line in lines}:
            yield (
                f"another look: {folder.path} combined {plural(len(state.seeds), 'seed')} of these "
                f"laboratories before ({state.verdict}); the bound on errors is for one look"
            )


def _copy(folder: CombinationFolder, labs: Sequence[Laboratory], common: LabsFolder | None) -> None:
    """Copy what the verdict rests on, so that it can be combined again."""
    for number, lab in enumerate(labs, 1):
        for name in SENT:
            if (lab.path / name).is_file():
                folder.write(f"{LABORATORIES}/{number}/{name}", lab.folder.read(name))
    if common is not None:
        folder.write(LABS, common.read(LABS))
