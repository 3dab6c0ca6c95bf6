"""Mixup and CutMix, compared with the same batches mixed sample by sample and pixel by pixel."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from papertrial.objectives import CutMix, Mixup

DRAW = torch.Generator().manual_seed(1)
X = torch.randn(6, 2, 7, 9, generator=DRAW)
Y = torch.tensor([0, 1, 2, 2, 1, 0])


class Recorder(nn.Module):
    """A linear model that keeps the batch that it was called with."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.fc = nn.Linear(2 * 7 * 9, 3)
        self.seen = torch.empty(0)

    def forward(self, x: Tensor) -> Tensor:
        self.seen = x
        output: Tensor = self.fc(x.flatten(1))
        return output


def _draws(alpha: float, seed: int) -> tuple[float, list[int]]:
    """Draw the share and the partners as the paper's algorithm does: one of each a batch."""
    torch.manual_seed(seed)
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    return share, torch.randperm(len(X)).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_mixup_mixes_inputs_and_losses_with_one_share(seed: int) -> None:
    model = Recorder()
    share, partner = _draws(0.4, seed)
    torch.manual_seed(seed)
    loss, output = Mixup(alpha=0.4)(model, X, Y, F.cross_entropy)
    mixed = torch.stack([share * X[i] + (1 - share) * X[j] for i, j in enumerate(partner)])
    torch.testing.assert_close(model.seen, mixed)
    log_p = model.fc(mixed.flatten(1)).log_softmax(1)
    each = [-share * log_p[i, Y[i]] - (1 - share) * log_p[i, Y[j]] for i, j in enumerate(partner)]
    assert loss.item() == pytest.approx(torch.stack(each).mean().item(), rel=1e-5)
    torch.testing.assert_close(output.softmax(1), log_p.exp())


def test_mixup_mixes_named_targets_of_a_regression() -> None:
    y = {"a": torch.arange(6.0), "b": torch.arange(6.0) ** 2}

    def loss(output: Tensor, target: dict[str, Tensor]) -> Tensor:
        return F.mse_loss(output[:, 0], target["a"]) + F.mse_loss(output[:, 1], target["b"])

    model = Recorder()
    share, partner = _draws(1.0, 8)
    torch.manual_seed(8)
    got, output = Mixup(alpha=1.0)(model, X, y, loss)
    other = {name: one[partner] for name, one in y.items()}
    expected = share * loss(output, y) + (1 - share) * loss(output, other)
    assert got.item() == pytest.approx(expected.item())


@pytest.mark.parametrize("seed", range(12))
def test_cutmix_weights_targets_by_the_pixels_that_were_pasted(seed: int) -> None:
    model = Recorder()
    share, partner = _draws(1.0, seed)
    torch.manual_seed(seed)
    loss, output = CutMix()(model, X, Y, F.cross_entropy)
    pasted = model.seen != X  # all pixels of the samples differ from each other
    for i, j in enumerate(partner):
        area = pasted[i]
        torch.testing.assert_close(model.seen[i][area], X[j][area], rtol=0, atol=0)
    moved = [i for i, j in enumerate(partner) if i != j]
    counts = {int(pasted[i, 0].sum()) for i in moved}
    assert len(counts) == 1  # the same rectangle for every sample
    (count,) = counts
    rows, columns = pasted[moved[0], 0].any(1), pasted[moved[0], 0].any(0)
    assert count == rows.sum() * columns.sum()  # a full rectangle
    cut = math.sqrt(1 - share)
    assert rows.sum() <= 7 * cut
    assert columns.sum() <= 9 * cut
    kept = 1 - count / (7 * 9)
    expected = kept * F.cross_entropy(output, Y) + (1 - kept) * F.cross_entropy(output, Y[partner])
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_cutmix_mixes_as_many_batches_as_its_probability_says() -> None:
    model, objective, untouched = Recorder(), CutMix(probability=0.3), 0
    torch.manual_seed(0)
    for _ in range(400):
        loss, _ = objective(model, X, Y, F.cross_entropy)
        if model.seen is X:
            untouched += 1
            assert torch.equal(loss, F.cross_entropy(model(X), Y))
    assert 0.7 * 400 - 37 < untouched < 0.7 * 400 + 37  # 4 standard deviations


@pytest.mark.parametrize("objective", [Mixup(1.0), CutMix()], ids=["mixup", "cutmix"])
def test_draws_follow_the_generator_of_torch_and_leave_the_batch_unchanged(objective: Any) -> None:
    model, x, y = Recorder(), X.clone(), Y.clone()
    losses = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        losses.append(objective(model, x, y, F.cross_entropy)[0].item())
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(x, X)
    assert torch.equal(y, Y)


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda: Mixup(alpha=0), "got 0"),
        (lambda: Mixup(alpha=float("nan")), "nan"),
        (lambda: CutMix(alpha=-1), "-1"),
        (lambda: CutMix(probability=1.5), "1.5"),
    ],
)
def test_arguments_out_of_range_are_refused(make: Any, value: str) -> None:
    with pytest.raises(ValueError, match=value):
        make()


@pytest.mark.parametrize(
    ("objective", "x", "got"),
    [
        (Mixup(), torch.ones(4, 3, dtype=torch.int64), "torch.int64"),
        (Mixup(), {"a": torch.ones(4)}, "dict"),
        (CutMix(), torch.ones(4, 3), r"\[4, 3\]"),
    ],
)
def test_inputs_that_cannot_be_mixed_are_refused(objective: Any, x: Any, got: str) -> None:
    with pytest.raises(ValueError, match=got):
        objective(Recorder(), x, Y[:4], F.cross_entropy)
