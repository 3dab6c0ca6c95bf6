"""Pre-registration: what of a recipe's claims is fixed before the first seed starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from papertrial.claims.describe_rule import rule_lines
from papertrial.claims.labels import label
from papertrial.claims.laboratories import check_combine
from papertrial.claims.reach import Reach
from papertrial.claims.rule import FIRST_LOOK, FIRST_LOOK_OF_KNOWN_SD, METHOD, Rule
from papertrial.claims.trivial import too_fine
from papertrial.errors import ClaimError, RunError
from papertrial.numbers import as_written
from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claim_words import describe
from papertrial.recipe.claims import Claim
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.judged_claim import to_given_sd, to_judged_claim
from papertrial.recipe.portable import portable
from papertrial.recipe.program import ProgramRecipe
from papertrial.recipe.rule_warnings import rule_warnings
from papertrial.recipe.schema import AnyRecipe, Recipe
from papertrial.recipe.verify import DrawnSeeds
from papertrial.recipe.versus import other_side
from papertrial.store.registered_labs import RegisteredLabs, RegisteredPart
from papertrial.store.verification_records import (
    AS_THE_PROGRAM_SAYS,
    Preregistration,
    RegisteredClaim,
    Terms,
    without_other_side,
)
from papertrial.vocabulary import Better, Metric

_LAST_SEED = 2**63 - 1  # a seed is a signed number of 64 bits
_DIVERGED = (
    "a seed is diverged if its loss, an output or a claimed metric is not a finite number, and "
    "crashed if its worker process died twice; the claims are about the seeds that finished"
)
_FAILED = (
    "a seed is diverged if a score is not a finite number, and crashed if the program ended with "
    "an error, a signal or a timeout, or without a score; the claims are about the seeds that "
    "finished"
)
_TRAINING_FAILS = "a loss, an output or a claimed metric is not finite, or if its worker dies twice"
_PROGRAM_FAILS = "the program ends with an error, a signal or a timeout, or without a usable score"
_DETERMINISTIC = (
    "as long as all seeds, two or more, give the same weights, bit for bit, their one score is "
    "compared with the band directly; for a claim about new samples, the interval is compared that "
    "the choice of the test samples leaves"
)
_SEVERAL = "Holm's procedure on 1/max e, separately for REPRODUCED and for NOT REPRODUCED"


@dataclass(frozen=True)
class Registration:
    """What is fixed: the rule, the claims as the recipe states them, and the other sides.

    Attributes:
        rule: how the claims that seeds decide are decided.
        stated: those claims as the recipe states them, in the rule's order.
        exact: claims on the number of parameters or samples, decided without training.
        not_judged: claims whose setting an override changed.
        versus: recipes of the other sides of differences, each once.
        arms: for each claim of the rule the number of its other side in `versus`, or None.
        terms: all of that as preregistration.json holds it.
        warnings: what a reader should know about the claims themselves.
        failure: when a seed has failed, in words.
    """

    rule: Rule
    stated: tuple[Claim, ...]
    exact: tuple[Claim, ...]
    not_judged: tuple[Claim, ...]
    versus: tuple[AnyRecipe, ...]
    arms: tuple[int | None, ...]
    terms: Terms
    warnings: tuple[str, ...]
    failure: str

    def on_data(self, registered: Preregistration) -> Registration:
        """Return this registration with the steps of scores, which the registered data give.

        Tolerances that are finer than a step cause a warning.

        Raises:
            ClaimError: it was registered for another decision method.
        """
        rule = rule_of(registered)
        fine = [
            f"claim {i} ({label(claim)} {as_written(claim.value)}): {why}"
            for i, claim in enumerate(rule.claims, 1)
            if (why := too_fine(claim))
        ]
        return replace(self, rule=rule, warnings=(*self.warnings, *fine))

    @property
    def lines(self) -> list[str]:
        """The registration in words, a line for each part."""
        counted = [f"counted without training: {describe(claim)}" for claim in self.exact]
        left = [f"not judged: {describe(claim)}; {claim.not_judged}" for claim in self.not_judged]
        if not self.stated:  # no seed is trained
            return [*counted, *left]
        texts = [describe(claim) for claim in self.stated]
        rule = rule_lines(self.rule, texts, self.failure)
        text = self.terms.seeds_from
        drawn = [] if text is None else [f"seeds drawn from the text: {text}"]
        return [*rule, *drawn, *_laboratory(self.terms.labs), *counted, *left]


def _laboratory(labs: RegisteredLabs | None) -> list[str]:
    """Describe the laboratory of a registration; nothing if there is only one."""
    if labs is None:
        return []
    if labs.part is None:
        return [f"laboratories: combined as {labs.combine}"]
    return [
        f"laboratories: this is number {labs.part.number} of {labs.part.of}, registered in "
        f"labs.json, SHA-256 {labs.part.registration[:12]}; combined as {labs.combine}"
    ]


def register(recipe: AnyRecipe, *, threads: int, device: str) -> Registration:
    """Register how a recipe's claims will be decided, before the first seed starts.

    Args:
        recipe: a recipe with claims; its section `verify` has the numbers of the rule.
        threads: CPU threads for each seed.
        device: the kind of device, "cpu", "mps" or "cuda".

    Raises:
        ClaimError: there is no claim that can be judged, or no rule has these numbers, or the way
            to combine laboratories does not suit a claim.
        RecipeError: the other side of a difference is not a valid recipe.
    """
    judged = [claim for claim in recipe.claims if claim.not_judged is None]
    not_judged = tuple(claim for claim in recipe.claims if claim.not_judged is not None)
    exact = tuple(claim for claim in judged if claim.kind == "exact")
    stated = tuple(claim for claim in judged if claim.kind != "exact")
    if not judged:
        why = (
            f"its claims are not judged: {not_judged[0].not_judged}; they are about another "
            "setting: write your own recipe (`papertrial show`) with its own claims"
            if not_judged
            else "it has no claims; add `claims:` with a metric, a value and a tolerance"
        )
        raise ClaimError(f"{recipe.name}: there is nothing to verify; {why}")
    versus, arms = _other_sides(recipe, stated)
    asked = recipe.verify
    seeds = seeds_of(recipe)
    first = FIRST_LOOK_OF_KNOWN_SD if asked.sd and asked.sd.needs_no_scores else FIRST_LOOK
    rule = Rule(
        claims=tuple(to_judged_claim(claim, recipe) for claim in stated),
        seeds=tuple(seeds[: asked.max_seeds]),
        alpha=asked.alpha,
        statistic=asked.statistic,
        prior=float(asked.prior),
        sd=to_given_sd(asked.sd, stated),
        first_look=first,
        horizon=asked.horizon,
        max_diverged=asked.max_diverged,
        is_part=asked.labs is not None and asked.labs.part is not None,
    )
    if asked.labs is not None:
        check_combine(rule, asked.labs.combine)
    terms = Terms(
        method=METHOD,
        recipe=recipe.name,
        recipe_hash=recipe_hash(recipe),
        training_hash=training_hash(recipe),
        versus=tuple(training_hash(other) for other in versus),
        files=tuple(_registered_files(side) for side in (recipe, *versus)),
        threads=threads,
        device=device,
        claims=tuple(map(RegisteredClaim.of, rule.claims, stated, arms)),
        exact=tuple(map(without_other_side, exact)),
        not_judged=tuple(map(without_other_side, not_judged)),
        alpha=rule.alpha,
        statistic=rule.statistic,
        prior=rule.prior,
        sd=rule.sd,
        first_look=rule.first_look,
        horizon=rule.horizon,
        max_diverged=rule.max_diverged,
        seeds=rule.seeds,
        seeds_from=asked.seeds.from_ if isinstance(asked.seeds, DrawnSeeds) else None,
        maximum=len(rule.seeds),
        reported_epoch=recipe.report if isinstance(recipe, Recipe) else AS_THE_PROGRAM_SAYS,
        several_claims=_SEVERAL,
        diverged=_FAILED if isinstance(recipe, ProgramRecipe) else _DIVERGED,
        deterministic=_DETERMINISTIC,
        labs=_labs_of(recipe),
    )
    warnings = [*claim_warnings(recipe), *rule_warnings(recipe)]
    if len(seeds) > len(rule.seeds):
        warnings.append(
            f"verify.seeds names {len(seeds)} seeds, of which the first {len(rule.seeds)} may be "
            f"used; set verify.max_seeds={len(seeds)} for all of them"
        )
    failure = _PROGRAM_FAILS if isinstance(recipe, ProgramRecipe) else _TRAINING_FAILS
    return Registration(
        rule, stated, exact, not_judged, versus, arms, terms, tuple(warnings), failure
    )


def seeds_of(recipe: AnyRecipe) -> tuple[int, ...]:
    """Return the seeds to register: those that are listed, drawn, or counted from `seed` on."""
    asked = recipe.verify
    if isinstance(asked.seeds, DrawnSeeds):
        return asked.seeds.drawn
    first = min(recipe.seed, _LAST_SEED - asked.max_seeds + 1)
    return asked.seeds or tuple(range(first, first + asked.max_seeds))


def _labs_of(recipe: AnyRecipe) -> RegisteredLabs | None:
    """Return what is registered of several laboratories."""
    labs = recipe.verify.labs
    if labs is None:
        return None
    part = labs.part
    return RegisteredLabs(
        combine=labs.combine,
        part=None
        if part is None
        else RegisteredPart(number=part.number, of=part.of, registration=part.registration),
    )


def _registered_files(recipe: AnyRecipe) -> dict[str, str]:
    """Return what is registered of the files that a recipe's training reads: SHA-256 by name."""
    return {one.name: one.sha256 for one in portable(recipe).dependencies}


