"""A scenario: claims, a distribution of scores, and the verdicts that are false for them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from papertrial.claims.rule import Rule
from papertrial.claims.ruling import Verdict
from papertrial.recipe.load import load_recipe
from papertrial.store.verification_records import Terms
from papertrial.verification.registration import register, rule_of

MEAN, SD = 0.7, 0.01  # of the scores
SeedScores = tuple[tuple[float, ...], ...]  # of each claim: (score,), or (ours, theirs)
BOTH: tuple[Verdict, ...] = ("REPRODUCED", "NOT REPRODUCED")
NOT: tuple[Verdict, ...] = ("NOT REPRODUCED",)
YES: tuple[Verdict, ...] = ("REPRODUCED",)


@dataclass(frozen=True)
class Reported:
    """A reported number that is drawn for a trial, and the SD beside it, if one is reported."""

    value: float
    sd: float | None = None


def one_score(draw: np.random.Generator) -> SeedScores:
    """Draw the score of a single claim."""
    return ((float(draw.normal(MEAN, SD)),),)


@dataclass(frozen=True)
class Scenario:
    """How the trials of a scenario are made.

    Attributes:
        name: also the seed of its random numbers.
        claims: as the recipe states them; the metric is accuracy if omitted.
        false: the verdicts that contradict the distribution of the scores.
        scores: draws what one seed scores.
        reported: draws the number of the first claim; None if it is the same in all trials.
        verify: the recipe's section of this name.
        step: what scores are rounded to, and what the registered data would give as their step.
        failing: the share of seeds that fail.
        shown: whether the rates have no bound, because the guarantee does not cover the scenario.
    """

    name: str
    claims: tuple[Mapping[str, Any], ...]
    false: tuple[Verdict, ...]
    scores: Callable[[np.random.Generator], SeedScores] = one_score
    reported: Callable[[np.random.Generator], Reported] | None = None
    verify: Mapping[str, Any] = field(default_factory=dict)
    step: float = 0.0
    failing: float = 0.0
    shown: bool = False

    @property
    def key(self) -> int:
        """A seed for the scenario, so that no two scenarios draw the same scores."""
        return zlib.crc32(self.name.encode())

    def registered_rule(self) -> Rule:
        """Register a recipe with the claims, and read its rule back from the JSON text."""
        claims = [{"metric": "accuracy", **claim} for claim in self.claims]
        tree = {
            "name": "drawn",
            "task": "image-classification",
            "data": {"source": "digits", "batch_size": 64, "splits": {"test": 0.5}},
            "model": {
                "use": "papertrial.models.MLP",
                "in_features": 64,
                "hidden": [8],
                "out_features": 10,
            },
            "loss": "torch.nn.CrossEntropyLoss",
            "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
            "epochs": 1,
            "metrics": sorted({claim["metric"] for claim in claims}),
            "claims": claims,
            "verify": dict(self.verify),
        }
        terms = register(load_recipe(tree, check=False), threads=1, device="cpu").terms
        rule = rule_of(Terms.from_json(terms.to_bytes(), "preregistration.json"))
        # The step is registered with the data, which are not loaded here.
        return replace(rule, claims=tuple(replace(one, step=self.step) for one in rule.claims))

    def rule_of_trial(self, rule: Rule, trial: int) -> Rule:
        """Return the rule of a trial, with the number that was reported in it."""
        if self.reported is None:
            return rule
        found = self.reported(np.random.default_rng((trial, 3, self.key)))
        first, *others = rule.claims
        claim = replace(
            first, value=found.value, low=found.value, high=found.value, reported_sd=found.sd
        )
        return replace(rule, claims=(claim, *others))
