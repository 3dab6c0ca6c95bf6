"""Evidence about an effect size, which depends on the scores through a single number.

With a known n, everything about n scores that does not depend on their scale and on the place of m
is in the effect u = sign(t) sqrt(t^2 / (n - 1 + t^2)), which lies between -1 and 1 and grows with
the t statistic. So evidence can be cached, tabulated and inverted as a function of u alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Protocol

import numpy as np

from papertrial.claims.scores import Array, Scores
from papertrial.claims.sd_estimate import SdEstimate
from papertrial.claims.t_martingale import (
    LARGEST,
    at_looks,
    counts,
    e_values,
    explained,
    moments,
    reach,
    root,
    t_statistic,
)

_GRID = 500  # effects between which simulated evidence is interpolated
_PART = 2_000_000  # numbers of an integration grid in memory at a time


class EffectEvidence(Protocol):
    """The log evidence as a function of the effect. Frozen: values are cached by it."""

    def __hash__(self) -> int:
        """Return the hash of the parameters."""

    def log(self, effect: Array, n: int) -> Array:
        """Return the log evidence [...] of n scores; it grows with their effects [...]."""

    def grid(self, n: int) -> int:
        """Return how many numbers `log` needs in memory for each effect, about."""


def effect_evidence(
    of: EffectEvidence, scores: Scores, m: Array, sd: SdEstimate, looks: Array | None
) -> Array:
    """Return the e-values [..., S] of scores against the number m [...].

    `looks` [L] selects some of the S prefixes; only their evidence is computed.
    """
    x = scores.values
    mean, scatter = moments(x)
    n = counts(x)
    t = t_statistic(mean, m, n, sd.scatter(scatter, n - 1), n - 1, scores.scale)
    effect = np.copysign(np.sqrt(explained(t, n - 1)), t)
    log_e = np.zeros_like(effect)
    for i in _indices(x.shape[-1], looks):  # each number of seeds needs an integration grid
        if effect.ndim == 1:
            log_e[i] = _log_of_one(of, float(effect[i]), i + 1)
        else:
            most = max(_PART // of.grid(i + 1), 1)
            log_e[..., i] = _in_parts(effect[..., i], partial(of.log, n=i + 1), most)
    # Scores that all equal m have no effect size at all.
    e = e_values(np.where((scatter == 0) & (t == 0), 0.0, log_e))
    return at_looks(looks, e)[0]


def effect_reach(
    of: EffectEvidence, n: Array, scatter: Array, sd: SdEstimate, threshold: float
) -> Array:
    """Return how far [..., S] from the mean the number is whose evidence reaches a threshold.

    Args:
        of: the evidence.
        n: numbers of seeds [S].
        scatter: sums of squared deviations of the scores [..., S].
        sd: how the SD is estimated.
        threshold: what e-values must reach.
    """
    function = partial(_critical, of, threshold=threshold)
    return reach(function, n, sd.scatter(scatter, n - 1), n, n - 1)


def tabulated_evidence(of: EffectEvidence, y: Array, looks: Array | None) -> Array:
    """Return the e-values [rows, S] of scores y [rows, S] against 0, read from a table.

    `looks` [L] selects some of the S prefixes; only their tables are made.
    """
    effect = y.cumsum(-1) / np.sqrt((y * y).cumsum(-1) * counts(y))
    e, grid = np.ones_like(y), _grid()
    for i in _indices(y.shape[-1], looks):
        log_e = np.interp(effect[:, i], grid, _table(of, i + 1))
        e[:, i] = np.exp(np.minimum(log_e, LARGEST))
    return at_looks(looks, e)[0]


def _indices(seeds: int, looks: Array | None) -> list[int]:
    """Return the indices of the looks at more than one seed; None means all looks."""
    numbers = range(2, seeds + 1) if looks is None else looks.astype(int).tolist()
    return [n - 1 for n in numbers if n > 1]


@lru_cache(maxsize=4096)
def _log_of_one(of: EffectEvidence, effect: float, n: int) -> float:
    """Return the log evidence of one effect. Cached: each look asks again."""
    return float(of.log(np.asarray(effect), n))


def _in_parts(values: Array, function: Callable[[Array], Array], most: int) -> Array:
    """Compute the evidence of `most` effects at a time, to save memory."""
    flat = values.ravel()
    parts = [function(flat[i : i + most]) for i in range(0, flat.size, most)]
    return np.concatenate(parts or [flat]).reshape(values.shape)


def _grid() -> Array:
    """Return the effects of a table: denser near -1 and 1."""
    return np.asarray(np.sin(np.linspace(-np.pi / 2, np.pi / 2, _GRID)))


@lru_cache(maxsize=20_000)
def _table(of: EffectEvidence, n: int) -> Array:
    """Return the log evidence on the grid of effects. Cached for all parts of a simulation."""
    return _in_parts(_grid(), partial(of.log, n=n), max(_PART // of.grid(n), 1))


@lru_cache(maxsize=10_000)
def _critical(of: EffectEvidence, n: int, threshold: float) -> float:
    """Return the smallest t whose effect's evidence reaches the threshold; infinite if none."""
    if n < 2:
        return float(np.inf)

    def log_evidence(t: float) -> float:
        return float(of.log(np.asarray(t / np.sqrt(n - 1 + t * t)), n))

    return root(log_evidence, threshold)
