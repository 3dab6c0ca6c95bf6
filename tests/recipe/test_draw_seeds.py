"""Seeds drawn from a public text: the formula, and the recipes that name one."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from papertrial.errors import InvalidRecipeError
from papertrial.recipe.draw_seeds import draw_seeds
from papertrial.recipe.load import load_recipe, to_yaml
from papertrial.recipe.schema import Recipe
from papertrial.recipe.verify import DrawnSeeds, Verify
from papertrial.recipe.yaml_text import parse

TEXT = "NIST beacon 2026-11-27 12:00: 5F3A"


def loaded(*overrides: str) -> Recipe:
    return load_recipe("digits-mlp", overrides, check=False)


def test_the_seeds_are_those_that_a_shell_computes() -> None:
    # printf '%s:%d' "a public text" 0 | sha256sum | head -c 8, modulo 2^31; then 1, 2, ...
    assert draw_seeds("a public text", 5) == (
        630820389,
        1606388754,
        266956241,
        137175004,
        1652615258,
    )


def test_the_text_is_hashed_as_utf_8() -> None:
    digest = hashlib.sha256(b"\xc3\xa9:0").hexdigest()
    assert draw_seeds("\N{LATIN SMALL LETTER E WITH ACUTE}", 1) == (int(digest[:8], 16) % 2**31,)


def test_they_are_different_small_enough_and_do_not_depend_on_the_count() -> None:
    seeds = draw_seeds(TEXT, 10_000)
    assert len(set(seeds)) == 10_000
    assert min(seeds) >= 0
    assert max(seeds) < 2**31
    assert draw_seeds(TEXT, 7) == seeds[:7]
    assert draw_seeds(f"{TEXT}.", 7) != seeds[:7]


def test_a_repeated_seed_is_skipped() -> None:
    # Among 100 000 of 2^31 numbers about two are equal; of this text the first pair is skipped.
    text, count = "a public text", 100_000
    numbers = [
        int(hashlib.sha256(f"{text}:{i}".encode()).hexdigest()[:8], 16) % 2**31
        for i in range(count)
    ]
    different = tuple(dict.fromkeys(numbers))
    assert len(different) < count
    assert draw_seeds(text, len(different)) == different


def test_a_recipe_with_a_text_has_its_seeds_and_their_number() -> None:
    recipe = loaded(f"verify.seeds.from={TEXT}", "verify.seeds.count=7")
    assert recipe.verify.max_seeds == 7
    assert recipe.verify.seeds == DrawnSeeds(**{"from": TEXT, "count": 7})
    assert recipe.verify.seeds.drawn == draw_seeds(TEXT, 7)
    whole = loaded(f'verify.seeds={{from: "{TEXT}", count: 7}}')
    assert whole == recipe
    assert load_recipe(parse(to_yaml(recipe)).tree, check=False) == recipe
    assert (
        loaded(f"verify.seeds.from={TEXT}", "verify.seeds.count=7", "verify.max_seeds=7") == recipe
    )


def test_digits_in_an_override_are_text() -> None:
    seeds = loaded("verify.seeds.from=12", "verify.seeds.count=5").verify.seeds
    assert isinstance(seeds, DrawnSeeds)
    assert seeds.from_ == "12"


@pytest.mark.parametrize(
    ("seeds", "where", "problem"),
    [
        ({"from": TEXT}, "verify.seeds.count", "is missing"),
        ({"count": 5}, "verify.seeds.from", "is missing"),
        ({"from": TEXT, "count": 1}, "verify.seeds.count", "greater than or equal to 2, got 1"),
        ({"from": TEXT, "count": 4}, "verify.seeds.count", "must be at least 5"),
        ({"from": TEXT, "count": 10_001}, "verify.seeds.count", "less than or equal to 10000"),
        ({"from": TEXT, "count": "five"}, "verify.seeds.count", "integer, got 'five'"),
        ({"from": TEXT, "count": True}, "verify.seeds.count", "integer, got True"),
        ({"from": 12, "count": 5}, "verify.seeds.from", "must be text; put it in quotes, got 12"),
        ({"from": "", "count": 5}, "verify.seeds.from", "one line of printable text"),
        ({"from": " x", "count": 5}, "verify.seeds.from", "without spaces at its ends"),
        ({"from": "x\n", "count": 5}, "verify.seeds.from", "without spaces at its ends"),
        ({"from": "x\ny", "count": 5}, "verify.seeds.from", "one line of printable text"),
        ({"form": TEXT, "count": 5}, "verify.seeds.form", 'did you mean "from"'),
        ({}, "verify.seeds.from", "is missing"),
        (TEXT, "verify.seeds", "must be a list of at least 2"),
        ([7, 8, 9, 10, 7], "verify.seeds", "2 different whole numbers"),
    ],
)
def test_what_is_refused(seeds: Any, where: str, problem: str) -> None:
    tree = {**load_tree(), "verify": {"seeds": seeds}}
    with pytest.raises(InvalidRecipeError) as error:
        load_recipe(tree, check=False)
    assert any(p.where == where and problem in p.message for p in error.value.problems)


def load_tree() -> dict[str, Any]:
    tree = parse(to_yaml(loaded())).tree
    assert isinstance(tree, dict)
    return tree


@pytest.mark.parametrize("most", [5, 6, 8, 15])
def test_another_maximum_is_refused_because_it_would_pick_seeds(most: int) -> None:
    given = (f"verify.seeds.from={TEXT}", "verify.seeds.count=7", f"verify.max_seeds={most}")
    with pytest.raises(InvalidRecipeError, match=rf"verify.max_seeds: must be .*, 7, .*got {most}"):
        loaded(*given)
    with pytest.raises(ValueError, match=r"must be verify\.seeds\.count"):
        Recipe.model_validate({**load_tree(), "verify": {
            "seeds": {"from": TEXT, "count": 7}, "max_seeds": most}})  # fmt: skip


def test_the_fixed_horizon_limits_the_number_that_is_drawn() -> None:
    given = [f"verify.seeds.from={TEXT}", "verify.seeds.count=501", "verify.horizon=fixed"]
    with pytest.raises(InvalidRecipeError, match=r"verify.max_seeds: must be at most 500"):
        loaded(*given)
    assert loaded(*given[:2]).verify.max_seeds == 501


def test_a_list_keeps_the_default_maximum() -> None:
    assert Verify(seeds=(1, 2, 3, 4, 5)).max_seeds == 15
