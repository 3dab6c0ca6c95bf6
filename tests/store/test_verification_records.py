"""What a registration fixes of the scores: the steps that the data give, and the SD."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from papertrial.claims.rule import GivenSd
from papertrial.recipe.load import load_recipe
from papertrial.store.verification_records import Preregistration, Terms
from papertrial.verification.registration import register

Tree = dict[str, Any]
MakeTree = Callable[..., Tree]
Register = Callable[..., Preregistration]
ROWS = {"train": 1437, "test": 360}
SMALLER = {"train": 1437, "test": 100}
BETTER = {"metric": "accuracy", "kind": "better", "versus": {"set": {"epochs": 2}}}


@pytest.fixture
def registered(with_claims: MakeTree) -> Register:
    def made(verify: Tree, *claims: Tree, rows: tuple[dict[str, int], ...]) -> Preregistration:
        metrics = list(dict.fromkeys(["accuracy", *(claim["metric"] for claim in claims)]))
        tree = with_claims(*claims, verify=verify, metrics=metrics)
        recipe = load_recipe(tree, check=False)
        terms = register(recipe, threads=1, device="cpu").terms
        return Preregistration(
            **{name: getattr(terms, name) for name in Terms.model_fields},
            registered=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
            data=tuple(dict.fromkeys(side, "12" * 32) for side in rows),
            rows=rows,
            versions={},
            packages={},
        )

    return made


def expected(metric: str) -> Tree:
    return {"metric": metric, "value": 0.9, "tolerance": 0.01, "kind": "expected"}


def test_accuracies_move_by_one_sample(registered: Register) -> None:
    metrics = ["accuracy", "top5_accuracy", "f1_micro", "recall_weighted", "f1", "loss", "auroc"]
    found = registered({}, *map(expected, metrics), rows=(ROWS,))
    steps = [claim.step for claim in found.rule.claims]
    assert steps == [1 / 360] * 4 + [0.0] * 3
    assert [claim.step for claim in found.terms.rule.claims] == [0.0] * 7  # without data


def test_a_difference_moves_by_one_sample_of_the_smaller_set(registered: Register) -> None:
    found = registered({}, BETTER, expected("accuracy"), rows=(ROWS, SMALLER))
    assert [claim.step for claim in found.rule.claims] == [1 / 100, 1 / 360]


def test_parts_that_differ_between_folds_move_by_one_sample_of_the_whole(
    registered: Register,
) -> None:
    claims = [{**expected("accuracy"), "split": split} for split in ("train", "test")]
    found = registered({}, *claims, rows=({"all": 1797, "test": 3 * 1797},))
    assert [claim.step for claim in found.rule.claims] == [1 / 1797, 1 / (3 * 1797)]


def test_a_split_that_the_data_do_not_have_gives_no_step(registered: Register) -> None:
    found = registered({}, {**expected("accuracy"), "split": "train"}, rows=({"test": 360},))
    assert found.rule.claims[0].step == 0.0


@pytest.mark.parametrize(
    ("sd", "given", "first"),
    [
        ({"value": "0.2 points", "is": "known"}, GivenSd(0.002, "known"), 2),
        ({"value": 0.002, "is": "bound"}, GivenSd(0.002, "bound"), 2),
        ({"value": 0.002, "is": "paper", "n": 4}, GivenSd(0.002, "paper", 4), 5),
        (None, None, 5),
    ],
)
def test_an_sd_is_part_of_the_rule(
    registered: Register, sd: Tree | None, given: GivenSd | None, first: int
) -> None:
    found = registered({} if sd is None else {"sd": sd}, expected("accuracy"), rows=(ROWS,))
    assert (found.rule.sd, found.rule.first_look) == (given, first)
    again = Preregistration.from_json(found.to_bytes(), "preregistration.json")
    assert again == found
    assert again.rule == found.rule


def test_rows_and_data_name_the_same_splits(registered: Register) -> None:
    found = registered({}, expected("accuracy"), rows=(ROWS,))
    plain = {name: getattr(found, name) for name in Preregistration.model_fields}
    with pytest.raises(ValueError, match="do not name the same splits"):
        Preregistration(**{**plain, "rows": ({"test": 360},)})
