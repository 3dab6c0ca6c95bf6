"""Images of several sizes, from files to verdicts: decoded as they are, cropped in the pipeline."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

import papertrial as pt
from papertrial.data.images.transforms import AlternatingFlip, Normalize
from papertrial.data.images.varying_column import VaryingImages
from papertrial.data.pipeline import Pipeline
from papertrial.data.sources import image_folder
from papertrial.data.sources.spec import ImageOptions, SourceSpec
from papertrial.data.streams import derive
from papertrial.errors import DataError, PapertrialError
from papertrial.progress import finish
from papertrial.verification.verify import verify

CROP = {"use": "torchvision.transforms.v2.RandomResizedCrop", "size": 8}
RESIZE = {"use": "torchvision.transforms.v2.Resize", "size": 9, "only": "evaluation"}
CENTER = {"use": "torchvision.transforms.v2.CenterCrop", "size": 8, "only": "evaluation"}
VARYING: dict[str, Any] = {
    "name": "photos",
    "task": "image-classification",
    "data": {
        "source": "image-folder",
        "path": "photos",
        "image": {"size": "varying"},
        "splits": {"test": 8, "stratify": True},
        "batch_size": 8,
        "drop_last": True,
        "sampler": "balanced",
        "augment": [CROP, "papertrial.transforms.AlternatingFlip"],
        "transform": [RESIZE, CENTER, "papertrial.transforms.Normalize"],
    },
    "model": {
        "use": "torch.nn.Sequential",
        "args": [{"use": "torch.nn.Flatten"}, {"use": "torch.nn.LazyLinear", "out_features": 2}],
    },
    "loss": "torch.nn.CrossEntropyLoss",
    "optimizer": {"use": "torch.optim.SGD", "lr": 0.01},
    "epochs": 2,
    "evaluate": {"augment": {"flip": True, "shift": 1}},
    "claims": [{"metric": "accuracy", "value": 0.3, "kind": "at-least"}],
    "verify": {"max_seeds": 5},
}


def photos(folder: Path, count: int = 28) -> Path:
    """Write images of several sizes, every fourth one bright, and one turned by its EXIF data."""
    draws = np.random.default_rng(0)
    for i in range(count):
        bright = i % 4 == 0
        height, width = draws.integers(10, 20, 2)
        pixels = draws.integers(0, 100, (height, width, 3)) + 120 * bright
        path = folder / "photos" / ("bright" if bright else "dark") / f"{i:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        exif[0x0112] = 6 if i == 1 else 1
        Image.fromarray(pixels.astype(np.uint8)).save(path, exif=exif)
    return folder


def load(folder: Path, **options: Any) -> Any:
    spec = SourceSpec("image-folder", folder / "photos", images=ImageOptions("varying", **options))
    return finish(image_folder.load(spec, folder)).dataset


def loaded(folder: Path, *overrides: str, **changes: Any) -> Any:
    values = copy.deepcopy(VARYING) | changes
    (folder / "recipe.yaml").write_text(json.dumps(values))
    return pt.load_recipe(folder / "recipe.yaml", overrides)


def test_images_keep_their_sizes_and_pixels(tmp_path: Path) -> None:
    dataset = load(photos(tmp_path))
    x, names = dataset.train.x, dataset.train.names
    assert isinstance(x, VaryingImages)
    assert (x.shape, len(x), dataset.classes) == ((3, 0, 0), 28, ("bright", "dark"))
    total = 0
    for one, name in zip(x.take(slice(0, 28)), names, strict=True):
        with Image.open(tmp_path / "photos" / name) as image:
            turned = image.transpose(Image.Transpose.ROTATE_270) if "01" in name else image
            assert np.array_equal(one.permute(1, 2, 0).numpy(), np.asarray(turned))
        total += one.numel()
    assert x.nbytes == total
    again = load(tmp_path).train.x
    assert again.fingerprint == x.fingerprint
    some = x.rows(torch.tensor([3, 0]))
    pairs = zip(some.take(slice(0, 2)), (3, 0), strict=True)
    assert all(torch.equal(one, x.sample(row)) for one, row in pairs)
    assert some.fingerprint == VaryingImages.of([x.sample(3), x.sample(0)]).fingerprint
    assert some.fingerprint != x.rows(torch.tensor([0, 3])).fingerprint


def test_a_turned_image_has_another_fingerprint() -> None:
    flat = torch.arange(12, dtype=torch.uint8)
    one, other = (VaryingImages.of([flat.view(*size)]) for size in ((1, 3, 4), (1, 4, 3)))
    assert one.fingerprint != other.fingerprint


def test_a_damaged_image_is_skipped_or_named_and_changed_files_are_decoded_again(
    tmp_path: Path,
) -> None:
    folder = photos(tmp_path)
    whole = load(folder).train.x
    path = folder / "photos" / "dark" / "05.png"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match=r"dark/05\.png"):
        load(folder)
    dataset = load(folder, corrupt="skip")
    assert len(dataset.train) == 27
    at = dataset.train.names.index("dark/06.png")
    assert torch.equal(dataset.train.x.sample(at), whole.sample(at + 1))
    path.unlink()
    Image.new("RGB", (4, 5), "white").save(path)
    changed = load(folder).train
    assert changed.x.sample(changed.names.index("dark/05.png")).shape == (3, 5, 4)


def test_several_modes_need_a_mode(tmp_path: Path) -> None:
    folder = photos(tmp_path)
    Image.new("L", (12, 9), 77).save(folder / "photos" / "dark" / "gray.png")
    with pytest.raises(DataError, match=r"to convert them, set data.image.mode: RGB"):
        load(folder)
    dataset = load(folder, mode="L")
    assert dataset.train.x.sample(dataset.train.names.index("dark/gray.png")).shape == (1, 9, 12)


def test_the_pipeline_crops_each_image_with_draws_of_its_own(tmp_path: Path) -> None:
    x = load(photos(tmp_path)).train.x
    crop, resize, center = v2.RandomResizedCrop(8), v2.Resize(9), v2.CenterCrop(8)
    pipeline = Pipeline(
        "image",
        [resize, center, Normalize()],
        [crop, AlternatingFlip()],
        ["evaluation", "evaluation", None],
    )
    prepared = torch.stack([center(resize(one.float() / 255)) for one in x.take(slice(0, 28))])
    state = pipeline.fit(x)  # sees images as an evaluation does
    fitted = state.transforms[2]
    assert isinstance(fitted, dict)
    pixels = prepared.double().transpose(0, 1).flatten(1)
    assert fitted["mean"] == pytest.approx(pixels.mean(1).tolist(), rel=1e-6)
    assert fitted["std"] == pytest.approx(pixels.std(1, correction=0).tolist(), rel=1e-6)
    found = pipeline.apply(x.take(slice(0, 28)), state)
    mean, std = (torch.tensor(fitted[key]).view(3, 1, 1) for key in ("mean", "std"))
    torch.testing.assert_close(found, (prepared - mean) / std)
    rows, constants = torch.tensor([4, 9]), torch.zeros(2, 1)
    done = pipeline.augment(x.take(rows), torch.zeros(2, 0), rows, 5, 1, constants)
    with torch.random.fork_rng():
        for row, one in zip(rows.tolist(), done, strict=True):
            torch.manual_seed(derive(5, "augment", 1, 0, row))
            assert torch.equal(one, crop(x.sample(row)))  # u = 0 is flipped in epochs 0, 2, ...


def test_a_training_on_varying_images_is_repeatable_and_predicts(tmp_path: Path) -> None:
    recipe = loaded(photos(tmp_path))
    runs = [pt.train(recipe, runs=tmp_path / name, data=tmp_path) for name in ("a", "b")]
    first, second = ((run.path / "model.safetensors").read_bytes() for run in runs)
    assert first == second
    run = runs[0]
    assert run.metrics["test"]["accuracy"] >= 0.75
    assert run.summary.report.last_step == 2 * (20 // 8)
    stored = pt.evaluate_run(run, data_folder=tmp_path)
    assert stored.metrics == run.metrics
    elsewhere = pt.evaluate_run(run, tmp_path / "photos", data_folder=tmp_path)
    paths = sorted((tmp_path / "photos").rglob("*.png"))
    answers = run.predict([str(path) for path in paths])
    right = sum(a.prediction == p.parent.name for a, p in zip(answers, paths, strict=True))
    assert right / 28 == pytest.approx(elsewhere.metrics["data"]["accuracy"])
    assert {a.converted for a in answers if "01.png" not in a.input} == {""}
    with Image.open(paths[0]) as image:
        alone = run.predict([image.convert("RGB")])[0]
    assert alone.probabilities == pytest.approx(answers[0].probabilities, abs=1e-6)


def test_a_verification_of_varying_images_passes_an_audit(tmp_path: Path) -> None:
    made = verify(
        loaded(photos(tmp_path)), runs=tmp_path / "runs", data=tmp_path, workers=1, device="cpu"
    )
    audited = pt.audit(made.path, data=tmp_path)
    assert [str(finding) for finding in audited.findings if not finding.ok] == []
    said = {finding.check: finding.message for finding in audited.findings}
    assert "bit for bit" in said["predictions"]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.augment=[]", r"varying: .*such as \[1\d, 1\d\].*RandomResizedCrop"),
        ("data.transform=[]", r"varying: the model takes images of one size.*only: evaluation"),
        (
            "data.augment=[papertrial.transforms.RandomHorizontalFlip]",
            "varying: RandomHorizontalFlip takes images of one size",
        ),
    ],
)
def test_images_that_keep_several_sizes_are_refused(
    tmp_path: Path, override: str, message: str
) -> None:
    with pytest.raises(PapertrialError, match=message):
        pt.train(loaded(photos(tmp_path), override), runs=tmp_path / "runs", data=tmp_path)
    found = pt.check(tmp_path / "recipe.yaml", [override], data=tmp_path)
    assert [problem.where for problem in found.problems if problem.severity == "error"] == [
        "data.image.size"
    ]
