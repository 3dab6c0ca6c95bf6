"""Other verifications that trained the same seeds: whose scores were seen before this verdict.

A changed tolerance is another rule, registered at another time, but the seeds give the same scores
again. Whoever changes the rule until it confirms looks at these scores more than once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.errors import RunError
from papertrial.store.verification_folder import VerificationFolder, all_verification_folders
from papertrial.store.verification_records import EarlierLook, SeedRecord, Terms

# What decides a verdict, besides the claims, the seeds and their scores.
_RULE = (
    "method", "alpha", "statistic", "prior", "first_look", "horizon", "max_diverged", "sd",
)  # fmt: skip
_SEEDS, _SCORES = "seeds", "scores"


@dataclass(frozen=True)
class _Look:
    """A rule, and how its seeds ended."""

    terms: Terms
    ended: dict[int, SeedRecord]

    def differs(self, other: _Look) -> tuple[str, ...]:
        """Name what of the other's rule and seeds is not as here; empty for the same look."""
        mine, theirs = _claims(self.terms), _claims(other.terms)
        found = [] if mine == theirs else ["claims"]
        if found and _without_tolerances(mine) == _without_tolerances(theirs):
            found = ["tolerance"]
        found += [
            key.replace("_", " ")
            for key in _RULE
            if getattr(self.terms, key, None) != getattr(other.terms, key, None)
        ]
        if self.terms.seeds != other.terms.seeds:
            found.append(_SEEDS)
        both = self.ended.keys() & other.ended.keys()
        if any(_result(self.ended[seed]) != _result(other.ended[seed]) for seed in both):
            found.append(_SCORES)
        return tuple(found)

    def repeats(self, other: _Look) -> bool:
        """Tell whether both together have no higher probability of an error than one of them.

        The same rule on the same scores gives the same verdict. Without a fixed horizon, a larger
        maximum is the same trial gone further, because its bound holds for any number of seeds.
        """
        differs = self.differs(other)
        if differs == (_SEEDS,) and self.terms.horizon == "anytime":
            return all(a == b for a, b in zip(self.terms.seeds, other.terms.seeds, strict=False))
        return not differs


def find_earlier_looks(
    root: Path, terms: Terms, this: VerificationFolder | None
) -> tuple[EarlierLook, ...]:
    """Return the other verifications below `root` in which registered seeds have ended.

    They train the same as this one on our side, or on both sides; names of recipes do not matter.
    Damaged verifications are skipped: the report lists them among its attempts.

    Args:
        root: the folder of runs.
        terms: what this verification registers.
        this: its folder; None if it is not written yet.

    Raises:
        RunError: the folder of this verification is damaged.
    """
    mine = _Look(terms, {} if this is None else _ended(this.outcomes()))
    counted, found = [mine], list[EarlierLook]()
    for folder, other in _others(root, this):
        shared = tuple(seed for seed in terms.seeds if seed in other.ended)
        if not (shared and shares_training(terms, other.terms)):
            continue
        counts = not any(other.repeats(look) for look in counted)
        counted += [other] if counts else []
        found.append(
            EarlierLook(
                verification=f"{folder.path.parent.name}/{folder.path.name}",
                preregistration=folder.sha256,
                seeds=shared,
                alpha=other.terms.alpha,
                differs=mine.differs(other),
                counts=counts,
            )
        )
    return tuple(found)


def add_earlier_looks(
    known: Sequence[EarlierLook], found: Sequence[EarlierLook]
) -> tuple[EarlierLook, ...]:
    """Return the earlier looks that are found now, and those known before that are gone since."""
    names = {look.verification for look in found}
    return (*(look for look in known if look.verification not in names), *found)


def shares_training(terms: Terms, other: Terms) -> bool:
    """Tell whether two registrations train the same: our side, or all sides in another order."""
    return terms.training_hash == other.training_hash or set(terms.digests) <= set(other.digests)


def differing_parts(terms: Terms, other: Terms) -> tuple[str, ...]:
    """Name what of another registration is not as in this one: training, claims, seeds, ..."""
    training = () if shares_training(terms, other) else ("training",)
    return (*training, *_Look(terms, {}).differs(_Look(other, {})))


def _others(
    root: Path, this: VerificationFolder | None
) -> Iterator[tuple[VerificationFolder, _Look]]:
    seen = set() if this is None else {this.sha256}
    for folder in all_verification_folders(root):
        try:
            if folder.sha256 in seen:  # this one, or a copy
                continue
            seen.add(folder.sha256)
            ended = _ended(folder.outcomes())
            if ended:
                yield folder, _Look(folder.registered.terms, ended)
        except RunError:
            continue


def _claims(terms: Terms) -> tuple[tuple[JudgedClaim, str | None], ...]:
    """Return the claims of a registration, each with the training of its other side."""
    return tuple(
        (claim.judged, None if claim.versus is None else terms.versus[claim.versus])
        for claim in terms.claims
    )


def _without_tolerances(
    claims: Sequence[tuple[JudgedClaim, str | None]],
) -> list[tuple[JudgedClaim, str | None]]:
    return [(replace(claim, tolerance=0.0), side) for claim, side in claims]


def _ended(records: Sequence[SeedRecord]) -> dict[int, SeedRecord]:
    return {record.seed: record for record in records}


def _result(record: SeedRecord) -> tuple[str, str]:
    """Return what must be equal for two trainings of a seed to be the same."""
    return record.state, record.weights
