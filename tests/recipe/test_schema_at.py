"""The section of the schema at a key path."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from papertrial.recipe.claims import Claim, PlusMinus, Versus
from papertrial.recipe.data_section import Data, Splits
from papertrial.recipe.evaluation_sections import Evaluate
from papertrial.recipe.plain_values import KeyPath
from papertrial.recipe.schema import Paper, Recipe, schema_at
from papertrial.recipe.slot import MetricSlot, SchedulerSlot, Slot
from papertrial.recipe.verify import DrawnSeeds, Verify


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ((), Recipe),
        (("data",), Data),
        (("data", "splits"), Splits),
        (("data", "transform", 3), Slot),
        (("scheduler",), SchedulerSlot),
        (("claims", 0), Claim),
        (("claims", 0, "versus"), Versus),
        (("claims", 0, "plus_minus"), PlusMinus),
        (("claims", 0, "versus", "set"), None),
        (("verify",), Verify),
        (("verify", "seeds"), DrawnSeeds),
        (("verify", "seeds", "from"), None),
        (("paper",), Paper),
        (("evaluate",), Evaluate),
        (("model",), Slot),
        (("model", "hidden"), None),
        (("name",), None),
        (("metrics", 0), MetricSlot),
        (("nothing", "here"), None),
    ],
)
def test_schema_at(path: KeyPath, section: type[BaseModel] | None) -> None:
    assert schema_at(path) is section
