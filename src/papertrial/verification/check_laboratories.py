"""Whether laboratories may be combined: one set-up, one rule, disjoint seeds, and none left out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from papertrial.claims.rule import Combine
from papertrial.errors import RunError
from papertrial.numbers import plural, sequence
from papertrial.store.laboratory_records import LabsRegistration
from papertrial.store.verification_records import Preregistration, Terms
from papertrial.verification.conditions import Conditions
from papertrial.verification.differing_terms import differing_values, shortened
from papertrial.verification.laboratory import Laboratory

# Seeds differ, and with them the hash of the recipe; threads and the device are hardware.
_MAY_DIFFER = {
    "recipe_hash", "threads", "device", "seeds", "seeds_from", "maximum", "labs",
}  # fmt: skip
_TRAINING = ("training_hash", "versus", "files")


def combine_of(terms: Terms) -> Combine:
    """Return how a registration says that laboratories are combined."""
    return "same-setup" if terms.labs is None else terms.labs.combine


def check_same(labs: Sequence[Laboratory]) -> None:
    """Check that laboratories verified the same claims of the same recipe, with other seeds.

    Raises:
        RunError: they did not; the message names the folders and what differs.
    """
    for one, other in combinations(labs, 2):
        if one.path.resolve() == other.path.resolve():
            raise RunError(f"{one.path} is given twice; give each laboratory once")
        if one.sha256 == other.sha256:
            raise RunError(
                f"{one.path} and {other.path} are the same verification (SHA-256 of its "
                f"registration {one.sha256[:12]}); give each laboratory once"
            )
    first, *others = labs
    for lab in others:
        check_same_terms(first.registered, str(first.path), lab.registered, str(lab.path))
        if lab.recipe.deviations != first.recipe.deviations:
            raise RunError(
                f"{first.path} and {lab.path} cannot be combined: the recipes name other deviations"
            )
    for one, other in combinations(labs, 2):
        shared = sorted(set(one.rule.seeds) & set(other.rule.seeds))
        if shared:
            raise RunError(
                f"{one.path} and {other.path} have the same seeds, {sequence(shared)}, which would "
                "count twice; laboratories need disjoint seeds: `papertrial register --labs` hands "
                "them out"
            )


def check_same_terms(had: Preregistration, where: str, has: Preregistration, there: str) -> None:
    """Check that two registrations fix the same, apart from the seeds and the hardware.

    Raises:
        RunError: they do not; the message names each difference.
    """
    head = f"{where} and {there} cannot be combined"
    if had.recipe != has.recipe:
        raise RunError(f"{head}: they are verifications of {had.recipe} and of {has.recipe}")
    one, other = had.terms.to_plain(), has.terms.to_plain()
    if any(one[name] != other[name] for name in _TRAINING):
        files = [
            f"{name.split('.', 2)[-1]} has the SHA-256 {shortened(mine)} and {shortened(theirs)}"
            for name, mine, theirs in differing_values("files", one["files"], other["files"])
        ]
        why = "; ".join(files) or "a setting of the model, the data or the training differs"
        raise RunError(f"{head}: the recipes train differently (another training hash): {why}")
    found = [
        f"{key} is {shortened(mine)} and {shortened(theirs)}"
        for name in one
        if name not in (*_MAY_DIFFER, *_TRAINING)
        for key, mine, theirs in differing_values(name, one[name], other[name])
    ]
    if combine_of(had) != combine_of(has):
        found.append(f"verify.labs.combine is {combine_of(had)} and {combine_of(has)}")
    if found:
        raise RunError(f"{head}: they registered other claims or another rule: {'; '.join(found)}")
    unlike = Conditions.of(had).without_machine.differences(Conditions.of(has).without_machine)
    if unlike:
        raise RunError(
            f"{head}: {plural(len(unlike), 'difference')} in the code or the data of the second "
            f"laboratory: {'; '.join(unlike)}"
        )


def check_together(
    labs: Sequence[Laboratory], registration: LabsRegistration | None, without: Sequence[int]
) -> None:
    """Check that all laboratories that were registered are here, with the seeds handed out.

    Args:
        labs: the laboratories, in order.
        registration: labs.json; None if they were not registered together.
        without: numbers of laboratories that are left out on purpose.

    Raises:
        RunError: they are not.
    """
    if registration is None:
        _check_apart(labs, without)
    else:
        _check_registered(labs, registration, without)
    for lab in labs:
        if not lab.outcomes:
            number = (
                "" if lab.part is None else f", or leave it out with --without {lab.part.number}"
            )
            raise RunError(
                f"{lab.path} has no seed that ended in the registered order; resume it with "
                f"`papertrial verify`{number}"
            )


def _check_apart(labs: Sequence[Laboratory], without: Sequence[int]) -> None:
    if without:
        raise RunError(
            "--without is for laboratories that were registered together; give only the folders "
            "to combine"
        )
    if labs[0].rule.horizon == "fixed":
        raise RunError(
            "verify.horizon: fixed does not allow more seeds than were registered, so laboratories "
            "that were registered apart cannot be combined; register them with --labs"
        )


def _check_registered(
    labs: Sequence[Laboratory], registration: LabsRegistration, without: Sequence[int]
) -> None:
    of = len(registration.laboratories)
    unknown = [number for number in without if not 1 <= number <= of]
    if unknown:
        raise RunError(f"--without {unknown[0]}: there are laboratories 1 to {of}")
    here = dict[int, Laboratory]()
    for lab in labs:
        assert lab.part is not None, "all are parts of one registration"
        number = lab.part.number
        if number in here:
            raise RunError(
                f"{here[number].path} and {lab.path} are both laboratory {number}; each has one "
                "verification: give the one that started first"
            )
        here[number] = lab
        common = registration.registered
        check_same_terms(common, "labs.json", lab.registered, str(lab.path))
        seeds = registration.laboratories[number - 1] if number <= of else ()
        if lab.rule.seeds != seeds:
            raise RunError(
                f"{lab.path} registered the seeds {sequence(lab.rule.seeds)}, but labs.json hands "
                f"out {sequence(seeds)} to laboratory {number}"
            )
    given = [number for number in without if number in here]
    if given:
        raise RunError(f"--without {given[0]}: its folder is given, {here[given[0]].path}")
    missing = [n for n in range(1, of + 1) if n not in here and n not in without]
    if missing:
        leave = " ".join(f"--without {number}" for number in missing)
        raise RunError(
            f"laboratory {sequence(missing)} of {of} is not here; give its folder, because leaving "
            f"out one by its scores would break the bound on errors; {leave} combines the others "
            "and marks the verdict"
        )
