"""The errors: their family, how a problem is written, the nearest valid name."""

from __future__ import annotations

import pytest

from papertrial import errors
from papertrial.errors import InvalidRecipeError, PapertrialError, Problem, did_you_mean


@pytest.mark.parametrize(
    "name",
    [
        "RecipeError",
        "InvalidRecipeError",
        "DataError",
        "ModelError",
        "DivergedError",
        "ProgramFailedError",
        "RunError",
        "PredictionInputError",
        "DeviceError",
    ],
)
def test_every_error_is_a_papertrial_error_and_a_value_error(name: str) -> None:
    assert issubclass(getattr(errors, name), PapertrialError)
    assert issubclass(PapertrialError, ValueError)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("optimizer.lr", "is wrong"), "optimizer.lr: is wrong"),
        (Problem("optimizer.lr", "is wrong", line=7), "line 7, optimizer.lr: is wrong"),
        (Problem("a", "is wrong", origin='override "a=1"'), 'override "a=1", a: is wrong'),
        (Problem("a", "is wrong", line=7, origin="elsewhere"), "line 7, a: is wrong"),
        (Problem("", "YAML syntax error: x", line=2), "line 2, YAML syntax error: x"),
        (Problem("", "is wrong"), "is wrong"),
    ],
)
def test_a_problem_reads_place_key_path_message(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_invalid_recipe_lists_its_problems_by_line_those_without_a_line_last() -> None:
    error = InvalidRecipeError(
        "r.yaml",
        [
            Problem("seed", "is missing"),
            Problem("b", "second of line 3", line=3),
            Problem("epochs", "far down", line=12),
            Problem("a", "is first", line=1),
            Problem("a", "comes after b", line=3),
        ],
    )
    assert [p.where for p in error.problems] == ["a", "b", "a", "epochs", "seed"]
    assert str(error) == (
        "r.yaml: 5 problems in this recipe\n"
        "  - line 1, a: is first\n"
        "  - line 3, b: second of line 3\n"
        "  - line 3, a: comes after b\n"
        "  - line 12, epochs: far down\n"
        "  - seed: is missing"
    )


def test_one_problem_is_singular_and_the_source_is_kept() -> None:
    error = InvalidRecipeError("r.yaml", iter([Problem("a", "is wrong", line=1)]))
    assert str(error) == "r.yaml: 1 problem in this recipe\n  - line 1, a: is wrong"
    assert error.source == "r.yaml"


@pytest.mark.parametrize(
    ("got", "valid", "text"),
    [
        ("acuracy", ["recall", "accuracy", "loss"], '; did you mean "accuracy"?'),
        ("zzz", ["b", "a", "a"], "; valid: a, b"),
        ("zzz", [], ""),
        (
            "zzz",
            [f"n{i:02}" for i in range(24)],
            "; valid: " + ", ".join(f"n{i:02}" for i in range(24)),
        ),
        ("zzz", [f"n{i:02}" for i in range(25)], ""),
        (1, ["1_000", "10"], '; did you mean "10"?'),
        (None, ["abc"], "; valid: abc"),
    ],
)
def test_did_you_mean_names_the_nearest_else_all_of_a_short_list(
    got: object, valid: list[str], text: str
) -> None:
    assert did_you_mean(got, valid) == text


@pytest.mark.parametrize(
    ("got", "valid", "near"),
    [
        ("Relu", ["ELU", "ReLU", "RReLU", "RNN"], "ReLU"),
        ("Rellu", ["RNNCell", "ReLU"], "ReLU"),
        ("sgd", ["ASGD", "Adam", "SGD"], "SGD"),
    ],
)
def test_the_case_of_letters_hides_no_name(got: str, valid: list[str], near: str) -> None:
    assert did_you_mean(got, valid) == f'; did you mean "{near}"?'
