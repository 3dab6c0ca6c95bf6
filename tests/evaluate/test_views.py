"""Test-time augmentation: the mean of the outputs for several views, by independent formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.data.column import DenseColumn
from papertrial.data.pipeline import Pipeline
from papertrial.data.streams import generator
from papertrial.errors import ModelError
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.evaluate.views import Views

IMAGES = torch.randint(0, 256, (7, 3, 6, 5), generator=generator(0, "x"), dtype=torch.uint8)
X = IMAGES.float() / 255


class Net(nn.Module):
    """Its output depends on where a pixel is."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.last = nn.Linear(90, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.last(x.flatten(1)).square()
        return out


def airbench(net: nn.Module, x: Tensor) -> Tensor:
    """The evaluation of airbench94, as its code has it."""

    def mirror(x: Tensor) -> Tensor:
        return 0.5 * net(x) + 0.5 * net(x.flip(-1))

    padded = F.pad(x, (1,) * 4, "reflect")
    h, w = x.shape[2:]
    translated = [padded[:, :, 0:h, 0:w], padded[:, :, 2 : h + 2, 2 : w + 2]]
    moved = torch.stack([mirror(one) for one in translated]).mean(0)
    return 0.5 * mirror(x) + 0.5 * moved


def outputs(views: Views | None, batch_size: int = 3) -> Tensor:
    pipeline, column = Pipeline("image"), DenseColumn(IMAGES)
    prepared = PreparedModel(
        Net(), pipeline, pipeline.fit(column), torch.device("cpu"),
        batch_size=batch_size, views=views,
    )  # fmt: skip
    return prepared.forward(column, stream=0)


def test_flip_and_shift_are_those_of_airbench() -> None:
    net = Net()
    with torch.no_grad():
        torch.testing.assert_close(outputs(Views(True, 1)), airbench(net, X), rtol=1e-6, atol=1e-6)
        flipped = (net(X) + net(X.flip(3))) / 2
        torch.testing.assert_close(outputs(Views(flip=True)), flipped, rtol=1e-6, atol=1e-6)
        assert not torch.allclose(outputs(None), outputs(Views(flip=True)))


def test_own_views_count_as_much_as_the_sample() -> None:
    net = Net()
    darker, turned = (lambda x: x * 0.5), (lambda x: x.flip(2))
    with torch.no_grad():
        expected = (net(X) + net(X * 0.5) + net(X.flip(2))) / 3
        found = outputs(Views(own=[darker, turned]))
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
        expected = (airbench(net, X) + airbench(net, X * 0.5)) / 2
        torch.testing.assert_close(outputs(Views(True, 1, [darker])), expected)


def test_outputs_of_views_do_not_depend_on_the_batch_size_beyond_rounding() -> None:
    torch.testing.assert_close(outputs(Views(True, 2), 1), outputs(Views(True, 2), 7))


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (Views(shift=5), r"evaluate.augment.shift: .*6 x 5, got 5"),
        (
            Views(own=[lambda x: x, lambda x: x[:1]]),
            r"evaluate.augment.views.1: .*\[1, 4\].*\[3, 4\]",
        ),
    ],
)
def test_views_that_do_not_fit_the_samples_are_refused(views: Views, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        outputs(views)


def test_flip_of_what_is_not_an_image_is_refused() -> None:
    with pytest.raises(ModelError, match=r"evaluate.augment: flip and shift are for images"):
        Views(flip=True).outputs(nn.Identity(), torch.zeros(3, 2))
