"""The reference of a recipe's keys, generated from the schema."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field
from typer.testing import Result

from papertrial.recipe.claims import Claim, PlusMinus, Versus
from papertrial.recipe.reference import sections, to_markdown
from papertrial.recipe.schema import Recipe
from papertrial.recipe.section import Section

PAGE = Path(__file__).parents[2] / "docs" / "recipe-reference.md"


class Inner(Section):
    """An inner section."""

    size: int = Field(default=3, ge=1, le=9, description="Size in pixels.")
    note: str | None = None


class Outer(Section):
    """An outer section."""

    mode: Literal["a", "b"] = Field(description="Either | or.")
    inner: Inner | None = Field(default=None, description="More.")
    many: tuple[Inner, ...] = Field(default=(), description="Several.")


def test_the_committed_page_is_the_generated_one() -> None:
    # Regenerate: papertrial schema --markdown > docs/recipe-reference.md
    assert PAGE.read_text("utf-8") == to_markdown()


def test_the_command_prints_the_page(invoke: Callable[..., Result]) -> None:
    done = invoke("schema", "--markdown")
    assert done.exit_code == 0
    assert done.stdout == to_markdown()


def test_each_description_is_a_sentence() -> None:
    for where, model in sections(Recipe):
        assert model.__doc__, where
        for key, field in model.model_fields.items():
            assert field.description, f"{where}.{key}"
            assert field.description[0].isupper() or field.description[0] == "`", f"{where}.{key}"
            assert field.description.endswith((".", "...")), f"{where}.{key}"


def test_the_sections_are_found_through_options_and_lists() -> None:
    found = dict(sections(Recipe))
    assert found["claims[]"] is Claim
    assert found["claims[].plus_minus"] is PlusMinus
    assert found["claims[].versus"] is Versus
    assert {"data.splits", "data.table", "scheduler", "verify", "slot"} <= set(found)


@pytest.mark.parametrize(
    "row",
    [
        "| `mode` | `a`, `b` | required | Either \\| or. |",
        "| `inner` | [section](#inner) | - | More. |",
        "| `many` | list of [section](#many) | `[]` | Several. |",
        "| `size` | integer ≥ 1, ≤ 9 | `3` | Size in pixels. |",
    ],
)
def test_a_row_has_key_type_default_and_meaning(row: str) -> None:
    assert row in to_markdown(Outer).splitlines()
