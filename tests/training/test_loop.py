"""The training loop against plain PyTorch loops, and its records."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer, lr_scheduler

from papertrial.data.column import Dataset
from papertrial.data.images.transforms import RandomCrop
from papertrial.errors import DivergedError, ModelError
from papertrial.evaluate.prepared_model import PreparedModel
from papertrial.training.device import numerics

EPOCH = 7  # steps
Make = Callable[..., Any]


def _same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def _plain(
    training: Any, steps: int, clip: float | None = None, each: Callable[..., None] | None = None
) -> tuple[list[float], list[float]]:
    """Train by hand; return the loss and the learning rate of each step."""
    model, optimizer = training.state.model.train(), training.state.optimizer
    losses, rates = [], []
    for step in range(steps):
        x, y = training.batches.batch(training.seed, step // EPOCH, step % EPOCH)
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        losses.append(loss.item())
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if each is not None:
            each(step)
    return losses, rates


def _sgd(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3)


def _adam(p: list[nn.Parameter]) -> Optimizer:
    return torch.optim.Adam(p, lr=0.01, fused=True)


@pytest.mark.parametrize("optimizer", [_sgd, _adam])
@pytest.mark.parametrize("clip", [None, 0.5])
def test_the_weights_are_those_of_a_plain_loop_bit_for_bit(
    make_training: Make, optimizer: Any, clip: float | None
) -> None:
    ours, plain = make_training(optimizer), make_training(optimizer)
    assert _same(ours.weights(), plain.weights())
    records = list(ours.steps(2 * EPOCH + 3, clip_norm=clip, every=(1,)))
    losses, _ = _plain(plain, 2 * EPOCH + 3, clip)
    assert _same(ours.weights(), plain.weights())
    assert [r.loss for r in records] == losses


@pytest.mark.parametrize("threads", [1, 2])
def test_a_seed_gives_the_same_weights_again_and_another_seed_others(
    make_training: Make, threads: int
) -> None:
    torch.set_num_threads(threads)
    weights = []
    for seed in (3, 3, 4):
        training = make_training(seed=seed, dropout=0.5, augment=[RandomCrop(1)])
        list(training.steps(EPOCH + 1))
        weights.append(training.weights())
    assert _same(weights[0], weights[1])
    assert not torch.equal(weights[0]["5.weight"], weights[2]["5.weight"])


@pytest.mark.parametrize("source", ["dropout", "shuffle", "augment"])
def test_each_source_of_chance_follows_the_seed(make_training: Make, source: str) -> None:
    choices: dict[str, dict[str, Any]] = {
        "dropout": {"dropout": 0.5, "shuffle": False},
        "shuffle": {"shuffle": True},
        "augment": {"augment": [RandomCrop(1)], "shuffle": False},
    }
    weights = []
    for seed in (3, 4):
        training = make_training(seed=seed, **choices[source])
        list(training.steps(3))
        weights.append(training.weights())
    assert not torch.equal(weights[0]["5.weight"], weights[1]["5.weight"])


def test_dropout_differs_from_step_to_step_and_from_epoch_to_epoch(make_training: Make) -> None:
    training = make_training(lambda p: torch.optim.SGD(p, lr=0.0), dropout=0.5, shuffle=False)
    outputs = [r.output for r in training.steps(2 * EPOCH, every=(1,))]
    masks = {tuple(output[0].tolist()) for output in outputs}
    assert len(masks) == 2 * EPOCH
    assert not torch.equal(outputs[0], outputs[EPOCH])


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ((100,), [7, 14, 17]),
        ((3,), [3, 6, 7, 9, 12, 14, 15, 17]),
        ((5, 4), [4, 5, 7, 8, 10, 12, 14, 15, 16, 17]),
        ((1,), list(range(1, 18))),
    ],
)
def test_records_come_at_the_right_steps_with_the_mean_loss_since(
    make_training: Make, every: tuple[int, ...], expected: list[int]
) -> None:
    records = list(make_training().steps(17, every=every))
    losses, _ = _plain(make_training(), 17)
    assert [r.step for r in records] == expected
    for before, record in zip([0, *expected], records, strict=False):
        since = losses[before : record.step]
        assert record.loss == pytest.approx(sum(since) / len(since), rel=1e-6)
        assert record.epoch == math.ceil(record.step / EPOCH)
        assert record.end_of_epoch == (record.step % EPOCH == 0)
        assert len(record.output) == len(record.y) == (4 if record.end_of_epoch else 16)
        assert record.samples_per_second > 0
        assert record.epoch_seconds > 0


def test_epoch_seconds_start_again_with_each_epoch(make_training: Make) -> None:
    records = list(make_training().steps(2 * EPOCH, every=(1,)))
    seconds = [r.epoch_seconds for r in records]
    assert seconds[:EPOCH] == sorted(seconds[:EPOCH])
    assert seconds[EPOCH:] == sorted(seconds[EPOCH:])
    assert seconds[EPOCH] < seconds[EPOCH - 1]


def test_a_finished_training_takes_no_step(make_training: Make) -> None:
    training = make_training()
    list(training.steps(4))
    before = training.weights()
    assert list(training.steps(4)) == []
    assert _same(training.weights(), before)


def test_an_evaluation_between_steps_changes_no_result(make_training: Make) -> None:
    evaluated, left = (make_training(dropout=0.5, augment=[RandomCrop(1)]) for _ in range(2))
    for _ in evaluated.steps(10, every=(2,)):
        torch.rand(5)
        batches = evaluated.batches
        prepared = PreparedModel(
            evaluated.state.model, batches.pipeline, batches.state, torch.device("cpu")
        )
        prepared.forward(batches.split.x, stream=0)
    list(left.steps(10))
    assert _same(evaluated.weights(), left.weights())


def test_the_global_generator_is_restored_after_a_run(make_training: Make) -> None:
    before = torch.get_rng_state()
    with numerics(torch.device("cpu")):
        list(make_training(dropout=0.5).steps(3))
        assert not torch.equal(torch.get_rng_state(), before)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("clip", [1e-3, 0.1])
def test_clip_norm_bounds_the_gradients_norm(make_training: Make, clip: float) -> None:
    training = make_training(lambda p: torch.optim.SGD(p, lr=1.0))
    names = {name for name, _ in training.state.model.named_parameters()}
    before = training.weights()
    for record in training.steps(5, clip_norm=clip, every=(1,)):
        after = training.weights()
        moved = torch.cat([(after[n] - before[n]).flatten() for n in names]).norm().item()
        assert moved == pytest.approx(clip, rel=1e-3), record.step
        before = after


def test_a_clip_norm_that_is_never_reached_changes_nothing(make_training: Make) -> None:
    clipped, free = make_training(), make_training()
    list(clipped.steps(5, clip_norm=1e6))
    list(free.steps(5))
    assert _same(clipped.weights(), free.weights())


def test_lbfgs_trains_as_in_a_plain_loop(make_training: Make) -> None:
    def lbfgs(p: list[nn.Parameter]) -> Optimizer:
        return torch.optim.LBFGS(p, lr=0.5, max_iter=4, history_size=3)

    ours, plain = make_training(lbfgs), make_training(lbfgs)
    records = list(ours.steps(EPOCH, every=(1,)))
    first = []
    for step in range(EPOCH):
        x, y = plain.batches.batch(0, 0, step)

        def closure(x: Tensor = x, y: Tensor = y) -> Tensor:
            plain.state.optimizer.zero_grad()
            loss = F.cross_entropy(plain.state.model(x), y)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        first.append(plain.state.optimizer.step(closure).item())
    assert _same(ours.weights(), plain.weights())
    assert [r.loss for r in records] == first


class Twice(torch.optim.SGD):
    """Requires a closure, and calls it twice."""

    def step(self, closure: Callable[[], Tensor]) -> None:  # type: ignore[override]
        with torch.enable_grad():
            first, second = closure(), closure()
        assert torch.equal(first, second)
        super().step()


class NoClosure(torch.optim.SGD):
    """Accepts no closure."""

    def step(self) -> None:  # type: ignore[override]
        super().step()


@pytest.mark.parametrize("cls", [Twice, NoClosure])
def test_custom_optimizers_train_like_the_one_they_wrap(make_training: Make, cls: Any) -> None:
    # Without batch normalisation, whose statistics move with each evaluation of the loss.
    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))

    custom = make_training(lambda p: cls(p, lr=0.1), model=model())
    plain = make_training(lambda p: torch.optim.SGD(p, lr=0.1), model=model())
    list(custom.steps(5))
    list(plain.steps(5))
    assert _same(custom.weights(), plain.weights())


SCHEDULERS: dict[str, tuple[str, Callable[[Optimizer], Any]]] = {
    "StepLR": ("epoch", lambda o: lr_scheduler.StepLR(o, 1, 0.5)),
    "CosineAnnealingLR": ("epoch", lambda o: lr_scheduler.CosineAnnealingLR(o, 3)),
    "OneCycleLR": ("step", lambda o: lr_scheduler.OneCycleLR(o, 0.5, total_steps=3 * EPOCH)),
    "LambdaLR": ("step", lambda o: lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step))),
    "CyclicLR": ("step", lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.2, step_size_up=4)),
    "SequentialLR": (
        "step",
        lambda o: lr_scheduler.SequentialLR(
            o,
            [lr_scheduler.LinearLR(o, 0.1, 1.0, 5), lr_scheduler.CosineAnnealingLR(o, 16)],
            [5],
        ),
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
def test_learning_rates_are_those_of_a_plain_loop(make_training: Make, name: str) -> None:
    interval, scheduler = SCHEDULERS[name]
    ours = make_training(scheduler=scheduler, interval=interval)
    plain = make_training(scheduler=scheduler)

    def each(step: int) -> None:
        if interval == "step" or (step + 1) % EPOCH == 0:
            plain.state.schedule.scheduler.step()

    got = [r.lr for r in ours.steps(3 * EPOCH, every=(1,))]
    _, expected = _plain(plain, 3 * EPOCH, each=each)
    assert got == expected
    assert len(set(got)) > 2
    assert _same(ours.weights(), plain.weights())


def test_a_monitored_metric_changes_the_rate_as_in_a_plain_loop(make_training: Make) -> None:
    def plateau(optimizer: Optimizer) -> Any:
        return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)

    ours = make_training(scheduler=plateau, monitor="loss")
    plain = make_training(scheduler=plateau, monitor="loss")
    metrics = [2.0, 1.0, 1.5, 1.4, 1.3, 1.2]
    got = []
    for record in ours.steps(len(metrics) * EPOCH, every=(1,)):
        got.append(record.lr)
        if record.end_of_epoch:
            ours.state.schedule.evaluated({"loss": metrics[record.epoch - 1]})

    def each(step: int) -> None:
        if (step + 1) % EPOCH == 0:
            plain.state.schedule.scheduler.step(metrics[step // EPOCH])

    _, expected = _plain(plain, len(metrics) * EPOCH, each=each)
    assert got == expected
    assert sorted(set(got)) == [0.05, 0.1]


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_batches_in_parts_train_as_whole_ones(make_training: Make, reduction: str) -> None:
    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.Tanh(), nn.Linear(16, 10))

    loss = nn.CrossEntropyLoss(reduction=reduction)
    trainings = [
        make_training(
            lambda p: torch.optim.SGD(p, lr=0.01), model=model(), loss=loss, accumulate=parts
        )
        for parts in (1, 4)
    ]
    records = [list(t.steps(2 * EPOCH, clip_norm=2.0)) for t in trainings]
    for name, value in trainings[0].weights().items():
        torch.testing.assert_close(trainings[1].weights()[name], value, rtol=1e-4, atol=1e-6)
    assert [r.loss for r in records[1]] == pytest.approx([r.loss for r in records[0]], rel=1e-5)


def test_bf16_trains(make_training: Make) -> None:
    rounded, exact = make_training(precision="bf16"), make_training()
    losses = [r.loss for r in rounded.steps(5 * EPOCH)]
    expected = [r.loss for r in exact.steps(5 * EPOCH)]
    assert losses[0] == pytest.approx(expected[0], rel=0.05)
    assert losses != expected
    assert losses[-1] < losses[0] / 2
    assert all(p.dtype == torch.float32 for p in rounded.state.model.parameters())


@pytest.mark.parametrize("every", [(1,), (100,)])
def test_a_loss_that_is_not_finite_ends_the_training(
    make_training: Make, every: tuple[int, ...]
) -> None:
    training = make_training(lambda p: torch.optim.SGD(p, lr=math.inf), seed=5)
    reported = 2 if every == (1,) else EPOCH
    with pytest.raises(DivergedError) as error:
        list(training.steps(20, every=every))
    assert str(error.value) == (
        f"the loss is nan at step {reported} (epoch 1, seed 5): the training diverged; lower "
        "optimizer.lr, or set clip_norm"
    )


def test_a_model_left_in_evaluation_mode_is_trained(make_training: Make, digits: Dataset) -> None:
    training = make_training()
    training.state.model.eval()
    list(training.steps(2))
    assert training.state.model[1].num_batches_tracked.item() == 2


class FailsLater(nn.Linear):
    """Fails on the smaller last batch."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.view(16, 64))


def test_a_batch_that_fails_is_reported_with_its_shape(make_training: Make) -> None:
    training = make_training(model=FailsLater(64, 10))
    with pytest.raises(ModelError, match=r"fails on a batch \[4, 1, 8, 8\]: RuntimeError: shape"):
        list(training.steps(EPOCH))
