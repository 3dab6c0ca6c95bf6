"""The network for tables with codes."""

from __future__ import annotations

import pytest
import torch

from papertrial.models import TableEmbeddings


def test_codes_are_embedded_before_the_other_columns() -> None:
    model = TableEmbeddings(3, columns=[1], rows=[4], size=2, hidden=[], out_features=1)
    x = torch.tensor([[0.5, 2.0, -1.0], [0.5, 0.0, -1.0]])
    (table,), (linear,) = model.embeddings, model.layers
    known = torch.cat([table.weight[2], torch.tensor([0.5, -1.0])])
    unknown = torch.tensor([0.0, 0.0, 0.5, -1.0])
    expected = torch.stack([known, unknown]) @ linear.weight.T + linear.bias
    assert torch.allclose(model(x), expected)


@pytest.mark.parametrize(("columns", "rows"), [([0, 1], [3]), ([3], [3]), ([-1], [3])])
def test_columns_and_rows_must_fit(columns: list[int], rows: list[int]) -> None:
    with pytest.raises(ValueError, match="columns"):
        TableEmbeddings(3, columns, rows, size=2, hidden=[4], out_features=1)