def rule_of(registered: Terms) -> Rule:
    """Return the rule that a pre-registration holds.

    Raises:
        ClaimError: it was registered for another decision method, or no rule has its numbers.
    """
    if registered.method != METHOD:
        raise ClaimError(
            f"it was registered for method {registered.method}, this version of papertrial decides "
            f"by method {METHOD}"
        )
    return registered.rule


def _other_sides(
    recipe: AnyRecipe, claims: tuple[Claim, ...]
) -> tuple[tuple[AnyRecipe, ...], tuple[int | None, ...]]:
    """Return the other sides of differences to register, each once, and the one of each claim."""
    sides: dict[str, AnyRecipe] = {}
    arms: list[int | None] = []
    for claim in claims:
        other = other_side(recipe, claim)
        if other is None:
            arms.append(None)
            continue
        if (
            claim.best_epoch_on_test
            and isinstance(other, Recipe)
            and other.evaluate.test != "every-epoch"
        ):
            raise ClaimError(
                f"claims: {other.name}, the other side of a difference with best_epoch_on_test, "
                "has no test score of each epoch; set evaluate.test: every-epoch in it"
            )
        digest = training_hash(other)
        if digest == training_hash(recipe):
            raise ClaimError(
                "claims: versus is the recipe itself, so the difference is always 0; state what "
                "differs in versus.set"
            )
        sides.setdefault(digest, other)
        arms.append(list(sides).index(digest))
    return tuple(sides.values()), tuple(arms)


