"""Batches as pure functions of seed, epoch and step, whole or by rank."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from papertrial.data.batches import Batch, Batches
from papertrial.data.column import DenseColumn, MemmapColumn, RowsColumn, SampleColumn, Split
from papertrial.data.images.transforms import (
    AlternatingFlip,
    Cutout,
    Normalize,
    RandomCrop,
    RandomErasing,
    RandomHorizontalFlip,
)
from papertrial.data.pipeline import Pipeline
from papertrial.data.samplers import EpochSampler
from papertrial.data.streams import generator
from papertrial.data.texts.buckets import bucketed_order
from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.errors import DataError

N = 23
IMAGES = torch.randint(0, 256, (N, 3, 8, 8), generator=generator(0, "x"), dtype=torch.uint8)
WHOLE_BATCH = (RandomCrop(2), RandomHorizontalFlip(), Cutout(3), RandomErasing(0.5))
PER_SAMPLE = (v2.RandomRotation(30), RandomCrop(1), v2.RandomPhotometricDistort(p=1))
AUGMENTS = {"none": (), "whole batch": WHOLE_BATCH, "with torchvision's": PER_SAMPLE}


def _split(column: SampleColumn | None = None) -> Split:
    return Split(column or DenseColumn(IMAGES.clone()), torch.arange(N), np.arange(N))


def _batches(
    batch_size: int = 5,
    *,
    shuffle: bool = True,
    augment: tuple[Any, ...] = (),
    transform: tuple[Any, ...] = (),
    split: Split | None = None,
    **options: Any,
) -> Batches:
    split = split or _split()
    pipeline = Pipeline("image", transform, augment)
    state = pipeline.fit(split.x)
    device = torch.device("cpu")
    return Batches(
        split, batch_size, shuffle=shuffle, pipeline=pipeline, state=state, device=device, **options
    )


def _same(one: Batch, two: Batch) -> bool:
    return torch.equal(one.x, two.x) and torch.equal(one.y, two.y)


def _join(parts: list[Batch]) -> Batch:
    return Batch(torch.cat([p.x for p in parts]), torch.cat([p.y for p in parts]))


def _epoch(batches: Batches, seed: int = 0, epoch: int = 0) -> Batch:
    """One epoch's samples in the order of the rows of the split."""
    got = _join([batches.batch(seed, epoch, step) for step in range(batches.steps)])
    order = got.y.argsort()
    return Batch(got.x[order], got.y[order])


@pytest.mark.parametrize(("batch_size", "sizes"), [(5, [5, 5, 5, 5, 3]), (23, [23]), (40, [23])])
@pytest.mark.parametrize("shuffle", [True, False])
def test_an_epoch_covers_every_row_once(batch_size: int, sizes: list[int], shuffle: bool) -> None:
    batches = _batches(batch_size, shuffle=shuffle)
    got = [batches.batch(3, 1, step) for step in range(batches.steps)]
    assert [len(batch.y) for batch in got] == sizes
    joined = _join(got)
    assert joined.y.sort().values.tolist() == list(range(N))
    assert torch.equal(joined.x, IMAGES[joined.y].float() / 255)


def test_unshuffled_rows_come_in_order_in_every_epoch() -> None:
    batches = _batches(5, shuffle=False)
    for epoch in (0, 4):
        got = _join([batches.batch(epoch, epoch, step) for step in range(5)])
        assert got.y.tolist() == list(range(N))
    assert batches.rows(0, 0, 4) == slice(20, 23)


def test_the_order_is_the_streams_permutation() -> None:
    batches = _batches(4)
    for seed, epoch in ((0, 0), (0, 1), (9, 0)):
        expected = torch.randperm(N, generator=generator(seed, "shuffle", epoch))
        got = torch.cat([batches.batch(seed, epoch, step).y for step in range(batches.steps)])
        assert torch.equal(got, expected)


def test_the_order_differs_by_epoch_and_by_seed_alone() -> None:
    orders = {
        (seed, epoch, size): tuple(
            torch.cat([b.batch(seed, epoch, s).y for s in range(b.steps)]).tolist()
        )
        for size in (4, 5)
        for b in [_batches(size)]
        for seed in (0, 1)
        for epoch in (0, 1, 2)
    }
    assert len(set(orders.values())) == 6  # the batch size cuts the same order elsewhere


