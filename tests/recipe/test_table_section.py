"""The section data.table: what its values mean."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from papertrial.recipe.table_section import Columns


def test_a_list_of_dates_stands_for_days() -> None:
    assert Columns.model_validate({"dates": ["a", "b"]}).date_parts == {
        "a": ("days",),
        "b": ("days",),
    }
    parts = {"a": ["year", "weekday"]}
    assert Columns.model_validate({"dates": parts}).date_parts == {"a": ("year", "weekday")}


@pytest.mark.parametrize("encoding", ["utf-9", "rot13", "hex", "", "a\0b"])
def test_an_encoding_is_one_of_pythons_for_text(encoding: str) -> None:
    with pytest.raises(ValidationError, match=r"unknown encoding .*cp1252"):
        Columns.model_validate({"encoding": encoding})
    assert Columns.model_validate({"encoding": "EUC-KR"}).encoding == "EUC-KR"
