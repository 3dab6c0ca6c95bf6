"""What is fixed before the first seed, and what of a recipe changes its hash."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from papertrial.claims.judged_claim import JudgedClaim
from papertrial.claims.rule import METHOD
from papertrial.errors import ClaimError, InvalidRecipeError, RunError
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.store.verification_records import Terms
from papertrial.verification.registration import Registration, register, rule_of

Tree = dict[str, Any]
ACCURACY = {"metric": "accuracy", "value": 0.9, "tolerance": 0.01, "kind": "expected"}
TREE: Tree = {
    "name": "drawn",
    "task": "image-classification",
    "data": {"source": "digits", "batch_size": 64, "splits": {"test": 0.5}},
    "model": {"use": "papertrial.models.MLP", "in_features": 64, "hidden": [8], "out_features": 10},
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.1},
    "epochs": 1,
    "metrics": ["loss", "accuracy"],
    "claims": [ACCURACY],
}


def tree(*claims: Tree, **changes: Any) -> Tree:
    made = {**copy.deepcopy(TREE), **changes}
    return {**made, "claims": list(claims)} if claims else made


def asked(of: Tree | None = None, *overrides: str, threads: int = 1) -> Registration:
    recipe = load_recipe(of or tree(), overrides, check=False)
    return register(recipe, threads=threads, device="cpu")


def difference(**versus: Any) -> Tree:
    return {**ACCURACY, "kind": "difference", "value": 0.02, "versus": versus, "n": "unknown"}


def test_what_is_registered() -> None:
    found = asked()
    written = json.loads(found.terms.to_bytes())
    assert written["claims"][0] == {
        "metric": "accuracy", "split": "test", "kind": "expected", "value": 0.9, "tolerance": 0.01,
        "low": 0.9, "high": 0.9, "runs": None, "side": "about", "best_epoch_on_test": False,
        "paired": True, "reported_sd": None, "about": "test-set", "reach": None,
        "versus": None,
        "stated": {
            "metric": "accuracy", "split": "test", "value": 0.9, "tolerance": 0.01,
            "kind": "expected", "about": "test-set",
            "rounding": "nearest",
        },
    }  # fmt: skip
    rest = {
        "format": 3, "method": METHOD, "recipe": "drawn", "threads": 1, "device": "cpu",
        "versus": [], "exact": [], "not_judged": [], "alpha": 0.05, "statistic": "mean",
        "prior": 1.0, "sd": None, "first_look": 5, "horizon": "anytime", "max_diverged": 0.2,
        "seeds": list(range(15)), "seeds_from": None, "maximum": 15, "reported_epoch": "last",
    }  # fmt: skip
    assert {key: written[key] for key in rest} == rest
    assert all(written[key] for key in ("diverged", "deterministic", "several_claims"))
    assert len(found.terms.recipe_hash) == len(found.terms.training_hash) == 64
    assert found.lines[0] == (
        "claim 1: test accuracy 0.9, the expected score; tolerance 0.01; band 0.89 to 0.91"
    )
    assert any(line.startswith("seeds: 0 to 14, in this order") for line in found.lines)


def test_the_hash_is_that_of_the_file() -> None:
    registered = asked(tree({**ACCURACY, "where": "\N{GREEK SMALL LETTER ALPHA} \u2264 5 %"})).terms
    written = registered.to_bytes()
    assert written.endswith(b"}\n")
    assert "\u2264" in written.decode()
    assert list(json.loads(written)) == sorted(json.loads(written))
    assert registered.sha256 == hashlib.sha256(written).hexdigest()


def read_back(registered: Terms) -> Terms:
    return Terms.from_json(registered.to_bytes(), "preregistration.json")


def test_the_same_recipe_has_the_same_hash() -> None:
    first = asked().terms
    assert asked().terms == first
    assert read_back(first) == first
    assert read_back(first).sha256 == first.sha256
    other = dict(reversed(tree().items()))  # keys in another order, numbers written differently
    other["optimizer"] = {"lr": 1e-1, "use": "torch.optim.SGD"}
    assert asked(other).terms.sha256 == first.sha256
    # The trial is the same, but the recipe says more, and all that it says is in the hash.
    given = asked(tree(verify={"seeds": list(range(15))})).terms
    assert given.sha256 != first.sha256


@pytest.mark.parametrize(
    "changes",
    [
        {"claims": [{**ACCURACY, "value": 0.91}]},
        {"claims": [{**ACCURACY, "tolerance": 0.011}]},
        {"claims": [{**ACCURACY, "kind": "single-run"}]},
        {"claims": [{**ACCURACY, "printed": "0.9"}]},
        {"claims": [{**ACCURACY, "where": "table 2"}]},
        {
            "claims": [
                ACCURACY,
                {"metric": "loss", "value": 0.3, "tolerance": 0.1, "kind": "expected"},
            ]
        },
        {"verify": {"alpha": 0.01}},
        {"verify": {"max_seeds": 10}},
        {"verify": {"seeds": [5, 6, 7, 8, 9]}},
        {"verify": {"statistic": "median"}},
        {"verify": {"horizon": "fixed"}},
        {"verify": {"max_diverged": 0.1}},
        {"verify": {"prior": 0.5}},
        {"seed": 1},
        {"epochs": 2},
        {"optimizer": {"use": "torch.optim.SGD", "lr": 0.2}},
        {"paper": {"notes": "nothing else changed"}},  # all that the recipe says counts
    ],
    ids=str,
)
def test_what_changes_the_hash(changes: Tree) -> None:
    assert asked({**tree(), **changes}).terms.sha256 != asked().terms.sha256


def test_threads_and_device_change_the_hash_and_notes_no_training() -> None:
    first = asked().terms
    assert asked(threads=2).terms.sha256 != first.sha256
    recipe = load_recipe(tree(), check=False)
    assert register(recipe, threads=1, device="cuda").terms.device == "cuda"
    noted = asked(tree(paper={"notes": "more"})).terms
    assert noted.training_hash == first.training_hash
    assert noted.recipe_hash != first.recipe_hash


def test_a_claim_of_zero_is_registered_as_it_is_stated() -> None:
    claim = {"metric": "parameters", "kind": "exact", "value": 0}
    registered = asked(tree(claim)).terms
    assert json.loads(registered.to_bytes())["exact"][0]["value"] == 0
    assert read_back(registered).exact[0].value == 0
    registered = asked(tree({**ACCURACY, "tolerance": 0})).terms
    assert json.loads(registered.to_bytes())["claims"][0]["stated"]["tolerance"] == 0
    assert read_back(registered).claims[0].stated.tolerance == 0


def test_the_rule_comes_back_from_its_file() -> None:
    claims = [
        {**ACCURACY, "value": "90 %", "tolerance": "1.2 points", "printed": "90 %"},
        {**ACCURACY, "kind": "best-of", "n": 5},
        {"metric": "loss", "value": 0.3, "kind": "at-most"},
        difference(set={"optimizer.lr": 0.2}),
    ]
    verify = {"alpha": 0.025, "statistic": "median", "prior": 2, "horizon": "fixed"}
    found = asked(tree(*claims, verify={**verify, "seeds": [9, 2, 5, 7, 4, 1]}))
    rule = rule_of(read_back(found.terms))
    assert rule == found.rule
    assert (rule.seeds, rule.alpha, rule.prior) == ((9, 2, 5, 7, 4, 1), 0.025, 2.0)
    assert rule.claims[0] == JudgedClaim(
        "accuracy", "test", "expected", 0.9, 0.012, 0.895, 0.905, None, "about"
    )
    assert (rule.claims[1].best_of, rule.claims[2].side) == (5, "at-most")
    assert found.arms == (None, None, None, 0)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda r: {k: v for k, v in r.items() if k != "alpha"}, "alpha: Field required"),
        (lambda r: {**r, "more": 1}, "more: Extra inputs"),
        (lambda r: {**r, "threads": 0}, "threads: Input should be greater"),
        (lambda r: {**r, "claims": [{"metric": "accuracy"}]}, r"claims\.0\.split: Field required"),
        (lambda r: {**r, "claims": ["accuracy"]}, r"claims\.0: "),
        (lambda r: {**r, "seeds": 5}, "seeds: Input should be a valid array"),
        (lambda r: {**r, "exact": [{"metric": "9 lives", "value": 1}]}, r"exact\.0\.metric: "),
        (lambda r: [r], "is not a JSON object"),
        (lambda r: {**r, "format": 1}, "has format 1, this papertrial reads format 3"),
    ],
)
def test_a_damaged_registration_is_refused_by_name(spoil: Any, problem: str) -> None:
    text = json.dumps(spoil(json.loads(asked().terms.to_bytes())))
    with pytest.raises(RunError, match=f"preregistration.json.*{problem}"):
        Terms.from_json(text, "preregistration.json")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [({"method": 99}, "method 99, this version"), ({"seeds": (1, 1, 2, 3, 4)}, "more than once")],
)
def test_a_registration_without_a_rule_of_this_version(changes: Tree, problem: str) -> None:
    with pytest.raises(ClaimError, match=problem):
        rule_of(asked().terms.model_copy(update=changes))


def test_there_must_be_something_to_judge() -> None:
    with pytest.raises(ClaimError, match="drawn: there is nothing to verify; it has no claims"):
        asked({key: value for key, value in tree().items() if key != "claims"})
    with pytest.raises(ClaimError, match="its claims are not judged: the setting differs"):
        asked(tree(), "epochs=3")


def test_claims_that_are_not_judged_or_need_no_seed_are_left_out_of_the_rule() -> None:
    exact = {"metric": "parameters", "value": 9034, "kind": "exact"}
    given = {
        "metric": "loss",
        "value": 0.3,
        "tolerance": 0.1,
        "not_judged": "it differs",
        "kind": "expected",
    }
    found = asked(tree(exact, given, ACCURACY))
    assert [claim.metric for claim in found.rule.claims] == ["accuracy"]
    assert [claim.metric for claim in found.exact] == ["parameters"]
    assert [claim.metric for claim in found.not_judged] == ["loss"]
    assert found.terms.not_judged[0].not_judged == "it differs"
    assert asked(tree(exact)).rule.claims == ()


def test_which_seeds() -> None:
    assert asked(tree(seed=40), "verify.max_seeds=6").rule.seeds == (40, 41, 42, 43, 44, 45)
    assert asked(tree(verify={"seeds": [9, 2, 5, 7, 4]})).rule.seeds == (9, 2, 5, 7, 4)
    more = asked(tree(verify={"seeds": [9, 2, 5, 7, 4, 6, 8], "max_seeds": 5}))
    assert more.rule.seeds == (9, 2, 5, 7, 4)
    (warning,) = more.warnings
    assert "7 seeds" in warning
    assert "first 5" in warning
    assert "verify.max_seeds=7" in warning
    for wrong, told in (
        ("verify.max_seeds=4", "must be at least 5"),
        ("verify.seeds=[1,2,3,3,4]", "at least 2 different whole numbers"),
        ("verify.seeds=[1,2,3,4]", "verify.seeds: must be at least 5"),
    ):
        with pytest.raises(InvalidRecipeError, match=told):
            asked(tree(), wrong)


def test_the_other_side_of_a_difference() -> None:
    claims = [
        difference(set={"optimizer.lr": 0.2}),
        ACCURACY,
        {**difference(set={"epochs": 2}), "value": 0.03},
        {**difference(set={"optimizer.lr": 0.2}), "metric": "loss"},
    ]
    found = asked(tree(*claims))
    assert found.arms == (0, None, 1, 0)  # a side that two claims name is trained once
    assert [side.epochs for side in found.versus] == [1, 2]
    assert found.versus[0].optimizer.lr == 0.2
    assert found.versus[0].claims == ()
    assert len(set(found.terms.versus)) == 2
    assert found.terms.training_hash not in found.terms.versus


def test_the_other_side_may_be_another_recipe(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    given = {key: value for key, value in tree(name="other").items() if key != "claims"}
    path.write_text(json.dumps({**given, "epochs": 2}))
    found = asked(tree(difference(recipe=str(path))))
    assert found.versus[0].name == "other"
    # By what it trains, not by where it lies: a copy elsewhere is the same registration.
    copy = path.with_name("copy.yaml")
    copy.write_text(path.read_text())
    moved = asked(tree(difference(recipe=str(copy)))).terms
    assert moved.sha256 == found.terms.sha256
    # Training it otherwise is another registration, though the path is the same.
    path.write_text(json.dumps({**given, "epochs": 3}))
    again = asked(tree(difference(recipe=str(path))))
    assert again.terms.sha256 != found.terms.sha256


def test_other_sides_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ClaimError, match="versus is the recipe itself"):
        asked(tree(difference(set={"epochs": 1})))
    every = tree({**difference(set={"epochs": 2}), "best_epoch_on_test": True})
    every["evaluate"] = {"test": "every-epoch"}
    assert asked(every).arms == (0,)
    every["claims"][0]["versus"]["set"]["evaluate.test"] = "at-end"
    with pytest.raises(ClaimError, match="has no test score of each epoch"):
        asked(every)


def test_warnings_of_claims_are_handed_on() -> None:
    found = asked(tree({**ACCURACY, "baseline": 0.89}))
    assert len(found.warnings) == 1
    assert "wider than half of the gain" in found.warnings[0]
    assert asked().warnings == ()


def test_a_recipe_that_is_written_and_read_again_is_registered_alike(tmp_path: Path) -> None:
    recipe = load_recipe(tree(difference(set={"optimizer.lr": 0.2})), check=False)
    path = tmp_path / "recipe.yaml"
    path.write_text(to_yaml(recipe))
    again = load_recipe(path, check=False)
    first, second = (register(r, threads=1, device="cpu").terms for r in (recipe, again))
    assert second == first