@pytest.mark.parametrize("augment", AUGMENTS.values(), ids=AUGMENTS)
def test_batches_may_be_asked_for_in_any_order(augment: tuple[Any, ...]) -> None:
    calls = [(seed, epoch, step) for seed in (0, 1) for epoch in (0, 1, 2) for step in range(5)]
    batches = _batches(augment=augment)
    in_order = {call: batches.batch(*call) for call in calls}
    random.Random(0).shuffle(calls)
    for call in calls:
        torch.rand(1)  # the global generator has no part in it
        assert _same(batches.batch(*call), in_order[call])
    assert _same(_batches(augment=augment).batch(1, 2, 4), in_order[1, 2, 4])


@pytest.mark.parametrize("augment", AUGMENTS.values(), ids=AUGMENTS)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("world", [1, 2, 3, 5])
def test_the_ranks_concatenate_to_the_batch(
    world: int, shuffle: bool, augment: tuple[Any, ...]
) -> None:
    batches = _batches(7, shuffle=shuffle, augment=augment, transform=(Normalize(),))
    for step in range(batches.steps - 1):
        parts = [batches.batch(1, 2, step, rank, world) for rank in range(world)]
        assert _same(_join(parts), batches.batch(1, 2, step))
        sizes = [len(part.y) for part in parts]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("augment", AUGMENTS.values(), ids=AUGMENTS)
def test_a_rank_may_be_left_without_samples(augment: tuple[Any, ...]) -> None:
    batches = _batches(7, augment=augment)
    last = batches.steps - 1
    parts = [batches.batch(0, 0, last, rank, 4) for rank in range(4)]
    assert [len(part.y) for part in parts] == [0, 1, 0, 1]
    assert _same(_join(parts), batches.batch(0, 0, last))


@pytest.mark.parametrize("augment", [WHOLE_BATCH, PER_SAMPLE], ids=list(AUGMENTS)[1:])
def test_how_a_sample_is_augmented_depends_on_seed_epoch_and_row_alone(
    augment: tuple[Any, ...],
) -> None:
    expected = _epoch(_batches(5, augment=augment)).x
    assert torch.equal(_epoch(_batches(11, augment=augment)).x, expected)
    assert torch.equal(_epoch(_batches(1, shuffle=False, augment=augment)).x, expected)
    for seed, epoch in ((0, 1), (1, 0)):
        other = _epoch(_batches(5, augment=augment), seed, epoch).x
        assert (other != expected).flatten(1).any(1).float().mean() > 0.8


def test_two_samples_of_the_same_pixels_are_augmented_apart() -> None:
    images = IMAGES[:1].expand(N, -1, -1, -1).contiguous()
    for augment in (WHOLE_BATCH, PER_SAMPLE):
        got = _epoch(_batches(augment=augment, split=_split(DenseColumn(images)))).x
        assert len(torch.unique(got, dim=0)) > 0.8 * N


def test_nothing_moves_torchs_global_generator() -> None:
    before = torch.get_rng_state()
    batches = _batches(augment=(*WHOLE_BATCH, *PER_SAMPLE))
    _epoch(batches)
    assert torch.equal(torch.get_rng_state(), before)


class Blank:
    """A whole-batch transform and augmentation that writes into what it is given."""

    draws = 0

    def draw(self, u: torch.Tensor, size: tuple[int, int]) -> None:
        return None

    def fit(self, batches: Any) -> dict[str, Any]:
        return {}

    def apply(self, x: torch.Tensor, params: Any) -> torch.Tensor:
        return x.zero_()


def _column(kind: str, folder: Path) -> SampleColumn:
    if kind == "memmap":
        np.save(folder / "x.npy", IMAGES.numpy())
        return MemmapColumn(str(folder / "x.npy"))
    dense = DenseColumn(IMAGES.clone())
    return RowsColumn(dense, torch.arange(N)) if kind == "rows" else dense


