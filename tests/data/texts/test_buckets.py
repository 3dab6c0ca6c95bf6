"""Bucketed order: a permutation, batches of near lengths, the same for the same draws."""

from __future__ import annotations

import pytest
import torch

from papertrial.data.texts.buckets import bucketed_order

LENGTHS = torch.randint(10, 1000, (1003,), generator=torch.Generator().manual_seed(0))


def order_of(lengths: torch.Tensor, seed: int = 0, batch: int = 32, pool: int = 10) -> torch.Tensor:
    return bucketed_order(lengths, batch, pool, torch.Generator().manual_seed(seed))


def padding(order: torch.Tensor) -> float:
    padded = sum(int(LENGTHS[rows].max()) * len(rows) for rows in torch.split(order, 32))
    return 1 - int(LENGTHS.sum()) / padded


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 320, 321, 1003])
def test_every_sample_is_there_once(count: int) -> None:
    assert order_of(LENGTHS[:count]).sort().values.tolist() == list(range(count))


def test_little_is_padding() -> None:
    plain = torch.randperm(len(LENGTHS), generator=torch.Generator().manual_seed(0))
    assert padding(plain) > 0.4
    assert padding(order_of(LENGTHS)) < 0.12


def test_the_same_draws_give_the_same_order_and_others_another() -> None:
    assert torch.equal(order_of(LENGTHS), order_of(LENGTHS))
    assert not torch.equal(order_of(LENGTHS), order_of(LENGTHS, seed=1))


def test_batches_are_not_in_the_order_of_length() -> None:
    means = [float(LENGTHS[rows].float().mean()) for rows in order_of(LENGTHS).split(32)]
    assert means != sorted(means)


def test_the_smaller_batch_at_the_end_is_of_any_length() -> None:
    last = [LENGTHS[order_of(LENGTHS, seed)[-11:]].float().mean() for seed in range(200)]
    assert float(torch.stack(last).mean()) == pytest.approx(float(LENGTHS.float().mean()), rel=0.05)
