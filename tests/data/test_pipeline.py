"""From stored samples to a model's input: what is learnt, what is drawn, what is refused."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torchvision import transforms as v1
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as TF

from papertrial.data.column import DenseColumn
from papertrial.data.images.transforms import Cutout, Normalize, RandomCrop, RandomHorizontalFlip
from papertrial.data.pipeline import PerSample, Pipeline, PipelineState
from papertrial.data.streams import derive, generator
from papertrial.data.tables.transforms import Standardize
from papertrial.data.texts.ragged_column import RaggedColumn
from papertrial.errors import DataError

IMAGES = torch.randint(0, 256, (12, 3, 8, 6), generator=generator(0, "x"), dtype=torch.uint8)
COLUMN = DenseColumn(IMAGES)
TABLE = torch.rand(50, 4, generator=generator(0, "t")) * 100


def _applied(pipeline: Pipeline, x: Tensor = IMAGES) -> Tensor:
    return pipeline.apply(x, pipeline.fit(DenseColumn(x)))


def test_bytes_become_floats_from_0_to_1() -> None:
    every = torch.arange(256, dtype=torch.uint8).reshape(1, 1, 16, 16)
    expected = np.arange(256, dtype=np.float32) / np.float32(255)
    got = _applied(Pipeline("image"), every)
    assert got.dtype == torch.float32
    assert np.array_equal(got.flatten().numpy(), expected)
    assert torch.equal(got[0], v1.functional.to_tensor(every[0, 0].numpy()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.uint8])
def test_the_numbers_of_a_table_become_float32_as_they_are(dtype: torch.dtype) -> None:
    rows = TABLE.to(dtype)
    got = _applied(Pipeline("table"), rows)
    assert got.dtype == torch.float32
    assert torch.equal(got, rows.float())


@pytest.mark.parametrize(("kind", "x"), [("table", TABLE), ("image", IMAGES.float() / 255)])
def test_what_is_applied_has_memory_of_its_own(kind: Any, x: Tensor) -> None:
    kept = x.clone()
    _applied(Pipeline(kind), x).zero_()
    assert torch.equal(x, kept)


def test_a_transform_learns_on_what_those_before_it_return() -> None:
    def double(image: Tensor) -> Tensor:
        return image * 2

    pipeline = Pipeline("image", [double, Normalize(), Normalize()])
    learnt = pipeline.fit(COLUMN).transforms
    pixels = IMAGES.double().numpy() / 255 * 2
    assert learnt[0] == {}
    assert np.allclose(learnt[1]["mean"], pixels.mean((0, 2, 3)), atol=1e-6)
    assert np.allclose(learnt[1]["std"], pixels.std((0, 2, 3)), atol=1e-6)
    assert np.allclose(learnt[2]["mean"], 0, atol=1e-6)
    assert np.allclose(learnt[2]["std"], 1, atol=1e-6)


def test_a_table_is_standardised_as_scikit_learn_does() -> None:
    pipeline = Pipeline("table", [Standardize()])
    state = pipeline.fit(DenseColumn(TABLE[:30]))
    expected = StandardScaler().fit(TABLE[:30].double().numpy()).transform(TABLE.double().numpy())
    assert np.allclose(pipeline.apply(TABLE, state).numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("size", [4097, 9000])
def test_learning_covers_every_chunk(size: int) -> None:
    rows = torch.rand(size, 1)
    learnt = Pipeline("table", [Standardize()]).fit(DenseColumn(rows)).transforms[0]
    assert learnt["mean"] == pytest.approx([rows.double().mean().item()], abs=1e-12)


def test_the_state_is_plain_json_that_gives_the_same_bits() -> None:
    pipeline = Pipeline("image", [Normalize(), Normalize(0.3, 0.7)])
    state = pipeline.fit(COLUMN)
    assert (state.kind, state.shape, state.torch_dtype) == ("image", (3, 8, 6), torch.uint8)
    read = PipelineState.model_validate_json(state.model_dump_json())
    assert torch.equal(pipeline.apply(IMAGES, read), pipeline.apply(IMAGES, state))
    assert Pipeline("table").fit(DenseColumn(TABLE)) == PipelineState(
        kind="table", shape=(4,), dtype="float32", transforms=()
    )


@pytest.mark.parametrize(
    ("transforms", "fault"),
    [
        ((), "data.transform has 1 transforms, but the stored state has 0"),
        (({"mean": [0.0], "std": "1"},), r"Normalize.* state \("),
        (("mean",), r"Normalize.* state \("),
        (({"mean": [0.0]},), r"Normalize.* state \(KeyError: .std"),
    ],
)
def test_the_state_of_other_transforms_is_refused(transforms: Any, fault: str) -> None:
    pipeline = Pipeline("image", [Normalize()])
    state = pipeline.fit(COLUMN).model_copy(update={"transforms": transforms})
    with pytest.raises(DataError, match=fault):
        pipeline.on(torch.device("cpu"), state)


def _brightened(image: Tensor) -> Tensor:
    return image + 1


@pytest.mark.parametrize(
    ("kind", "transform", "message"),
    [
        ("table", Normalize(), "data.transform: Normalize is for images, but the data are tables"),
        (
            "image",
            Standardize(),
            "data.transform: Standardize is for tables, but the data are images",
        ),
        ("table", v2.Resize(4), "data.transform: Resize is for images, but the data are tables"),
        (
            "table",
            _brightened,
            "data.transform: _brightened is for images, but the data are tables",
        ),
    ],
)
def test_a_transform_of_another_kind_is_refused(kind: Any, transform: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        Pipeline(kind, [transform])
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("augment", [RandomCrop(1), v2.RandomRotation(5)])
def test_a_table_is_not_augmented(augment: Any) -> None:
    with pytest.raises(
        DataError, match=r"data\.augment is for images and tensors, but the data are tables"
    ):
        Pipeline("table", [], [augment])


DETERMINISTIC = {
    "resize": v2.Resize((4, 4), antialias=True),
    "crop": v2.CenterCrop(5),
    "grayscale": v2.Grayscale(3),
    "normalize": v2.Normalize([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]),
    "compose": v2.Compose([v2.Resize((10, 10)), v2.Pad(1), v2.ToDtype(torch.float32)]),
    "v1": v1.Normalize([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]),
    "function": TF.horizontal_flip,
    "partial": functools.partial(TF.solarize, threshold=0.5),
    "nn.Module": torch.nn.ReflectionPad2d(1),
}


@pytest.mark.parametrize("transform", DETERMINISTIC.values(), ids=DETERMINISTIC)
def test_any_callable_on_an_image_is_a_transform(transform: Callable[[Tensor], Tensor]) -> None:
    expected = torch.stack([transform(image) for image in IMAGES.float() / 255])
    assert torch.equal(_applied(Pipeline("image", [transform])), expected)


@pytest.mark.parametrize(
    "transform",
    [
        v2.RandomHorizontalFlip(),
        v2.ColorJitter(0.5, 0.5, 0.5),
        v2.GaussianNoise(),
        v1.RandomErasing(p=1, value="random"),
    ],
    ids=lambda transform: type(transform).__name__,
)
def test_a_random_transform_does_the_same_whatever_batch_a_sample_is_in(
    transform: Callable[[Tensor], Tensor],
) -> None:
    pipeline = Pipeline("image", [transform])
    state = pipeline.fit(COLUMN)
    whole = pipeline.apply(IMAGES, state)
    pieces = torch.cat([pipeline.apply(piece, state) for piece in IMAGES.split(5)])
    assert torch.equal(pieces, whole)


TO_BYTES = v2.ToDtype(torch.uint8, scale=True)
RANDOM = [
    v2.RandomHorizontalFlip(),
    v2.RandomRotation(20),
    v2.ColorJitter(0.5, 0.5, 0.5, 0.2),
    v2.RandomResizedCrop((8, 6), antialias=True),
    v2.RandAugment(),
    v2.TrivialAugmentWide(),
    v2.ElasticTransform(sigma=1.0),
    v2.Compose([v2.ToDtype(torch.float32, scale=True), v2.GaussianNoise(), TO_BYTES]),
    v1.RandomErasing(p=1),
]


@pytest.mark.parametrize("transform", RANDOM, ids=lambda t: type(t).__name__)
def test_torchvisions_augmentation_runs_per_sample_under_the_samples_own_seed(
    transform: Callable[[Tensor], Tensor],
) -> None:
    pipeline = Pipeline("image", [], [Cutout(2), transform])
    rows = [40, 7, 8, 3]
    u = torch.rand(4, 2)
    cut = Cutout(2).apply(IMAGES[:4], Cutout(2).draw(u, (8, 6)))
    expected = []
    with torch.random.fork_rng(devices=[]):
        for image, row in zip(cut, rows, strict=True):
            torch.manual_seed(derive(5, "augment", 2, 1, row))
            expected.append(transform(image))
    before = torch.get_rng_state()
    got = pipeline.augment(IMAGES[:4], u, torch.tensor(rows), seed=5, epoch=2)
    assert torch.equal(got, torch.stack(expected))
    assert torch.equal(torch.get_rng_state(), before)


def test_each_augmentation_uses_draws_of_its_own() -> None:
    crop, flip, cutout = RandomCrop(2), RandomHorizontalFlip(), Cutout(3)
    pipeline = Pipeline("image", [], [crop, v2.Identity(), flip, cutout])
    u = pipeline.uniforms(12, seed=1, epoch=4)
    assert pipeline.draws == 5
    assert torch.equal(u, torch.rand(12, 5, generator=generator(1, "augment", 4)))
    expected = crop.apply(IMAGES, crop.draw(u[:, :2], (8, 6)))
    expected = flip.apply(expected, flip.draw(u[:, 2:3], (8, 6)))
    expected = cutout.apply(expected, cutout.draw(u[:, 3:], (8, 6)))
    assert torch.equal(pipeline.augment(IMAGES, u, torch.arange(12), 1, 4), expected)


def test_an_augmentation_draws_in_the_size_that_the_one_before_it_left() -> None:
    pipeline = Pipeline("image", [], [v2.Resize((20, 30)), Cutout(2)])
    u = torch.full((12, 2), 0.99)
    got = pipeline.augment(IMAGES, u, torch.arange(12), 0, 0)
    assert got.shape == (12, 3, 20, 30)
    assert not got[:, :, 18:, 28:].any()


def test_augmentations_take_the_stored_bytes_and_apply_leaves_them_out() -> None:
    seen = []

    def look(image: Tensor) -> Tensor:
        seen.append(image.dtype)
        return image

    pipeline = Pipeline("image", [], [look])
    pipeline.augment(IMAGES, pipeline.uniforms(12, 0, 0), torch.arange(12), 0, 0)
    assert seen == [torch.uint8] * 12
    _applied(pipeline)
    assert len(seen) == 12


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        (v2.ToPILImage(), "ToPILImage must return a tensor, got Image; .* remove conversions"),
        (v1.ToTensor(), "ToTensor fails on .* remove conversions such as ToTensor"),
        (
            v2.RandomChoice([v2.Identity(), v2.Resize((3, 3))]),
            r"RandomChoice must return tensors of the same size, got \[\(3, 3, 3\), \(3, 8, 6\)\]",
        ),
    ],
)
def test_a_transform_returns_tensors_of_one_size(transform: Any, message: str) -> None:
    seeds = list(range(12))
    with pytest.raises(DataError, match=message):
        PerSample(transform).run(IMAGES, seeds)


def test_a_refused_function_is_called_by_its_name_and_what_it_returned() -> None:
    def sometimes(image: Tensor) -> Tensor | None:
        return image if image.sum() == IMAGES[0].sum() else None

    with pytest.raises(DataError, match="sometimes must return a tensor, got NoneType"):
        PerSample(sometimes).run(IMAGES, range(12))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("transform", "x", "name"),
    [
        (v2.Normalize([0.5], [1.0]), IMAGES, "Normalize"),  # torchvision's takes no bytes
        (v2.Normalize([0.5, 0.5], [1, 1]), IMAGES / 255, "Normalize"),  # of 3 channels
        (v2.RandomCrop(20), IMAGES, "RandomCrop"),
        (lambda image: image.no_such_thing, IMAGES, "no_such_thing"),
    ],
)
def test_a_transform_that_fails_is_the_users_to_mend(transform: Any, x: Tensor, name: str) -> None:
    with pytest.raises(DataError, match=name):
        PerSample(transform).run(x, range(12))


def test_a_transform_that_fails_leaves_the_global_generator_alone() -> None:
    def fail(image: Tensor) -> Tensor:
        raise ValueError(torch.rand(1))

    before = torch.get_rng_state()
    with pytest.raises(ValueError, match="tensor"):
        PerSample(fail).run(IMAGES, range(12))
    assert torch.equal(torch.get_rng_state(), before)


class Fails:
    """A transform, and an augmentation, of one's own that fails where it is told to."""

    draws = 1

    def __init__(self, where: str) -> None:
        self.where = where

    def _at(self, where: str) -> None:
        if self.where == where:
            raise KeyError("scale")

    def fit(self, batches: Iterable[Tensor]) -> dict[str, Any]:
        self._at("fit")
        return {}

    def draw(self, u: Tensor, size: tuple[int, int]) -> None:
        self._at("draw")

    def apply(self, x: Tensor, state: Any) -> Tensor:
        self._at("apply")
        return x


