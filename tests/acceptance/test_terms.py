"""Terms of a new ledger: who says which values of a metric are better."""

from __future__ import annotations

import pytest

from papertrial.acceptance.terms import AskedTerms, new_terms
from papertrial.errors import ClaimError
from papertrial.vocabulary import Better


@pytest.mark.parametrize(
    ("metric", "asked", "verification", "wanted"),
    [
        ("accuracy", None, None, "higher"),
        ("loss", "lower", None, "lower"),
        ("bleu", "higher", None, "higher"),
        ("perplexity", None, "lower", "lower"),
        ("perplexity", "lower", "lower", "lower"),
    ],
)
def test_the_direction_comes_from_the_name_the_call_or_a_verification(
    metric: str, asked: Better | None, verification: Better | None, wanted: Better
) -> None:
    assert new_terms(AskedTerms(better=asked), metric, verification).better == wanted


@pytest.mark.parametrize(
    ("metric", "asked", "verification"),
    [("loss", "higher", None), ("perplexity", "higher", "lower"), ("perplexity", None, None)],
)
def test_a_direction_that_is_unknown_or_contradicts_is_refused(
    metric: str, asked: Better | None, verification: Better | None
) -> None:
    with pytest.raises(ClaimError, match=metric):
        new_terms(AskedTerms(better=asked), metric, verification)