@dataclass(frozen=True)
class Wanted:
    """A score that a claim is about; `arm` is the other side of a difference, or None.

    `new_samples` says that its verdict needs the result of each sample.
    `reach` names the points of a curve; None for the score that a run reports.
    """

    metric: str
    split: str
    best_epoch: bool = False
    arm: int | None = None
    new_samples: bool = False
    reach: Reach | None = None
    better: Better | None = None  # of a metric that is not one of papertrial's own

    @property
    def facts(self) -> Metric:
        """What is known of the metric."""
        return Metric(self.metric, self.better)


def wanted_of(registered: Terms) -> tuple[Wanted, ...]:
    """Return the score that each claim of a pre-registration is about, in its order."""
    return tuple(
        Wanted(
            claim.metric,
            claim.split,
            claim.best_epoch_on_test,
            claim.versus,
            claim.judged.is_about_new_samples,
            claim.reach,
            claim.judged.better,
        )
        for claim in registered.claims
    )


@dataclass(frozen=True)
class Fixed:
    """What was registered for a side: its training hash, and the SHA-256 of its files by name."""

    training_hash: str
    files: Mapping[str, str]

    @classmethod
    def of(cls, recipe: AnyRecipe) -> Fixed:
        """Return what would be registered for a recipe."""
        return cls(training_hash(recipe), _registered_files(recipe))

    def check(self, path: Path, recipe: AnyRecipe) -> None:
        """Check that a recipe, read from `path`, is still the registered one.

        Raises:
            RunError: it is not; the message names the files that differ.
            RecipeError: a file no longer exists.
        """
        if training_hash(recipe) == self.training_hash:
            return
        unlike = self.unlike(recipe)
        what = "; ".join(unlike) if unlike else "it was edited"
        rule = f"{path} is not the recipe that was registered: {what}"
        raise RunError(f"{rule}; restore it, or start a new verification with --again")

    def unlike(self, recipe: AnyRecipe) -> list[str]:
        """Describe which files of a recipe are not those that were registered."""
        now = portable(recipe).dependencies
        words = [
            f"{one.path} has the SHA-256 {one.sha256[:12]}, {self.files[one.name][:12]} is "
            "registered"
            for one in now
            if one.name in self.files and self.files[one.name] != one.sha256
        ]
        added = [one for one in now if one.name not in self.files]
        words += [f"{one.path} was not registered" for one in added]
        if added and isinstance(recipe, ProgramRecipe):
            words[-1] += " (let the program write to {out}, or let Git ignore what it writes here)"
        named = {one.name for one in now}
        return words + [f"{name} is no longer used" for name in self.files if name not in named]


def fixed_of(registered: Terms) -> tuple[Fixed, ...]:
    """Return what a pre-registration fixed of each side, ours first."""
    return tuple(map(Fixed, registered.digests, registered.files))