@pytest.mark.parametrize("kind", ["dense", "memmap", "rows"])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("where", ["augment", "transform"])
@pytest.mark.parametrize("change", [Blank(), torch.Tensor.zero_], ids=["batch", "sample"])
def test_what_is_done_in_place_leaves_the_set_alone(
    tmp_path: Path, change: Any, where: str, shuffle: bool, kind: str
) -> None:
    split = _split(_column(kind, tmp_path))
    changes: dict[str, Any] = {where: (change,)}
    batches = _batches(N, shuffle=shuffle, split=split, **changes)
    got = batches.batch(0, 0, 0)
    assert not got.x.any()
    got.y.fill_(-1)
    assert torch.equal(split.x.take(slice(None)), IMAGES)
    assert torch.equal(split.y, torch.arange(N))


def test_a_model_that_writes_into_its_input_leaves_the_set_alone() -> None:
    images = torch.rand(N, 1, 8, 8)  # stored as floats, so that nothing need convert them
    split = _split(DenseColumn(images.clone()))
    batches = _batches(N, shuffle=False, split=split)
    first = batches.batch(0, 0, 0)
    torch.nn.ReLU(inplace=True)(first.x.sub_(2))
    assert torch.equal(split.x.take(slice(None)), images)
    assert torch.equal(batches.batch(0, 0, 0).x, images)


@pytest.mark.parametrize("kind", ["memmap", "rows"])
def test_every_kind_of_column_gives_the_same_batches(tmp_path: Path, kind: str) -> None:
    one = _batches(augment=WHOLE_BATCH, transform=(Normalize(),))
    two = _batches(
        augment=WHOLE_BATCH, transform=(Normalize(),), split=_split(_column(kind, tmp_path))
    )
    assert all(_same(one.batch(0, 1, step), two.batch(0, 1, step)) for step in range(5))


def test_targets_of_several_numbers_stay_with_their_samples() -> None:
    y = torch.rand(N, 2)
    split = Split(DenseColumn(torch.rand(N, 4)), y, np.arange(N))
    pipeline = Pipeline("table")
    batches = Batches(
        split,
        6,
        shuffle=True,
        pipeline=pipeline,
        state=pipeline.fit(split.x),
        device=torch.device("cpu"),
    )
    rows = batches.rows(0, 0, 1)
    got = batches.batch(0, 0, 1)
    assert torch.equal(got.y, y[rows])
    assert torch.equal(got.x, split.x.take(rows))


def test_a_transform_of_ones_own_gets_the_state_that_it_returned() -> None:
    known = {"names": ["a", "b"], "edges": [0.1, 0.2], "nested": [[1.0], []], "most": 3}

    class Known:
        def fit(self, batches: Any) -> dict[str, Any]:
            return known

        def apply(self, x: torch.Tensor, state: dict[str, Any]) -> torch.Tensor:
            assert state == known
            return x * max(state["edges"])

    got = _batches(N, shuffle=False, transform=(Known(),)).batch(0, 0, 0)
    assert torch.equal(got.x, IMAGES.float() / 255 * 0.2)


LENGTHS = torch.randint(1, 40, (101,), generator=generator(0, "lengths"))


def _texts(bucket: int | None, *, shuffle: bool = True, ragged: bool = True) -> Batches:
    """Texts whose tokens are all the text's row, from 1."""
    rows = torch.arange(1, len(LENGTHS) + 1, dtype=torch.int32)
    x: SampleColumn = RaggedColumn(rows.repeat_interleave(LENGTHS), LENGTHS)
    split = Split(x if ragged else DenseColumn(rows[:, None]), rows.long(), rows.numpy())
    pipeline, device = Pipeline("text"), torch.device("cpu")
    state = pipeline.fit(split.x)
    return Batches(
        split, 8, shuffle=shuffle, pipeline=pipeline, state=state, device=device, bucket=bucket
    )


def _padding(batches: Batches) -> float:
    got = [batches.batch(0, 0, step).x for step in range(batches.steps)]
    return float(sum((x == 0).sum() for x in got)) / sum(x.numel() for x in got)


