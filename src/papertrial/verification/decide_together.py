"""Decide the claims of several laboratories together; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from papertrial.claims.laboratories import differences_of_laboratories, judge_laboratories
from papertrial.claims.run_trial import Look
from papertrial.errors import RunError
from papertrial.judging.conclusion import Conclusion
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claims import Claim
from papertrial.recipe.rule_warnings import rule_warnings
from papertrial.store.laboratory_folders import LabsFolder
from papertrial.store.laboratory_records import Laboratories
from papertrial.store.new_samples import NewSamples
from papertrial.store.verification_records import (
    EarlierLook,
    Preregistration,
    without_other_side,
)
from papertrial.verification.check_laboratories import check_same, check_together, combine_of
from papertrial.verification.claim_results import conclude
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
from papertrial.verification.sample_results import describe_new_samples

_OTHER_SIDE = "the other side"  # for the path of a copy, which says nothing


@dataclass(frozen=True)
class Together:
    """What several laboratories come to.

    Attributes:
        labs: the laboratories, in the order in which their seeds count.
        common: their common registration; None if they were registered apart.
        asked: what was registered, with the seeds of all.
        look: at all seeds.
        found: what is reported about the laboratories.
        conclusion: the results and the verdict.
    """

    labs: tuple[Laboratory, ...]
    common: LabsFolder | None
    asked: Registration
    look: Look
    found: Laboratories
    conclusion: Conclusion


def decide_together(
    paths: Sequence[Path], root: Path, given: Path | None, without: Sequence[int]
) -> Together:
    """Decide the claims of several laboratories.

    Args:
        paths: of the folders, as `combine` takes them.
        root: the folder of runs, in which a common registration is looked for.
        given: labs.json; None to look for it.
        without: numbers of registered laboratories that are left out.

    Raises:
        RunError, ClaimError: as `combine`.
    """
    labs = [open_laboratory(path) for path in paths]
    if len(labs) < 2:
        raise RunError(f"at least two laboratories are needed, got {len(labs)}")
    check_same(labs)
    common = find_labs(labs, root, given)
    labs = _in_order(labs)
    check_together(labs, None if common is None else common.registration, without)
    registered = _registered(labs, common)
    asked, mode = _registration(registered, labs[0]), combine_of(labs[0].registered)
    outcomes = [lab.outcomes for lab in labs]
    look = judge_laboratories(asked.rule, outcomes, mode)
    differences = differences_of_laboratories(asked.rule, outcomes)
    found = Laboratories(
        combine=mode,
        registration=None if common is None else common.sha256,
        of=len(labs) if common is None else len(common.registration.laboratories),
        without=tuple(sorted(set(without))),
        lines=tuple(laboratory_line(_name(lab, i), lab) for i, lab in enumerate(labs, 1)),
        differences=tuple(map(difference_record, differences)),
    )
    exact = exact_results(labs, asked.exact)
    new_samples = _new_samples(labs, registered, asked, look) if mode == "same-setup" else ()
    conclusion = conclude(labs[0].recipe, asked, look, exact, _earlier(labs), new_samples)
    marks = marks_on(labs, found.of, found.without)
    conclusion = with_laboratories(conclusion, labs, asked.rule, look, mode, marks)
    return Together(tuple(labs), common, asked, look, found, conclusion)


def _new_samples(
    labs: Sequence[Laboratory], registered: Preregistration, asked: Registration, look: Look
) -> tuple[NewSamples | None, ...]:
    """Return our scores on new samples, as `describe_new_samples`; () unless all runs are here."""
    if not all(lab.has_runs() for lab in labs):
        return ()
    runs = {seed: places for lab in labs for seed, places in lab.folder.runs_of_seeds().items()}
    return describe_new_samples(runs, registered, asked, look)


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
