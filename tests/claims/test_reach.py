"""By when a target is reached."""

from __future__ import annotations

import pytest

from papertrial.claims.reach import Reach, worst_from


def test_points_in_words() -> None:
    reach = Reach(5_960, "step", (5_960, 6_000, 6_200))
    assert reach.at(6_200) == "step 6,200"
    assert reach.since == "from step 5,960 on"
    assert Reach(3, "epoch", (1, 2, 3)).since == "at epoch 3"
    assert Reach(3, "epoch", (1, 2, 3)).index == 2


@pytest.mark.parametrize(("at_most", "worst"), [(True, 3.0), (False, 1.0)])
def test_the_worst_value_from_a_point_on(at_most: bool, worst: float) -> None:
    assert worst_from([9.0, 2.0, 3.0, 1.0], 1, at_most=at_most) == worst