@pytest.mark.parametrize("bucket", [None, 1, 4, 100])
def test_texts_are_padded_to_the_longest_of_their_batch(bucket: int | None) -> None:
    batches = _texts(bucket)
    seen = []
    for step in range(batches.steps):
        x, y = batches.batch(0, 0, step)
        lengths = LENGTHS[y - 1]
        assert x.dtype == torch.int64
        assert list(x.shape) == [len(y), int(lengths.max())]
        assert torch.equal((x != 0).sum(1), lengths)
        assert torch.equal(x[:, 0], y)
        seen += y.tolist()
    assert sorted(seen) == list(range(1, 102))


def test_a_bucket_saves_padding_and_a_larger_one_more() -> None:
    got = [_padding(_texts(bucket)) for bucket in (None, 1, 4, 100)]
    assert got == pytest.approx([0.391, 0.391, 0.149, 0.093], abs=5e-4)  # one batch is no choice


def test_the_order_within_buckets_is_the_streams() -> None:
    batches = _texts(4)
    for seed, epoch in ((0, 0), (0, 1), (9, 0)):
        expected = bucketed_order(LENGTHS, 8, 4, generator(seed, "shuffle", epoch))
        got = torch.cat([batches.batch(seed, epoch, step).y for step in range(batches.steps)])
        assert torch.equal(got, expected + 1)


def test_a_bucket_of_what_is_not_shuffled_or_has_no_lengths_changes_nothing() -> None:
    kept = _texts(4, shuffle=False)
    assert torch.cat([kept.batch(0, 0, s).y for s in range(kept.steps)]).tolist() == list(
        range(1, 102)
    )
    same = [_texts(bucket, ragged=False).batch(0, 0, 0) for bucket in (None, 4)]
    assert _same(*same)


def test_the_ranks_of_a_bucketed_batch_concatenate_to_it() -> None:
    batches = _texts(4)
    for step in range(batches.steps):
        parts = [batches.batch(1, 2, step, rank, 3) for rank in range(3)]
        whole = batches.batch(1, 2, step)
        assert torch.equal(torch.cat([part.y for part in parts]), whole.y)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_torchvisions_noise_comes_from_the_samples_own_seed() -> None:
    noise = v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise()])
    split, pipeline = _split(), Pipeline("image", (), (noise,))
    device = torch.device("cuda")
    state = pipeline.fit(split.x)
    batches = Batches(split, 5, shuffle=True, pipeline=pipeline, state=state, device=device)
    before = torch.cuda.get_rng_state()
    assert _same(batches.batch(0, 0, 0), batches.batch(0, 0, 0))
    assert torch.equal(torch.cuda.get_rng_state(), before)


@pytest.mark.parametrize("shuffle", [True, False])
def test_drop_last_leaves_out_a_smaller_last_batch(shuffle: bool) -> None:
    batches, whole = _batches(5, shuffle=shuffle, drop_last=True), _batches(5, shuffle=shuffle)
    assert (batches.steps, batches.count, batches.samples(0, 4), batches.size(3)) == (4, 20, 20, 5)
    assert (whole.steps, whole.count, whole.samples(0, 5), whole.size(4)) == (5, 23, 23, 3)
    for epoch in (0, 3):
        for step in range(4):
            assert _same(batches.batch(1, epoch, step), whole.batch(1, epoch, step))
    assert _batches(23, drop_last=True).steps == 1


def test_drop_last_without_a_whole_batch_is_refused() -> None:
    with pytest.raises(DataError, match=r"^data.drop_last: .*23 samples.*data.batch_size: 24"):
        _batches(24, drop_last=True)


def test_drop_last_of_buckets_leaves_out_other_texts_in_each_epoch() -> None:
    lengths = torch.arange(1, N + 1)
    texts = RaggedColumn(torch.ones(int(lengths.sum()), dtype=torch.int32), lengths)
    split = Split(texts, torch.arange(N), np.arange(N))
    pipeline = Pipeline("text")
    batches = Batches(
        split,
        5,
        shuffle=True,
        pipeline=pipeline,
        state=pipeline.fit(texts),
        device=torch.device("cpu"),
        bucket=2,
        drop_last=True,
    )
    left_out = set()
    for epoch in range(3):
        seen = torch.cat([batches.batch(0, epoch, step).y for step in range(batches.steps)])
        assert len(set(seen.tolist())) == len(seen) == 20
        left_out.add(tuple(sorted(set(range(N)) - set(seen.tolist()))))
    assert len(left_out) == 3