def test_learning_that_fails_is_told_with_the_samples_as_they_are_stored() -> None:
    with pytest.raises(DataError) as caught:
        Pipeline("image", [Fails("fit")]).fit(COLUMN)
    assert str(caught.value) == "Fails fails on [3, 8, 6] torch.uint8: 'scale'"


def test_a_transform_of_a_batch_that_fails_is_told_in_the_same_words() -> None:
    with pytest.raises(DataError) as caught:
        _applied(Pipeline("image", [Fails("apply")]))
    assert str(caught.value) == "Fails fails on [12, 3, 8, 6] torch.float32: 'scale'"


@pytest.mark.parametrize("where", ["draw", "apply"])
def test_an_augmentation_that_fails_is_told_in_the_same_words(where: str) -> None:
    pipeline = Pipeline("image", [], [Fails(where)])
    with pytest.raises(DataError) as caught:
        pipeline.augment(IMAGES, pipeline.uniforms(12, 0, 0), torch.arange(12), 0, 0)
    assert str(caught.value) == "Fails fails on [12, 3, 8, 6] torch.uint8: 'scale'"


def test_what_a_transform_says_of_a_mistake_itself_stays_as_it_is() -> None:
    def refuses(image: Tensor) -> Tensor:
        raise DataError("give a size")

    with pytest.raises(DataError, match=r"^give a size$"):
        Pipeline("image", [refuses, Normalize()]).fit(COLUMN)


