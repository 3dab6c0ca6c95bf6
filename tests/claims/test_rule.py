"""A rule holds together, and its hash is that of its bytes."""

from __future__ import annotations

import hashlib
import json

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import FIRST_LOOK, Rule, sha256, to_bytes
from papertrial.errors import ClaimError

CLAIM = JudgedClaim("accuracy", "test", "mean", 0.5, 0.1, 0.5, 0.5)


def test_what_is_fixed_where_nothing_is_said() -> None:
    rule = Rule((CLAIM,), tuple(range(15)))
    assert (rule.alpha, rule.statistic, rule.prior, rule.horizon) == (0.05, "mean", 1.0, "anytime")
    assert (rule.first_look, rule.max_diverged) == (FIRST_LOOK, 0.2) == (5, 0.2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seeds": (0, 1, 2, 3)}, "at least 5 seeds are needed, got 4"),
        ({"seeds": (7, 1, 7, 3, 1, 9)}, "got 1, 7 more than once"),
        ({"alpha": 0.0}, "0 < alpha < 0.5 must hold, got 0.0"),
        ({"alpha": 0.5}, "got 0.5"),
        ({"alpha": float("nan")}, "got nan"),
        ({"max_diverged": 1.0}, "0 <= max_diverged < 1 must hold, got 1.0"),
        ({"max_diverged": -0.1}, "got -0.1"),
        ({"prior": 0.0}, "prior > 0 must hold, got 0.0"),
    ],
)
def test_a_rule_that_does_not_hold_together(changes, told) -> None:
    with pytest.raises(ClaimError, match=told.replace("(", r"\(")):
        Rule(**{"claims": (CLAIM,), "seeds": tuple(range(15)), **changes})


def test_the_hash_is_that_of_the_file() -> None:
    registered = {"b": [1, 2.5], "a": "\N{GREEK SMALL LETTER ALPHA} \u2264 5 %"}
    written = to_bytes(registered)
    assert json.loads(written) == registered
    assert written.endswith(b"}\n")
    assert sha256(registered) == hashlib.sha256(written).hexdigest()
    assert to_bytes(dict(reversed(registered.items()))) == written  # whatever the order of keys


def test_what_no_json_file_can_hold_is_not_registered() -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_bytes({"value": float("nan")})
