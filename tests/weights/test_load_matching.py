"""Which tensors of a file a model gets, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from papertrial.errors import ModelError
from papertrial.weights.load_matching import load_matching


class Net(nn.Module):
    def __init__(self, classes: int = 3) -> None:
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5))
        self.fc = nn.Linear(5, classes)


def given(classes: int = 3, prefix: str = "") -> dict[str, Tensor]:
    torch.manual_seed(1)
    return {f"{prefix}{n}": t + 1 for n, t in Net(classes).state_dict().items()}


def test_everything_is_loaded_and_listed() -> None:
    model, tensors = Net(), given()
    found = load_matching(model, tensors, "init_from")
    assert all(torch.equal(t, tensors[n]) for n, t in model.state_dict().items())
    assert found.loaded == tuple(model.state_dict())
    assert (found.skipped, found.missing, found.unused) == ((), (), ())
    assert found.lines == ("loaded 9 of 9 tensors",)


def test_a_head_of_another_shape_is_an_error_unless_it_is_skipped() -> None:
    model, tensors = Net(), given(classes=10)
    before = model.fc.weight.detach().clone()
    with pytest.raises(ModelError) as caught:
        load_matching(model, tensors, "init_from")
    assert "fc.weight [10, 5] instead of [3, 5]" in str(caught.value)
    assert 'skip: ["fc.*"]' in str(caught.value)
    found = load_matching(model, tensors, "init_from", skip=["fc.*"])
    assert found.skipped == ("fc.weight", "fc.bias")
    assert torch.equal(model.fc.weight, before)
    assert torch.equal(model.backbone[0].weight, tensors["backbone.0.weight"])


def test_what_is_missing_and_unused_is_listed() -> None:
    tensors = given() | {"old.head": torch.ones(1)}
    del tensors["fc.bias"], tensors["backbone.1.num_batches_tracked"]
    found = load_matching(Net(), tensors, "init_from")
    assert (found.missing, found.unused) == (("fc.bias",), ("old.head",))
    assert "missing in the file, initialised instead: fc.bias" in found.lines


def test_names_are_renamed_by_their_beginnings() -> None:
    model = Net()
    tensors = {n.replace("backbone.", "enc.net."): t for n, t in given().items()}
    found = load_matching(model, tensors, "x", rename={"enc.": "nothing.", "enc.net.": "backbone."})
    assert len(found.loaded) == 9
    whole = load_matching(model.backbone, given(), "x", rename={"backbone.": ""}, skip=["fc.*"])
    assert (len(whole.loaded), whole.unused) == (7, ())
    inner = Net().backbone.state_dict()
    assert len(load_matching(model, inner, "x", rename={"": "backbone."}).loaded) == 7


def test_a_shared_tensor_under_one_of_its_names_is_not_missing() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    found = load_matching(model, {"0.weight": torch.eye(3)}, "x")
    assert found.missing == ("0.bias", "1.bias")


@pytest.mark.parametrize(
    ("tensors", "more", "message"),
    [
        (given(prefix="net."), {}, r'x: no tensor .*set x.rename: \{"net.": ""\}'),
        ({"0.weight": torch.ones(5, 4)}, {}, r'set x.rename: \{"": "backbone."\}'),
        (given(), {"skip": ["head.*"]}, r"x.skip: 'head.\*' matches no name"),
        (given(), {"skip": ["fx.*"]}, r'did you mean "fc.\*"'),
        (given(), {"rename": {"enc.": ""}}, "x.rename: no name in the file begins with 'enc.'"),
        (given(), {"rename": {"fc.w": "fc.b", "fc.weight": "fc.bias"}}, "get the name 'fc.bias'"),
        (given(), {"skip": ["*"]}, "x: no tensor of the file has the name"),
    ],
)
def test_what_does_not_match_is_refused(
    tensors: dict[str, Tensor], more: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        load_matching(Net(), tensors, "x", **more)  # type: ignore[arg-type]