def _twice() -> list[int]:
    return [4] * 6 + [7] * 6


def test_a_sampler_decides_the_samples_and_the_steps_of_an_epoch() -> None:
    batches = _batches(5, sampler=EpochSampler(_twice, N))
    assert (batches.count, batches.steps, batches.size(2)) == (12, 3, 2)
    got = torch.cat([batches.batch(0, 0, step).y for step in range(3)])
    assert got.tolist() == _twice()
    assert _batches(5, sampler=EpochSampler(_twice, N), drop_last=True).steps == 2
    more = _batches(5, augment=WHOLE_BATCH, sampler=EpochSampler(lambda: [3] * 40, N))
    assert len(more.batch(0, 0, 7).x) == 5  # with more samples than the split has


@pytest.mark.parametrize("augment", [WHOLE_BATCH, PER_SAMPLE], ids=["whole batch", "per sample"])
def test_a_row_that_a_sampler_draws_again_is_augmented_otherwise(augment: tuple[Any, ...]) -> None:
    batches = _batches(4, augment=augment, sampler=EpochSampler(_twice, N))
    calls = [(epoch, step) for epoch in (0, 1) for step in range(3)]
    got = {call: batches.batch(0, *call) for call in calls}
    assert len({x.numpy().tobytes() for x in got[0, 0].x}) == 4
    for call in reversed(calls):
        assert _same(batches.batch(0, *call), got[call])


def test_alternating_flip_shows_both_forms_of_an_image_in_two_epochs() -> None:
    batches = _batches(5, augment=(AlternatingFlip(),))
    plain, mirrored = IMAGES.float() / 255, IMAGES.flip(3).float() / 255
    flipped = []
    for epoch in range(4):
        x = _epoch(batches, 0, epoch).x
        flipped.append([torch.equal(one, other) for one, other in zip(x, mirrored, strict=True)])
        kept = [torch.equal(one, other) for one, other in zip(x, plain, strict=True)]
        assert [a != b for a, b in zip(flipped[-1], kept, strict=True)] == [True] * N
    first = (torch.rand(N, 1, generator=generator(0, "augment", "all")) < 0.5).flatten().tolist()
    assert flipped == [first, [not one for one in first]] * 2
    assert 0 < sum(first) < N
    assert _epoch(batches, 1, 0).x.ne(_epoch(batches, 0, 0).x).any()


def test_constant_draws_leave_those_of_other_augmentations_as_they_are() -> None:
    alone = _batches(5, augment=(RandomCrop(2),))
    beside = _batches(5, augment=(AlternatingFlip(), RandomCrop(2), AlternatingFlip()))
    again = (torch.rand(N, 2, generator=generator(0, "augment", "all")) < 0.5).int()
    unmoved = again[:, 0] == again[:, 1]  # flipped twice, or not at all
    one, other = _epoch(alone).x, _epoch(beside).x
    unflipped = unmoved & (again[:, 0] == 0)
    assert torch.equal(one[unflipped], other[unflipped])
    assert 0 < int(unflipped.sum()) < N


def test_transforms_of_training_alone_may_draw_and_are_left_out_of_evaluations() -> None:
    noise = v2.GaussianNoise(sigma=0.2)
    pipeline = Pipeline("image", [noise, Normalize(0.5, 0.5)], (), ["training", None])
    split = _split()
    state = pipeline.fit(split.x)
    batches = Batches(
        split, 5, shuffle=True, pipeline=pipeline, state=state, device=torch.device("cpu")
    )
    x = IMAGES.float() / 255
    assert torch.equal(pipeline.apply(IMAGES, state), (x - 0.5) / 0.5)
    one, two = _epoch(batches, 0, 0).x, _epoch(batches, 0, 1).x
    assert not torch.equal(one, two)
    assert torch.equal(_epoch(batches, 0, 0).x, one)
    added = (one - (x - 0.5) / 0.5)[:2]
    assert not torch.equal(added[0], added[1])  # each sample has draws of its own