def test_tokens_become_int64_and_stay_as_they_are() -> None:
    tokens = RaggedColumn(torch.tensor([5, 2, 9], dtype=torch.int32), torch.tensor([1, 2]))
    pipeline = Pipeline("text")
    state = pipeline.fit(tokens)
    assert state == PipelineState(kind="text", shape=(), dtype="int32", transforms=())
    got = pipeline.apply(tokens.take(slice(None)), state)
    assert got.dtype == torch.int64
    assert got.tolist() == [[5, 0], [2, 9]]


@pytest.mark.parametrize("transform", [Normalize(), Standardize(), v2.Resize(4)])
def test_texts_take_no_transform_of_images_or_tables(transform: Any) -> None:
    with pytest.raises(
        DataError, match=r"data\.transform: \w+ is for \w+s, but the data are texts"
    ):
        Pipeline("text", [transform])


def test_texts_are_not_augmented() -> None:
    with pytest.raises(
        DataError, match=r"data\.augment is for images and tensors, but the data are texts"
    ):
        Pipeline("text", [], [RandomCrop(1)])


def test_nothing_comes_of_no_samples() -> None:
    pipeline = Pipeline("image", [TF.horizontal_flip], [RandomCrop(1), TF.horizontal_flip])
    state = pipeline.fit(COLUMN)
    assert pipeline.apply(IMAGES[:0], state).shape == (0, 3, 8, 6)
    none = torch.arange(0)
    assert pipeline.augment(IMAGES[:0], torch.empty(0, 2), none, 0, 0).shape == (0, 3, 8, 6)


