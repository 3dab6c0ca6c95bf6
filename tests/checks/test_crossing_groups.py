"""Groups whose rows a random split separates are reported, other repeated values are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from papertrial.checks.crossing_groups import crossing_groups
from papertrial.data.sources.spec import LoadedSet
from papertrial.data.splits import cut

LoadTable = Callable[..., LoadedSet]
DRAW = np.random.default_rng(6)
WHO = np.repeat(np.arange(30), 6)
ROWS = len(WHO)
LEVELS = DRAW.normal(size=(30, 3))
NEAR = LEVELS[WHO] + DRAW.normal(0, 0.05, (ROWS, 3))
NOISE = DRAW.normal(size=(ROWS, 3))
SICK = DRAW.integers(0, 2, 30)[WHO]
RANDOM = DRAW.integers(0, 2, ROWS)


def found(loaded: LoadedSet, **cuts: Any) -> dict[str, Any]:
    dataset = cut(loaded.dataset, **cuts or {"test": 0.25})
    problems, names = crossing_groups(loaded, dataset, is_stratified=False)
    return dict(zip(names, problems, strict=True))


def columns(x: np.ndarray, y: Sequence[Any], **more: Sequence[Any]) -> dict[str, Sequence[Any]]:
    return {**more, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y}


@pytest.mark.parametrize("chosen", [None, ["a", "b", "c"]])  # also a column that is no feature
def test_rows_of_a_patient_are_near_each_other(
    chosen: Sequence[str] | None, load_table: LoadTable
) -> None:
    table = columns(NEAR, RANDOM, patient=DRAW.permutation(900)[WHO])
    warning = found(load_table(table, features=chosen))["patient"]
    assert warning.where == "data.splits.group"
    assert "45 of 45 test rows have a patient that training rows have" in warning.message
    assert "30 values in 180 rows" in warning.message
    # 5 of the 179 other rows are of the same patient.
    assert "of rows (2.79 % by chance)" in warning.message
    assert "same target" not in warning.message
    assert warning.fix.startswith("set data.splits.group: patient")
    assert ("is then not a feature" in warning.fix) == (chosen is None)


def test_texts_that_share_the_target(load_table: LoadTable) -> None:
    names = np.array([f"film {k}" for k in range(30)])[WHO]
    table = columns(NOISE, SICK, film=names)
    warning = found(load_table(table, features=["a", "b", "c"]))["film"]
    share = SICK.mean()
    chance = 100 * (share**6 + (1 - share) ** 6)
    assert f"in 100 % of cases ({chance:.3g} % by chance)" in warning.message
    assert "nearest" not in warning.message
    of_numbers = columns(NOISE, LEVELS[WHO, 0] * 9 + NOISE[:, 0] / 99, film=names)
    told = found(load_table(of_numbers, features=["a", "b", "c"], numbers=True))
    assert "of the variance of the target is between them" in told["film"].message


def test_last_rows_and_groups_that_do_not_cross(load_table: LoadTable) -> None:
    loaded = load_table(columns(NEAR, RANDOM, patient=WHO))
    assert found(loaded, test=60, draw="last") == {}
    assert "2 of 62 test" in found(loaded, test=62, draw="last")["patient"].message
    assert found(loaded, validation=0.25)["patient"].message.count("validation rows") == 1


def rows(count: int) -> dict[str, np.ndarray]:
    """A table of people, homes and ratings without groups."""
    draw = np.random.default_rng(7)
    age = draw.integers(18, 80, count)
    rating, city = draw.integers(1, 11, count), draw.integers(0, 40, count)
    spread = draw.normal(size=(count, 4))
    codes = np.array(["eins", "zwei", "drei", "vier", "acht", "neun", "zehn", "elf", "x", "z"])
    return {
        "sex": draw.choice(["f", "m"], count), "age": age, "rating": rating, "zip": 1000 + city,
        "level": codes[rating - 1], "income": age * 900 + spread[:, 0] * 3000,
        "pressure": (age + spread[:, 1] * 3).round(), "size": spread[:, 2] + city % 5,
        "month": draw.integers(1, 13, count), "user_rating": rating,
        "day": [f"2024-01-{k % 28 + 1:02d}" for k in range(count)],
        "y": (spread[:, 3] + age / 20 > 2.4).astype(int),
    }  # fmt: skip


def test_ages_ratings_cities_and_dates_are_not_groups(load_table: LoadTable) -> None:
    table = rows(1000)
    kept = ["sex", "age", "rating", "level", "income", "pressure", "size"]
    assert found(load_table(table, features=kept, categorical=["sex", "level"])) == {}


def test_a_measured_number_whose_neighbours_are_alike_is_not_a_group(load_table: LoadTable) -> None:
    year = np.repeat(np.arange(40), 5)  # the features follow it, so that nearest rows are of it
    x = np.stack([year * 1.0, year**1.5, -year], 1) + DRAW.normal(0, 0.05, (200, 3))
    assert found(load_table(columns(x, year > 20, built=year))) == {}
    arbitrary = DRAW.permutation(40)[year]
    assert list(found(load_table(columns(x, year > 20, built=arbitrary)))) == ["built"]


def test_a_column_made_from_the_classes_is_not_a_group(load_table: LoadTable) -> None:
    kinds = WHO % 15
    table = columns(LEVELS[kinds], kinds, code=DRAW.permutation(15)[kinds])
    assert found(load_table(table, features=["a", "b", "c"])) == {}
