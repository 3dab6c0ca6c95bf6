"""The numbers of a claim, the other recipe of a difference, and warnings about tolerances."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from papertrial.recipe.claim_warnings import claim_warnings
from papertrial.recipe.claims import Claim, Versus
from papertrial.recipe.digest import recipe_hash, training_hash
from papertrial.recipe.load import load_recipe, to_tree, to_yaml
from papertrial.recipe.portable import portable

Tree = dict[str, Any]


def made(**changes: Any) -> Claim:
    return Claim.model_validate({"metric": "accuracy", "value": 0.55, "tolerance": 0.01, **changes})


@pytest.fixture
def claimed(tree: Tree) -> Tree:
    claim = {"metric": "r2", "split": "train", "value": 0.5, "tolerance": 0.1, "kind": "expected"}
    return {**tree, "claims": [claim]}


def test_the_numbers_of_a_claim() -> None:
    claim = made(value="55 %", tolerance="1.2 points", printed="55 %", rounding="truncated")
    assert (claim.number, claim.allowed, claim.printed_interval) == (0.55, 0.012, (0.55, 0.56))
    claim = made(value="8.75 % error", tolerance=None, relative_tolerance="1 %", baseline="60 %")
    assert (claim.number, claim.allowed, claim.baseline_number) == (0.9125, 0.009125, 0.6)
    assert claim.printed_interval == (0.9125, 0.9125)
    claim = made(metric="r2", value=-2, tolerance=None, relative_tolerance=0.1)
    assert claim.allowed == 0.2
    gain = made(kind="difference", value="1.2 points", printed="1.2 %", versus={"recipe": "a"})
    assert (gain.number, gain.printed_interval) == (0.012, (0.0115, 0.0125))


@pytest.mark.parametrize(
    ("changes", "runs", "side"),
    [
        ({}, None, "about"),
        ({"n": 40}, 40, "about"),
        ({"kind": "single-run"}, 1, "about"),
        ({"kind": "best-of", "n": 5}, 5, "about"),
        ({"kind": "at-least", "tolerance": None}, None, "at-least"),
        ({"kind": "at-most", "n": 3}, 3, "at-most"),
        ({"kind": "difference", "versus": {"recipe": "a"}, "n": "unknown"}, 1, "about"),
        ({"kind": "difference", "side": "at-least", "versus": {"recipe": "a"}}, None, "at-least"),
    ],
)
def test_runs_and_side(changes: Tree, runs: int | None, side: str) -> None:
    claim = made(**changes)
    assert (claim.runs, claim.judged_side) == (runs, side)


def test_the_kind_of_a_plus_minus() -> None:
    spread = made(plus_minus={"value": "0.3 points", "is": "ci", "level": 0.9})
    assert spread.plus_minus is not None
    assert (spread.plus_minus_number, spread.plus_minus.is_) == (0.003, "ci")
    unknown = made(plus_minus={"value": 0.003}).plus_minus
    assert unknown is not None
    assert (unknown.is_, unknown.level) == ("unknown", 0.95)
    assert made().plus_minus_number is None


def assert_warning(tree: Tree, *words: str) -> None:
    (warning,) = claim_warnings(load_recipe(tree))
    assert [word for word in words if word not in warning] == []


def test_a_tolerance_wider_than_half_of_the_gain_is_reported(claimed: Tree) -> None:
    claimed["claims"][0] |= {"tolerance": 0.05, "baseline": 0.4}
    assert claim_warnings(load_recipe(claimed)) == []  # 0.05 is half of 0.1
    claimed["claims"][0] |= {"baseline": "41 %", "tolerance": "5 points"}
    assert_warning(
        claimed, "claim 1 (train r2 0.5)", "tolerance of 0.05", "gain of 0.09", "at most 0.045"
    )
    claimed["claims"][0] |= {"baseline": None, "value": "-4 points", "tolerance": "3 points"}
    claimed["claims"][0] |= {"kind": "difference", "versus": {"set": {"epochs": 2}}, "n": "unknown"}
    assert_warning(
        claimed, "claim 1 (train r2 -0.04)", "tolerance of 0.03", "gain of 0.04", "at most 0.02"
    )


EVERY = "no score can contradict the claim"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tolerance": 0.0999}, None),
        (
            {"tolerance": 0.1},
            "0.1 is 10 points, which is very wide; if 0.1 points are meant, write 0.001 or "
            '"0.1 points"',
        ),
        (
            {"tolerance": "20 points"},
            "0.2 is 20 points, which is very wide",
        ),
        ({"value": "50 %", "tolerance": "50 points"}, EVERY),
        (
            {"value": 0.5, "tolerance": 0.5},
            'every possible value; if 0.5 points are meant, write 0.005 or "0.5 points"',
        ),
        ({"kind": "at-least", "value": 0, "tolerance": None}, EVERY),
        ({"kind": "at-least", "value": 0.01, "tolerance": None}, None),
        ({"kind": "at-most", "value": 0.99, "tolerance": "1 point"}, EVERY),
        (
            {
                "metric": "r2",
                "value": 0.5,
                "tolerance": None,
                "relative_tolerance": "40 %",
                "kind": "expected",
            },
            "0.2 is 20 points, which is very wide",
        ),
        ({"metric": "loss", "tolerance": 0.5}, None),
        (
            {"tolerance": 0},
            "exactly right",
        ),
        ({"tolerance": 0, "printed": "0.55"}, None),  # its digits are a band
    ],
)
def test_a_tolerance_that_is_probably_not_meant_is_reported(
    changes: Tree, words: str | None
) -> None:
    class Stub:
        claims = (made(**changes),)

    found = claim_warnings(Stub())  # type: ignore[arg-type]
    assert len(found) == (words is not None)
    assert all(str(words) in warning for warning in found)
    assert all(("are meant" in warning) == ("are meant" in str(words)) for warning in found)


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({"value": 0.9339, "plus_minus": {"value": 0.16, "is": "sd"}}, "0.16 points"),
        ({"value": 0.9339, "plus_minus": {"value": 0.06}}, None),
        ({"value": 0.95, "plus_minus": {"value": 0.05}}, None),
        ({"value": 0.97, "plus_minus": {"value": 0.05}}, "0.05 points"),  # up to 1.02
        ({"value": 0.02, "plus_minus": {"value": 0.05}}, "0.05 points"),  # down to -0.03
        ({"value": 0.5, "plus_minus": {"value": 0.1}}, "0.1 points"),
        ({"value": 0.5, "plus_minus": {"value": "16 points"}}, None),  # text names its unit
        ({"metric": "r2", "value": -3, "plus_minus": {"value": 0.05}}, None),
        ({"metric": "loss", "value": 0.5, "plus_minus": {"value": 0.6}}, None),
        (
            {"kind": "difference", "value": 0.01, "plus_minus": {"value": 0.16},
             "tolerance": 0.001, "n": "unknown"},
            "0.16 points",
        ),
        (
            {"kind": "difference", "value": 0.01, "plus_minus": {"value": 0.02},
             "tolerance": 0.001, "n": "unknown"},
            None,  # a gain may be negative
        ),
    ],
)  # fmt: skip
def test_a_plus_minus_that_is_probably_not_meant_is_reported(
    changes: Tree, points: str | None
) -> None:
    class Stub:
        claims = (made(**changes),)

    found = claim_warnings(Stub())  # type: ignore[arg-type]
    assert len(found) == (points is not None)
    assert all(f'"{points}"' in warning for warning in found)


def test_whether_a_claim_is_written_in_percent() -> None:
    assert not made().in_percent
    assert not made(tolerance=None, relative_tolerance="1 %").in_percent  # of the value
    for changes in (
        {"value": "55 %"},
        {"printed": "55%"},
        {"baseline": "50 percent"},
        {"tolerance": "1 point"},
        {"plus_minus": {"value": "0.3 pp"}},
    ):
        assert made(**changes).in_percent


def test_the_tolerance_of_a_difference_is_reported_too() -> None:
    class Stub:
        claims = (
            made(kind="difference", value=0.3, tolerance=0.12, versus={"set": {"epochs": 2}}),
            made(kind="difference", value=0, tolerance="100 points", side="about"),
        )

    one, *_, two = claim_warnings(Stub())  # type: ignore[arg-type]
    assert "is 12 points, which is very wide; if 0.12 points are meant" in one
    assert two.startswith(f"claim 2 (test accuracy 0): {EVERY}")


def test_claims_are_numbered_as_in_the_registration() -> None:
    class Stub:
        claims = (
            made(metric="parameters", kind="exact", value=3, tolerance=None),
            made(not_judged="the setting differs", tolerance=0),
            made(),
            made(value=0.56, tolerance=0),
        )

    (warning,) = claim_warnings(Stub())  # type: ignore[arg-type]
    assert warning.startswith("claim 2 (test accuracy 0.56): without a tolerance")


def difference(tree: Tree, **versus: Any) -> Tree:
    claim = {
        "metric": "mse",
        "split": "train",
        "value": 3,
        "tolerance": 1,
        "kind": "difference",
        "n": "unknown",
    }
    return {**tree, "claims": [{**claim, "versus": versus}]}


def other_side(path: Path, *overrides: str) -> Versus:
    versus = load_recipe(path, overrides, check=False).claims[0].versus
    assert versus is not None
    return versus


def test_the_other_side_is_found_from_the_recipes_folder(tree: Tree, tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    set_ = {
        "model": "./net.py:Net", "optimizer": {"use": "./opt.py:Opt", "lr": 1}, "epochs": 2,
        "model.use": "./net.py:Other", "data.path": "rows.csv", "data.text.vectors": "glove.6B.50d",
    }  # fmt: skip
    path.write_text(to_yaml(load_recipe(tree, check=False)))
    claims = to_tree(load_recipe(difference(tree, recipe="digits-mlp"), check=False))["claims"]
    assert claims[0]["versus"]["recipe"] == "digits-mlp"  # a shipped one, which stays
    line = json.dumps([{**claims[0], "versus": {"recipe": "sub/two.yaml", "set": set_}}])
    path.write_text(f"{path.read_text().replace('claims: []', '')}\nclaims: {line}\n")
    versus = other_side(path)
    assert versus.recipe == str(tmp_path / "sub" / "two.yaml")
    assert versus.set == {
        "model": f"{tmp_path}/net.py:Net",
        "optimizer": {"use": f"{tmp_path}/opt.py:Opt", "lr": 1},
        "epochs": 2,
        "model.use": f"{tmp_path}/net.py:Other",
        "data.path": str(tmp_path / "rows.csv"),
        "data.text.vectors": "glove.6B.50d",
    }
    here = other_side(path, "claims.0.versus.recipe=three.yaml")
    assert here.recipe == str(Path.cwd() / "three.yaml")


def test_a_portable_recipe_still_finds_the_other_recipe(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(to_yaml(load_recipe(tree)))
    recipe = load_recipe(difference(tree, recipe=str(tmp_path / "two.yaml")))
    text = portable(recipe, "code").text
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "recipe.yaml").write_text(text)
    assert other_side(tmp_path / "kept" / "recipe.yaml").recipe == str(tmp_path / "two.yaml")


def test_the_other_side_counts_by_its_content_in_the_recipes_hash(
    tree: Tree, tmp_path: Path
) -> None:
    other = {**tree, "name": "a", "clip_norm": 1.0}
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(json.dumps(other))
    one, two = (
        load_recipe(difference(tree, recipe=f"{tmp_path}/{n}.yaml")) for n in ("one", "two")
    )
    before = recipe_hash(one)
    assert before == recipe_hash(two)
    (tmp_path / "two.yaml").write_text(json.dumps({**other, "clip_norm": 2.0}))
    assert recipe_hash(two) != before
    assert recipe_hash(one) == before
    assert training_hash(two) == training_hash(load_recipe(tree))


def test_the_changes_of_versus_are_overrides(tree: Tree) -> None:
    changes = {
        "optimizer.lr": 1e-5, "name": "other", "model.bias": False, "clip_norm": None,
        "optimizer": {"use": "torch.optim.Adam", "lr": 0.5}, "precision": "bf16",
    }  # fmt: skip
    texts = Versus.model_validate({"set": changes}).overrides
    other = load_recipe(tree, texts)
    assert (other.name, other.precision, other.clip_norm) == ("other", "bf16", None)
    assert other.optimizer.kwargs == {"lr": 0.5}
    assert other.model.kwargs["bias"] is False
    assert texts[0] == "optimizer.lr=1e-05"
    assert Versus.model_validate({"set": {"model.x": "1"}}).overrides == ('model.x="1"',)
