"""Samplers: the order of an epoch is a pure function of seed and epoch, and is checked."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    RandomSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from papertrial.data.samplers import Balanced, EpochSampler, sample_weights
from papertrial.data.streams import generator, generator_states
from papertrial.errors import DataError

N = 40
TARGETS = (torch.arange(N) % 10 == 0).long()  # 36 of class 0, 4 of class 1
CPU = torch.device("cpu")


def order_of(make: Callable[[], Iterable[Any]], seed: int = 3, epoch: int = 2) -> list[int]:
    return EpochSampler(make, N).order(seed, epoch).tolist()


def test_balanced_draws_by_one_over_the_size_of_a_class() -> None:
    weights = torch.where(TARGETS == 1, 1 / 4, 1 / 36).double()
    for seed, epoch in ((3, 2), (0, 0)):
        drawn = torch.multinomial(weights, N, True, generator=generator(seed, "shuffle", epoch))
        assert order_of(lambda: Balanced(TARGETS), seed, epoch) == drawn.tolist()


def test_balanced_gives_each_class_half_of_the_samples() -> None:
    sampler = EpochSampler(lambda: Balanced(TARGETS, 500), N)
    rows = torch.cat([sampler.order(0, epoch) for epoch in range(20)])
    assert len(rows) == 10_000
    # 0.5 with a standard deviation of 0.005.
    assert TARGETS[rows].double().mean().item() == pytest.approx(0.5, abs=0.02)


def test_torch_samplers_draw_as_with_a_generator_of_the_stream() -> None:
    stream = generator(3, "shuffle", 2)
    expected = list(SubsetRandomSampler(range(5, 20), stream))
    assert order_of(lambda: SubsetRandomSampler(range(5, 20))) == expected
    assert EpochSampler(lambda: SubsetRandomSampler(range(5, 20)), N).count == 15


def _with_numpy() -> list[int]:
    return np.random.permutation(N).tolist()  # type: ignore[no-any-return]


def _with_python() -> list[int]:
    return random.sample(range(N), 7)


@pytest.mark.parametrize(
    "make", [lambda: Balanced(TARGETS), lambda: RandomSampler(range(N)), _with_numpy, _with_python]
)
def test_an_order_depends_on_seed_and_epoch_alone(make: Callable[[], Iterable[Any]]) -> None:
    sampler = EpochSampler(make, N)
    first = {(s, e): sampler.order(s, e).tolist() for s in (0, 1) for e in (0, 1, 2)}
    assert len({tuple(rows) for rows in first.values()}) == 6
    random.seed(1)
    before = generator_states(CPU)
    again = EpochSampler(make, N)
    assert all(again.order(*key).tolist() == first[key] for key in reversed(list(first)))
    assert generator_states(CPU) == before


class Epochs:
    """A sampler that is told the epoch, like torch's DistributedSampler."""

    def __init__(self) -> None:
        self.epoch = -1

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        return iter([self.epoch] * 3)


def test_a_sampler_is_told_the_epoch_and_has_no_state_of_earlier_ones() -> None:
    sampler = EpochSampler(Epochs, N)
    assert [sampler.order(0, epoch).tolist() for epoch in (7, 0)] == [[7] * 3, [0] * 3]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchSampler(range(N), 4, False), r"one by one, got \[0, 1, 2, 3\]; samplers of"),
        (lambda: [0, 1, N], r"rows from 0 to 39, got 0 to 40"),
        (lambda: [-1, 2], r"rows from 0 to 39, got -1 to 2"),
        (list, "gives no samples"),
        (lambda: [0.5, 1.0], "one by one, got 0.5"),
        (lambda: [True, False], "one by one, got True"),
        (lambda: itertools.repeat(0), "more than 1,000,000 samples .* never ends"),
        (lambda: ["a"], "one by one, got 'a'"),
        (lambda: 3, "fails: TypeError"),
        (lambda: random.choices(range(N), k=random.randrange(1, 30)), "samples in one epoch and"),
    ],
)
def test_what_is_not_an_order_is_refused(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^data.sampler: .*{message}"):
        EpochSampler(make, N)


def test_weights_by_class_become_weights_of_samples() -> None:
    classes = ("fine", "fraud")
    given = sample_weights({"fraud": 9, "fine": 1}, TARGETS, classes)
    assert isinstance(given, Tensor)
    assert given.tolist() == [9.0 if y else 1.0 for y in TARGETS.tolist()]
    balanced = sample_weights("balanced", TARGETS, classes)
    assert isinstance(balanced, Tensor)
    assert balanced.tolist() == [1 / 4 if y else 1 / 36 for y in TARGETS.tolist()]
    each = [1.0] * N
    assert sample_weights(each, TARGETS, classes) is each
    one, other = (
        order_of(lambda w=w: WeightedRandomSampler(w, N))  # type: ignore[misc]
        for w in (balanced, balanced.tolist())
    )
    assert one == other == order_of(lambda: Balanced(TARGETS))


@pytest.mark.parametrize(
    ("weights", "classes", "message"),
    [
        (
            [1, 9],
            ("fine", "fraud"),
            "one weight for each of the 40 training samples, got 2; .*fine",
        ),
        ({"fine": 1, "froud": 9}, ("fine", "fraud"), "no class 'froud'; did you mean"),
        ({"fine": 1}, ("fine", "fraud"), "the class fraud has no weight"),
        ("balanced", (), "balanced needs one class for each"),
    ],
)
def test_weights_that_do_not_fit_the_classes_are_refused(
    weights: Any, classes: tuple[str, ...], message: str
) -> None:
    with pytest.raises(DataError, match=rf"^data.sampler.weights: .*{message}"):
        sample_weights(weights, TARGETS, classes)
