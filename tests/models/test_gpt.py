"""The GPT has the size of nanoGPT's, and equals torch's own attention and layers."""

from __future__ import annotations

import math

import torch
from torch.nn import functional as F

from papertrial.models.gpt import GPT


def small() -> GPT:
    torch.manual_seed(0)
    model = GPT(vocabulary=11, length=6, layers=2, heads=2, width=8, dropout=0.5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
    return model.eval()


def test_it_equals_the_same_network_written_with_torchs_attention() -> None:
    model = small()
    x = torch.randint(11, (3, 5))
    state = {name: value.detach() for name, value in model.named_parameters()}
    hidden = state["tokens.weight"][x] + state["places.weight"][:5]
    for block in ("blocks.0.", "blocks.1."):
        normed = F.layer_norm(hidden, (8,), state[block + "attention_norm.weight"])
        query, key, value = (normed @ state[block + "attend.weight"].T).chunk(3, 2)
        heads = [one.reshape(3, 5, 2, 4).transpose(1, 2) for one in (query, key, value)]
        seen = F.scaled_dot_product_attention(*heads, is_causal=True)
        hidden = hidden + seen.transpose(1, 2).reshape(3, 5, 8) @ state[block + "join.weight"].T
        wide = F.gelu(
            F.layer_norm(hidden, (8,), state[block + "norm.weight"])
            @ state[block + "widen.weight"].T
        )
        hidden = hidden + wide @ state[block + "narrow.weight"].T
    expected = F.layer_norm(hidden, (8,), state["norm.weight"]) @ state["tokens.weight"].T
    torch.testing.assert_close(model(x), expected)


def test_a_place_sees_no_later_token() -> None:
    model = small()
    x = torch.randint(11, (1, 6))
    other = x.clone()
    other[0, 4] = (x[0, 4] + 1) % 11
    torch.testing.assert_close(model(x)[:, :4], model(other)[:, :4])
    assert not torch.allclose(model(x)[:, 4:], model(other)[:, 4:])


def test_the_one_of_nanogpt_has_its_size_and_first_weights() -> None:
    # nanoGPT prints 10.65M for this configuration, without the 256 x 384 of the places.
    model = GPT(65, 256)
    assert sum(p.numel() for p in model.parameters()) == 10_745_088
    assert sum(p.numel() for p in model.parameters()) - 256 * 384 == 10_646_784
    deviations = {name: p.std().item() for name, p in model.named_parameters() if p.ndim == 2}
    for name, found in deviations.items():
        residual = "join" in name or "narrow" in name
        assert math.isclose(found, 0.02 / math.sqrt(12) if residual else 0.02, rel_tol=0.05)
    assert all((p == 1).all() for p in model.parameters() if p.ndim == 1)
