"""Combine the verifications of several laboratories into one verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from papertrial.claims.laboratories import differences_of_laboratories, judge_laboratories
from papertrial.claims.verdict import Verdict
from papertrial.errors import RunError
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claims import Claim
from papertrial.recipe.rule_warnings import rule_warnings
from papertrial.report.report_files import write_report
from papertrial.store.laboratory_folders import (
    COMBINATION,
    LABORATORIES,
    LABS,
    SENT,
    CombinationFolder,
    LabsFolder,
)
from papertrial.store.laboratory_records import CombinationState, Laboratories
from papertrial.store.provenance import command_line, utc_now
from papertrial.store.run_folder import check_writable
from papertrial.store.verification_folder import REPORT_HTML
from papertrial.store.verification_records import (
    ClaimLine,
    EarlierLook,
    Preregistration,
    without_other_side,
)
from papertrial.verification.check_laboratories import check_same, check_together, combine_of
from papertrial.verification.claim_results import conclude
from papertrial.verification.combination_report import combination_report
from papertrial.verification.combination_results import (
    difference_record,
    exact_results,
    laboratory_line,
    marks_on,
    with_laboratories,
)
from papertrial.verification.find_labs import find_labs
from papertrial.verification.laboratory import Laboratory, open_laboratory
from papertrial.verification.registration import Registration

_OTHER_SIDE = "the other side"  # for the path of a copy, which says nothing


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
        return {
            "recipe": self.recipe,
            "verdict": self.verdict,
            "report": str(self.report),
            "verification": str(self.path),
            "preregistration": self.registration,
            "seeds": list(self.seeds),
            "claims": [claim.to_plain() for claim in self.claims],
            "headline": self.headline,
            "deviations": list(self.deviations),
            "laboratories": self.laboratories.to_plain(),
        }


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
    labs = [open_laboratory(Path(path)) for path in laboratories]
    if len(labs) < 2:
        raise RunError(f"at least two laboratories are needed, got {len(labs)}")
    check_same(labs)
    common = find_labs(labs, root, None if registration is None else Path(registration))
    labs = _in_order(labs)
    check_together(labs, None if common is None else common.registration, without)
    registered = _registered(labs, common)
    asked, mode = _registration(registered, labs[0]), combine_of(labs[0].registered)
    outcomes = [lab.outcomes for lab in labs]
    look = judge_laboratories(asked.rule, outcomes, mode)
    found = Laboratories(
        combine=mode,
        registration=None if common is None else common.sha256,
        of=len(labs) if common is None else len(common.registration.laboratories),
        without=tuple(sorted(set(without))),
        lines=tuple(laboratory_line(_name(lab, i), lab) for i, lab in enumerate(labs, 1)),
        differences=tuple(
            map(difference_record, differences_of_laboratories(asked.rule, outcomes))
        ),
    )
    exact = exact_results(labs, asked.exact)
    conclusion = conclude(labs[0].recipe, asked, look, exact, _earlier(labs))
    marks = marks_on(labs, found.of, found.without)
    conclusion = with_laboratories(conclusion, labs, asked.rule, look, mode, marks)
    check_writable(root / registered.recipe)
    digest = hashlib.sha256("".join(lab.sha256 for lab in labs).encode()).hexdigest()
    folder = CombinationFolder.new(root, registered.recipe, digest)
    _copy(folder, labs, common)
    report = combination_report(folder.path, labs, found, common, asked, look, conclusion, data)
    write_report(folder.path, report)
    state = CombinationState(
        recipe=registered.recipe,
        combined=utc_now(),
        command=command_line(),
        laboratories=found,
        seeds=tuple(outcome.seed for outcome in look.outcomes),
        verdict=conclusion.verdict,
        deviations=report.deviations,
        headline=conclusion.headline,
        claims=conclusion.lines,
    )
    folder.write_record(COMBINATION, state)
    return Combination(
        path=folder.path,
        recipe=state.recipe,
        verdict=state.verdict,
        registration=found.registration,
        seeds=state.seeds,
        claims=state.claims,
        laboratories=found,
        report=folder.path / REPORT_HTML,
        headline=state.headline,
        warnings=report.warnings,
        deviations=state.deviations,
    )


def _in_order(labs: Sequence[Laboratory]) -> list[Laboratory]:
    """Return laboratories in the order in which their seeds count."""
    return sorted(
        labs,
        key=lambda lab: (
            0 if lab.part is None else lab.part.number,
            lab.registered.registered,
            lab.sha256,
        ),
    )


def _name(lab: Laboratory, place: int) -> str:
    return f"laboratory {place if lab.part is None else lab.part.number}"


def _registered(labs: Sequence[Laboratory], common: LabsFolder | None) -> Preregistration:
    """Return the common registration, or that of laboratories apart with the seeds of all."""
    if common is not None:
        return common.registration.registered
    seeds = tuple(seed for lab in labs for seed in lab.rule.seeds)
    changed = {"seeds": seeds, "maximum": len(seeds), "seeds_from": None}
    return labs[0].registered.model_copy(update=changed)


def _registration(registered: Preregistration, first: Laboratory) -> Registration:
    """Return what a registration fixed, with the claims in the words of a recipe."""
    judged = [c for c in first.recipe.claims if c.not_judged is None and c.kind != "exact"]
    stated = [claim.stated for claim in registered.claims]
    if [without_other_side(claim) for claim in judged] == stated:
        stated = list(map(_without_path, judged))
    found = Registration(
        rule=registered.rule,
        stated=tuple(stated),
        exact=registered.exact,
        not_judged=registered.not_judged,
        versus=(),
        arms=tuple(claim.versus for claim in registered.claims),
        terms=registered.terms,
        warnings=(*claim_warnings(first.recipe), *rule_warnings(first.recipe)),
        failure=registered.diverged,
    )
    return found.on_data(registered)


def _without_path(claim: Claim) -> Claim:
    """Return a claim whose other side is not named by the path of a copy."""
    if claim.versus is None or claim.versus.recipe is None:
        return claim
    versus = claim.versus.model_copy(update={"recipe": _OTHER_SIDE})
    return claim.model_copy(update={"versus": versus})


def _earlier(labs: Sequence[Laboratory]) -> tuple[EarlierLook, ...]:
    """Return the earlier looks at the seeds of laboratories, each verification once."""
    ours = {lab.sha256 for lab in labs}
    looks = {
        look.preregistration: look
        for lab in labs
        for look in (() if lab.state is None else lab.state.earlier)
        if look.preregistration not in ours
    }
    return tuple(looks.values())


def _copy(folder: CombinationFolder, labs: Sequence[Laboratory], common: LabsFolder | None) -> None:
    """Copy what the verdict rests on, so that it can be combined again."""
    for number, lab in enumerate(labs, 1):
        for name in SENT:
            if (lab.path / name).is_file():
                folder.write(f"{LABORATORIES}/{number}/{name}", lab.folder.read(name))
    if common is not None:
        folder.write(LABS, common.read(LABS))
