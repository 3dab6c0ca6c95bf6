"""Random streams: named, unrelated, pinned for ever, and apart from torch's global generator."""

from __future__ import annotations

import hashlib

import pytest
import torch

from papertrial.data.streams import derive, generator


def test_derived_seeds_never_change() -> None:
    assert derive(0, "shuffle", 0) == 6104912743681336401
    assert derive(1, "augment", 3, 2, 17) == 3604015320524308227


def test_is_the_first_bytes_of_a_blake2b_hash_of_the_path() -> None:
    digest = hashlib.blake2b(b"7/model/2/30", digest_size=8).digest()
    assert derive(7, "model", 2, 30) == int.from_bytes(digest, "little") >> 1


def test_each_path_has_a_seed_of_its_own_that_torch_takes() -> None:
    paths = [(s, name, a, b) for s in (0, 1) for name in "xy" for a in range(13) for b in range(13)]
    paths += [(s, name, a) for s in (0, 1) for name in "xy" for a in range(130)]
    seeds = {derive(*path) for path in paths}
    assert len(seeds) == len(paths)
    assert all(0 <= seed < 2**63 for seed in seeds)


@pytest.mark.parametrize("other", [(1, "a", 0), (0, "b", 0), (0, "a", 1), (0, "a"), (0, "a", 0, 0)])
def test_two_streams_share_no_numbers(other: tuple[int, str]) -> None:
    one = torch.rand(1000, generator=generator(0, "a", 0))
    two = torch.rand(1000, generator=generator(*other))
    assert abs(torch.corrcoef(torch.stack([one, two]))[0, 1]) < 0.12
    assert not torch.equal(one, two)


def test_a_generator_is_at_the_start_of_its_stream_and_leaves_the_global_one() -> None:
    before = torch.get_rng_state()
    drawn = torch.rand(3, generator=generator(5, "x"))
    assert torch.equal(drawn, torch.rand(3, generator=generator(5, "x")))
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive(5, "x"))
        assert torch.equal(drawn, torch.rand(3))