def test_a_transform_of_ones_own_learns_and_applies() -> None:
    class Largest:
        def fit(self, batches: Iterable[Tensor]) -> dict[str, float]:
            return {"largest": max(x.max().item() for x in batches)}

        def apply(self, x: Tensor, state: dict[str, float]) -> Tensor:
            return x / state["largest"]

    got = _applied(Pipeline("table", [Largest()]), TABLE)
    assert torch.equal(got, TABLE / TABLE.max().item())


def test_a_transform_that_fails_leaves_pythons_and_numpys_generators_too() -> None:
    def breaks(image: Tensor) -> Tensor:
        raise ValueError(str(random.random() + np.random.rand()))

    python, drawn = random.getstate(), np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
    with pytest.raises(DataError, match=r"^breaks fails on \[3, 8, 6\] torch\.float32: \d"):
        _applied(Pipeline("image", [breaks]))
    assert random.getstate() == python
    assert np.array_equal(np.random.get_state()[1], drawn)  # type: ignore[index]


@pytest.mark.parametrize("deep", [190, 300])
def test_a_state_that_could_not_be_read_again_is_refused_before_the_training(deep: int) -> None:
    class Learns:
        def fit(self, batches: Iterable[Tensor]) -> object:
            state: object = 1.0
            for _ in range(deep):
                state = [state]
            return state

        def apply(self, x: Tensor, state: object) -> Tensor:
            return x

    pipeline = Pipeline("image", [Learns()])
    if deep < 200:
        state = pipeline.fit(COLUMN)
        assert PipelineState.model_validate_json(state.model_dump_json()) == state
    else:
        with pytest.raises(DataError, match=r"data\.transform: what fit\(\) returns"):
            pipeline.fit(COLUMN)


def test_a_state_with_text_that_is_not_unicode_is_refused() -> None:
    class Learns:
        def fit(self, batches: Iterable[Tensor]) -> dict[str, str]:
            return {"name": "\udc80"}

        def apply(self, x: Tensor, state: object) -> Tensor:
            return x

    with pytest.raises(DataError, match=r"data\.transform: what fit\(\) returns"):
        Pipeline("image", [Learns()]).fit(COLUMN)
