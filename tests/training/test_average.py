"""Averaged weights: the numbers, when they are updated, and the training that stays the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from papertrial.errors import ModelError
from papertrial.training.average import AveragedWeights, AverageRule, check_updates

EPOCH = 7  # steps
Make = Callable[..., Any]


def averaged(training: Any, **rule: Any) -> AveragedWeights:
    """Give a training an average of its weights."""
    rule = {"decay": 0.9, "start": 0, "every": 1, **rule}
    made = AveragedWeights(
        training.state.model, AverageRule(**rule), training.batches, seed=training.seed
    )
    training.state.average = made
    return made


def history(training: Any, steps: int) -> list[dict[str, Tensor]]:
    """The weights after each step of a training, in float64."""
    kept = []
    for _ in training.steps(steps, every=(1,)):
        state = training.weights()
        kept.append({k: v.double() if v.is_floating_point() else v for k, v in state.items()})
    return kept


@pytest.mark.parametrize(("start", "every"), [(0, 1), (3, 1), (2, 4)])
def test_a_moving_average_is_that_of_all_weights_and_buffers(
    make_training: Make, start: int, every: int
) -> None:
    training = make_training()
    average = averaged(training, decay=0.8, start=start, every=every)
    weights = history(training, 13)
    due = [w for step, w in enumerate(weights, 1) if step > start and step % every == 0]
    assert average.updates == len(due) == average.rule.updates(13)
    average.refresh(13)
    found = average.model.state_dict()
    for name, value in found.items():
        expected = due[0][name]
        for w in due[1:]:
            expected = 0.8 * expected + 0.2 * w[name]
        if value.is_floating_point():
            torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
        else:
            assert value == due[-1][name]  # num_batches_tracked
    assert not torch.equal(found["5.weight"], training.state.model.state_dict()["5.weight"])


def test_a_mean_of_weights_has_batch_statistics_of_its_own(make_training: Make) -> None:
    training = make_training(seed=3)
    average = averaged(training, decay=None, start=EPOCH, every=EPOCH)
    ends = history(training, 3 * EPOCH)[EPOCH - 1 :: EPOCH]
    average.refresh(3 * EPOCH)
    found = average.model.state_dict()
    for name in ("0.weight", "0.bias", "1.weight", "5.weight", "5.bias"):
        mean = (ends[1][name] + ends[2][name]) / 2
        torch.testing.assert_close(found[name].double(), mean, rtol=1e-5, atol=1e-6)
    # The statistics, computed again with another convolution: means over the batches of epoch 2.
    batches = [training.batches.batch(3, 2, step).x for step in range(EPOCH)]
    maps = [
        torch.nn.functional.conv2d(
            x.double(), found["0.weight"].double(), found["0.bias"].double()
        ).transpose(0, 1).flatten(1)
        for x in batches
    ]  # fmt: skip
    means = torch.stack([m.mean(1) for m in maps]).mean(0)
    variances = torch.stack([m.var(1) for m in maps]).mean(0)
    torch.testing.assert_close(found["1.running_mean"].double(), means, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["1.running_var"].double(), variances, rtol=1e-4, atol=1e-6)
    assert [m.momentum for m in average.model.modules() if isinstance(m, nn.BatchNorm2d)] == [0.1]


def test_refreshing_twice_gives_the_same_bits_and_leaves_the_generators(
    make_training: Make,
) -> None:
    training = make_training(dropout=0.5)
    average = averaged(training, decay=None, start=0, every=2)
    list(training.steps(5))
    before = torch.get_rng_state()
    average.refresh(5)
    first = {k: v.clone() for k, v in average.model.state_dict().items()}
    average.refresh(5)
    assert all(torch.equal(v, first[k]) for k, v in average.model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_weights_themselves_are_evaluated_before_the_first_update(
    make_training: Make,
) -> None:
    training = make_training()
    average = averaged(training, start=10)
    list(training.steps(4))
    average.refresh(4)
    assert all(torch.equal(v, average.model.state_dict()[k]) for k, v in training.weights().items())
    with pytest.raises(ModelError, match="after 4 steps") as error:
        average.check_started(4)
    assert "average.start" in str(error.value)


@pytest.mark.parametrize("decay", [0.9, None])
def test_an_average_does_not_change_the_training(make_training: Make, decay: float | None) -> None:
    plain, other = make_training(dropout=0.3), make_training(dropout=0.3)
    average = averaged(other, decay=decay)
    list(plain.steps(10))
    for progress in other.steps(10, every=(3,)):
        average.refresh(progress.step)
    assert all(torch.equal(v, other.weights()[k]) for k, v in plain.weights().items())


def test_an_average_goes_on_from_a_stored_state(make_training: Make) -> None:
    whole, first, second = (make_training() for _ in range(3))
    for training in (whole, first, second):
        averaged(training)
    list(whole.steps(9))
    list(first.steps(4))
    second.state.load_state_dict(copy.deepcopy(first.state.state_dict()))
    list(second.steps(9))
    expected = whole.state.average.state_dict()
    assert all(torch.equal(v, expected[k]) for k, v in second.state.average.state_dict().items())


@pytest.mark.parametrize(
    ("start", "every", "steps", "updates"),
    [(0, 1, 5, 5), (5, 1, 5, 0), (4, 1, 5, 1), (0, 7, 20, 2), (7, 7, 13, 0), (8, 7, 14, 1)],
)
def test_an_average_without_updates_is_refused(
    start: int, every: int, steps: int, updates: int
) -> None:
    rule = AverageRule(None, start, every)
    assert rule.updates(steps) == updates
    if updates:
        check_updates(rule, steps, EPOCH)
    else:
        with pytest.raises(ModelError, match=f"has {steps} steps"):
            check_updates(rule, steps, EPOCH)


def test_a_model_that_cannot_be_copied_is_refused(make_training: Make) -> None:
    class Uncopied(nn.Linear):
        def __deepcopy__(self, memo: object) -> Any:
            raise TypeError("cannot pickle a lock")

    training = make_training(model=nn.Sequential(nn.Flatten(), Uncopied(64, 10)))
    with pytest.raises(ModelError, match=r"average: .* cannot be copied: cannot pickle"):
        averaged(training)
